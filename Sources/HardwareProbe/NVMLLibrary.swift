internal import CNVML

/// An opened and initialised NVML. Shut down by `close()`; the library itself stays loaded.
struct NVMLLibrary {
  /// A device handle. Valid until the library is closed or the GPU is reset.
  struct Device {
    fileprivate let handle: cnvml_device
  }

  /// What opening gave.
  enum Opening {
    case open(NVMLLibrary)
    case failed(NVMLStatus)
  }

  /// The path or name by which it was opened.
  let path: String
  private let table: OpaquePointer

  /// Opens the first candidate that loads and initialises it.
  ///
  /// - Parameter isPrivileged: Then only the plain name and root's own files are loaded.
  static func open(_ candidates: [String], isPrivileged: Bool) -> Opening {
    var status = NVMLStatus.noLibrary(reason: "no place to look")
    for (position, candidate) in candidates.enumerated() {
      let opening = open(candidate, isPrivileged: isPrivileged)
      guard case .failed(let failure) = opening else { return opening }
      // A library that is there but fails is the better explanation than one that is not.
      guard case .noLibrary = failure else { return opening }
      if position == 0 { status = failure }
    }
    return .failed(status)
  }

  private static func open(_ candidate: String, isPrivileged: Bool) -> Opening {
    var path = candidate
    if isPrivileged && candidate != NVMLLocator.soname {
      guard candidate.hasPrefix("/") else {
        return .failed(.notTrusted(path: candidate.printable, reason: "not an absolute path"))
      }
      guard let resolved = Syscalls.resolve(candidate) else {
        return .failed(.noLibrary(reason: "\(candidate): no such file".printable))
      }
      if let reason = NVMLLocator.distrust(resolved, ownership: Syscalls.ownership) {
        return .failed(.notTrusted(path: candidate.printable, reason: reason.printable))
      }
      path = resolved
    }
    var words = [CChar](repeating: 0, count: 512)
    guard let table = cnvml_open(path, &words, words.count) else {
      let text = words.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      return .failed(.noLibrary(reason: String(decoding: text, as: UTF8.self).printable))
    }
    let library = NVMLLibrary(path: path.printable, table: table)
    if let missing = cnvml_missing_symbol(table) {
      cnvml_forget(table)
      return .failed(
        .unfitLibrary(path: library.path, reason: "symbol \(String(cString: missing)) is missing"))
    }
    let result = library.initialise()
    guard result.isSuccess else {
      cnvml_forget(table)
      return .failed(
        .driverFailed(path: library.path, code: result.code, reason: result.description))
    }
    return .open(library)
  }

  /// Without GPUs first: a node whose GPUs are all lent to virtual machines still answers. Older
  /// libraries lack that call, or refuse its flag.
  private func initialise() -> NVMLReturn {
    let first = NVMLReturn(code: cnvml_init_with_flags(table, CNVML_INIT_NO_GPUS))
    guard Self.shouldTryOlder(first) else { return first }
    let second = NVMLReturn(code: cnvml_init_v2(table))
    guard Self.shouldTryOlder(second) else { return second }
    let third = NVMLReturn(code: cnvml_init(table))
    return third.code == CNVML_NO_SYMBOL ? second : third
  }

  private static func shouldTryOlder(_ result: NVMLReturn) -> Bool {
    result.meaning == .absent || result.code == 2
  }

  /// Ends the use of the driver. Handles are worthless afterwards.
  func close() {
    _ = cnvml_shutdown(table)
    cnvml_forget(table)
  }

  /// The driver's version, such as `550.90.07`; nil when it does not say.
  func driverVersion() -> String? {
    text(bytes: Int(CNVML_VERSION_BYTES)) { cnvml_driver_version(table, $0, $1) }.value
  }

  /// The library's version; nil when it does not say.
  func nvmlVersion() -> String? {
    text(bytes: Int(CNVML_VERSION_BYTES)) { cnvml_nvml_version(table, $0, $1) }.value
  }

  /// How many GPUs the driver counts.
  func deviceCount() -> (count: Int, result: NVMLReturn) {
    var count: UInt32 = 0
    let result = NVMLReturn(code: cnvml_device_count(table, &count))
    return (result.isSuccess ? Int(count) : 0, result)
  }

  /// The GPU at an index; nil with the reason when it cannot be opened.
  func device(at index: Int) -> (device: Device?, result: NVMLReturn) {
    var handle: cnvml_device?
    let result = NVMLReturn(code: cnvml_device_by_index(table, UInt32(index), &handle))
    return (result.isSuccess ? handle.map(Device.init) : nil, result)
  }

  /// The product name; nil with the reason when it is not told.
  func name(of device: Device) -> (value: String?, result: NVMLReturn) {
    text(bytes: Int(CNVML_NAME_BYTES)) { cnvml_device_name(table, device.handle, $0, $1) }
  }

  /// The GPU's identifier; nil with the reason when it is not told.
  func uuid(of device: Device) -> (value: String?, result: NVMLReturn) {
    text(bytes: Int(CNVML_UUID_BYTES)) { cnvml_device_uuid(table, device.handle, $0, $1) }
  }

  /// The GPU's memory: by the newer call, which tells the driver's own part apart, else the older.
  func memory(of device: Device) -> (value: GPUMemory?, result: NVMLReturn) {
    var newer = cnvml_memory_v2()
    let result = NVMLReturn(code: cnvml_device_memory_v2(table, device.handle, &newer))
    if result.isSuccess {
      let memory = GPUMemory(
        totalBytes: newer.total, usedBytes: newer.used, reservedBytes: newer.reserved)
      return (memory, result)
    }
    guard result.meaning == .absent || result.meaning == .wrongVersion || result.code == 2 else {
      return (nil, result)
    }
    var older = cnvml_memory_v1()
    let second = NVMLReturn(code: cnvml_device_memory_v1(table, device.handle, &older))
    guard second.isSuccess else { return (nil, second) }
    return (
      GPUMemory(totalBytes: older.total, usedBytes: older.used, reservedBytes: nil), second
    )
  }

  private func text(
    bytes: Int, _ call: (UnsafeMutablePointer<CChar>, UInt32) -> Int32
  ) -> (value: String?, result: NVMLReturn) {
    var buffer = [CChar](repeating: 0, count: bytes)
    let result = buffer.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { NVMLReturn(code: call($0, UInt32(bytes))) }
        ?? NVMLReturn(code: CNVML_NO_SYMBOL)
    }
    guard result.isSuccess else { return (nil, result) }
    let text = buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    let value = String(decoding: text, as: UTF8.self).printable
    return (value.isEmpty ? nil : value, result)
  }
}

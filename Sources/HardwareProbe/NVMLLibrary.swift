internal import CNVML

/// An opened and initialised NVML. Shut down by `close()`; the library itself stays loaded.
struct NVMLLibrary {
  /// A device handle. Valid until the library is closed, the GPU is reset or, for a MIG device, its
  /// GPU is cut anew.
  struct Device {
    let handle: cnvml_device
  }

  /// What opening gave.
  enum Opening {
    case open(NVMLLibrary)
    case failed(NVMLStatus)
  }

  /// The path or name by which it was opened.
  let path: String
  let table: OpaquePointer

  /// Opens the first candidate that loads and initialises it.
  ///
  /// - Parameter isPrivileged: Then only the plain name and root's own files are loaded.
  static func open(_ candidates: [String], isPrivileged: Bool) -> Opening {
    var status: NVMLStatus?
    var misfit: NVMLStatus?
    for candidate in candidates {
      let opening = open(candidate, isPrivileged: isPrivileged)
      guard case .failed(let failure) = opening else { return opening }
      // A library that is there but fails is the better explanation than one that is not.
      guard case .noLibrary = failure else { return opening }
      status = status ?? failure
      let isThere = candidate.hasPrefix("/") && Syscalls.exists(candidate)
      if isThere { misfit = misfit ?? failure }
    }
    return .failed(misfit ?? status ?? .noLibrary(reason: "no place to look"))
  }

  private static func open(_ candidate: String, isPrivileged: Bool) -> Opening {
    let path: String
    switch NVMLLocator.admit(candidate, isPrivileged: isPrivileged) {
    case .path(let admitted): path = admitted
    case .missing: return .failed(.noLibrary(reason: "\(candidate): no such file".printable))
    case .refused(let reason):
      return .failed(.notTrusted(path: candidate.printable, reason: reason.printable))
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
        .driverFailed(
          path: library.path, code: result.code, reason: result.description + result.advice))
    }
    return .open(library)
  }

  /// Without GPUs first: a node whose GPUs are all lent to virtual machines still answers. Older
  /// libraries lack that call, or refuse its flag.
  private func initialise() -> NVMLReturn {
    let first = NVMLReturn(code: cnvml_init_with_flags(table, CNVML_INIT_NO_GPUS))
    guard first.isForOlder else { return first }
    let second = NVMLReturn(code: cnvml_init_v2(table))
    guard second.isForOlder else { return second }
    let third = NVMLReturn(code: cnvml_init(table))
    return third.code == CNVML_NO_SYMBOL ? second : third
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

  /// CUDA version of the driver, 12040 for 12.4; nil when it does not say.
  func cudaVersion() -> Int? {
    var version: Int32 = 0
    return cnvml_cuda_version(table, &version) == 0 && version > 0 ? Int(version) : nil
  }

  /// The GPU at an index; nil with the reason when it cannot be opened.
  func device(at index: Int) -> (device: Device?, result: NVMLReturn) {
    var handle: cnvml_device?
    let result = NVMLReturn(code: cnvml_device_by_index(table, UInt32(index), &handle))
    return (result.isSuccess ? handle.map(Device.init) : nil, result)
  }

  /// Runs a call that fills a text. Bytes that are no UTF-8 and controls are replaced.
  func text(
    bytes: Int, _ call: (UnsafeMutablePointer<CChar>, UInt32) -> Int32
  ) -> Answer<String> {
    var buffer = [CChar](repeating: 0, count: bytes)
    let code = buffer.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { call($0, UInt32(bytes)) } ?? NVMLReturn.noSymbol
    }
    guard code == 0 else { return Answer(value: nil, code: code) }
    return Answer(value: NVMLText.string(buffer.map(UInt8.init(bitPattern:))), code: code)
  }
}

/// Text as C libraries leave it in a buffer.
enum NVMLText {
  /// The text up to the first zero, or to the end of a buffer without one; nil when it is empty.
  static func string(_ buffer: some Sequence<UInt8>) -> String? {
    let text = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self).printable
    return text.isEmpty ? nil : text
  }

  /// The text in a fixed C array, which Swift sees as a tuple.
  static func string<Tuple>(tuple: Tuple) -> String? {
    withUnsafeBytes(of: tuple) { string($0) }
  }
}

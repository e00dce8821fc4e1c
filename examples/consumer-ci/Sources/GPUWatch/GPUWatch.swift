#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// What one GPU says at one moment.
public enum GPUReading: Equatable, Sendable {
  case memory(name: String, freeBytes: UInt64)
  case failed(code: Int32)
}

/// A reader of NVML that knows nothing of fakes.
public final class GPUWatch {
  public struct LoadError: Error {
    public let message: String
  }

  private let library: UnsafeMutableRawPointer

  /// Opens the library and starts it.
  public init(library path: String = "libnvidia-ml.so.1") throws {
    guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw LoadError(message: String(cString: dlerror()))
    }
    self.library = library
    let start: (@convention(c) () -> Int32)? = symbol("nvmlInit_v2")
    let code = start?() ?? -1
    guard code == 0 else { throw LoadError(message: "nvmlInit_v2 answers \(code)") }
  }

  /// One reading a GPU.
  public func readings() -> [GPUReading] {
    let count: (@convention(c) (UnsafeMutablePointer<UInt32>) -> Int32)? = symbol(
      "nvmlDeviceGetCount_v2")
    var gpus: UInt32 = 0
    guard let count, count(&gpus) == 0 else { return [] }
    return (0..<gpus).map(reading)
  }

  private func reading(_ index: UInt32) -> GPUReading {
    typealias Handle = UnsafeMutableRawPointer
    let byIndex: (@convention(c) (UInt32, UnsafeMutablePointer<Handle?>) -> Int32)? = symbol(
      "nvmlDeviceGetHandleByIndex_v2")
    let getName: (@convention(c) (Handle?, UnsafeMutablePointer<CChar>, UInt32) -> Int32)? =
      symbol("nvmlDeviceGetName")
    let getMemory: (@convention(c) (Handle?, UnsafeMutablePointer<UInt64>) -> Int32)? = symbol(
      "nvmlDeviceGetMemoryInfo")
    guard let byIndex, let getName, let getMemory else { return .failed(code: 13) }
    var device: Handle?
    var code = byIndex(index, &device)
    guard code == 0 else { return .failed(code: code) }
    var name = [CChar](repeating: 0, count: 96)
    code = getName(device, &name, 96)
    guard code == 0 else { return .failed(code: code) }
    var memory: [UInt64] = [0, 0, 0]
    code = getMemory(device, &memory)
    guard code == 0 else { return .failed(code: code) }
    let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return .memory(name: String(decoding: text, as: UTF8.self), freeBytes: memory[1])
  }

  private func symbol<T>(_ name: String) -> T? {
    dlsym(library, name).map { unsafeBitCast($0, to: T.self) }
  }
}

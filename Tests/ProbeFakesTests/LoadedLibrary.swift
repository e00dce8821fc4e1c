import Glibc
import ProbeFakes
import Testing

typealias Handle = UnsafeMutableRawPointer

/// A fake library, opened as a program opens the real one.
final class LoadedLibrary {
  typealias Count = @convention(c) (UnsafeMutablePointer<UInt32>?) -> Int32
  typealias Plain = @convention(c) () -> Int32
  typealias Fill = @convention(c) (Handle?, UnsafeMutableRawPointer?) -> Int32
  typealias Text = @convention(c) (Handle?, UnsafeMutablePointer<CChar>?, UInt32) -> Int32
  typealias Indexed = @convention(c) (UInt32, UnsafeMutableRawPointer?) -> Int32
  typealias Named = @convention(c) (UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Int32
  typealias IndexedFill =
    @convention(c) (Handle?, UInt32, UnsafeMutableRawPointer?) -> Int32
  typealias Lists =
    @convention(c) (Handle?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32

  let fake: FakeNVML
  private let library: UnsafeMutableRawPointer

  /// Opens the library without init.
  init(_ configuration: String, edition: FakeNVML.Edition = .current) throws {
    fake = try #require(FakeNVML(configuration, edition: edition), "the fake is not built")
    library = try #require(dlopen(fake.path, RTLD_NOW | RTLD_LOCAL))
  }

  deinit { dlclose(library) }

  func has(_ name: String) -> Bool { dlsym(library, name) != nil }

  func symbol<T>(_ name: String, _ type: T.Type = T.self) throws -> T {
    let address = try #require(dlsym(library, name), "\(name) is missing")
    return unsafeBitCast(address, to: T.self)
  }

  func call(_ name: String) throws -> Int32 { try symbol(name, Plain.self)() }

  /// Init, which must succeed.
  func start() throws { try #require(try call("nvmlInit_v2") == 0) }

  func gpu(_ index: UInt32) throws -> Handle {
    var device: Handle?
    let code = try symbol("nvmlDeviceGetHandleByIndex_v2", Indexed.self)(index, &device)
    try #require(code == 0)
    return try #require(device)
  }

  /// A call that writes one number.
  func number<T: FixedWidthInteger>(
    _ name: String, _ device: Handle?, _ type: T.Type = UInt32.self
  ) throws -> (code: Int32, value: T) {
    var value = T(7)
    let code = try symbol(name, Fill.self)(device, &value)
    return (code, value)
  }

  /// A call that writes a text into 96 bytes, or as many as are given.
  func text(_ name: String, _ device: Handle?, bytes: Int = 96) throws -> (Int32, String) {
    var buffer = [CChar](repeating: 0, count: bytes)
    let code = try symbol(name, Text.self)(device, &buffer, UInt32(bytes))
    let written = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return (code, String(decoding: written, as: UTF8.self))
  }

  /// A MIG device of a GPU; nil with the code when there is none.
  func migDevice(_ index: UInt32, of device: Handle) throws -> (code: Int32, device: Handle?) {
    var found: Handle?
    let code = try symbol("nvmlDeviceGetMigDeviceHandleByIndex", IndexedFill.self)(
      device, index, &found)
    return (code, found)
  }
}

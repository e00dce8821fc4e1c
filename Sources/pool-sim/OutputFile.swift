import Glibc
import PoolConsole

/// A file that a command writes at its end, opened at its beginning.
struct OutputFile {
  private let descriptor: Int32
  private let path: String

  /// Opens a file to be written, and makes it where there is none. What is in it stays until then.
  init(_ path: String) throws(UsageError) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o644)
    self.path = path
    guard descriptor >= 0 else {
      throw UsageError(
        message: "\(Terminal.plain(path)) cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  /// Replaces what is in it, and closes it. A failure ends the process with 1.
  func write(_ text: String) {
    var text = text
    let isWritten =
      ftruncate(descriptor, 0) == 0 || errno == EINVAL
      ? text.withUTF8 { bytes in
        var offset = 0
        while offset < bytes.count {
          let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[offset...])
          let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
          if count < 0, errno == EINTR { continue }
          if count <= 0 { return false }
          offset += count
        }
        return true
      } : false
    guard isWritten, close(descriptor) == 0 else {
      Console.note(
        "error: \(Terminal.plain(path)) was not written: \(String(cString: strerror(errno)))\n")
      exit(1)
    }
  }
}

import Glibc

/// A file that was not there before, written from its beginning.
package struct NewFile {
  /// What it is called in messages.
  private let shown: String
  private let descriptor: Int32

  /// Makes a file.
  /// - Throws: where it is there already, or cannot be made.
  package init(_ path: String) throws(UsageError) {
    shown = Terminal.plain(path)
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let why = errno == EEXIST ? "is there already; name a new file" : Self.reason(errno)
      throw UsageError(message: "\(shown): \(why)")
    }
  }

  /// Adds bytes at the end; a failure ends the process, as what follows would have a gap before it.
  package func append(_ bytes: [UInt8]) {
    var offset = 0
    let isWritten = bytes.withUnsafeBytes { bytes in
      while offset < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { return false }
        offset += count
      }
      return true
    }
    if !isWritten {
      Console.note("error: \(shown) cannot be written: \(Console.reason(errno))\n")
      exit(1)
    }
  }

  private static func reason(_ code: Int32) -> String {
    switch code {
    case ENOENT: "the folder is not there"
    case EACCES, EPERM, EROFS: "no permission to write there"
    default: Console.reason(code)
    }
  }
}

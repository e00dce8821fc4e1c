import Glibc

/// Standard output and error, files, the clock: the command line's door to the machine.
package enum Console {
  /// Largest document that is read. Unit: bytes.
  static let documentBytesMax = 16 << 20

  /// Why a file was not read, in words.
  package struct ReadError: Error {
    package var message: String
  }

  /// Writes data to standard output; a failure ends the process, as nobody could read on.
  package static func print(_ text: String) { write(text, to: 1) }

  /// Writes notes and errors to standard error.
  package static func note(_ text: String) { write(text, to: 2) }

  private static func write(_ text: String, to descriptor: Int32) {
    var text = text
    let isWritten = text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[offset...])
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR || waits(for: descriptor, POLLOUT) { continue }
        if count <= 0 { return false }
        offset += count
      }
      return true
    }
    if !isWritten, descriptor == 1 {
      note("error: standard output cannot be written: \(reason(errno))\n")
      exit(1)
    }
  }

  /// After a read or write that failed: waits where it failed only because the descriptor does not
  /// block, which whoever started this process may have set.
  static func waits(for descriptor: Int32, _ event: Int32) -> Bool {
    guard errno == EAGAIN else { return false }
    var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    return poll(&entry, 1, -1) >= 0 || errno == EINTR
  }

  /// Reads a whole file, or standard input for "-".
  /// - Parameter bytesMax: a larger one is not read.
  package static func read(
    _ path: String, upTo bytesMax: Int = documentBytesMax
  ) throws(ReadError) -> [UInt8] {
    let shown = path == "-" ? "standard input" : Terminal.plain(path)
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw ReadError(message: "\(shown): \(reason(errno))") }
    defer { if path != "-" { close(descriptor) } }
    var status = stat()
    if fstat(descriptor, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR {
        throw ReadError(message: "\(shown): is a directory; name a file")
      }
      if status.st_mode & S_IFMT == S_IFREG, status.st_size > bytesMax {
        throw tooLarge(shown, bytesMax)
      }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(bytesMax, max(0, Int(status.st_size))))
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR || waits(for: descriptor, POLLIN) { continue }
      if count < 0 { throw ReadError(message: "\(shown): \(reason(errno))") }
      if count == 0 { return bytes }
      guard bytes.count + count <= bytesMax else { throw tooLarge(shown, bytesMax) }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  private static func tooLarge(_ shown: String, _ bytesMax: Int) -> ReadError {
    ReadError(message: "\(shown): is larger than \(bytesMax >> 20) MiB and was not read")
  }

  /// Nanoseconds of the monotonic clock; only differences mean something.
  package static func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    guard clock_gettime(CLOCK_MONOTONIC, &time) == 0 else { return 0 }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Ends the process at an interrupt with 130, at a request to terminate with 143, also where the
  /// one that started it had these signals blocked.
  package static func endOnInterrupt() {
    signal(SIGINT) { _ in _exit(130) }
    signal(SIGTERM) { _ in _exit(143) }
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigprocmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Waits; a signal may end it earlier.
  package static func sleep(seconds: Int) { _ = Glibc.sleep(UInt32(clamping: seconds)) }

  /// Whether a directory is there.
  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The path of the running program without symbolic links; nil where /proc does not say.
  package static func executablePath() -> String? {
    absolutePath("/proc/self/exe")
  }

  /// The path of a file that is there, from the root and without symbolic links; else nil.
  package static func absolutePath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  static func reason(_ code: Int32) -> String {
    switch code {
    case ENOENT: "there is no such file"
    case EACCES, EPERM: "no permission to read it"
    case ENOTDIR: "a part of the path is no directory"
    case EISDIR: "is a directory; name a file"
    default: String(cString: strerror(code))
    }
  }
}

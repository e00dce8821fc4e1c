internal import CNVML
internal import Glibc

/// The one door to the operating system: nothing else in this target calls it.
///
/// Every function does one thing, keeps no state and reports failure as a value.
enum Syscalls {
  /// What reading a file gave.
  enum Reading: Equatable {
    case text(String)
    /// There is no such file, or the kernel has nothing to say in it (ENODEV, EOPNOTSUPP).
    case absent
    /// There is one, but it could not be read; the reason in words.
    case refused(String)
  }

  /// Owner and permission bits of a path, symbolic links followed.
  struct Ownership: Equatable {
    var userID: UInt32
    var mode: UInt32
    var isDirectory: Bool
    var isFile: Bool
  }

  /// What `uname` says; an empty string where it says nothing.
  struct SystemName: Equatable {
    var host: String
    var release: String
    var machine: String
  }

  /// Reads a whole regular file as UTF-8 (bad bytes are replaced), or refuses at `limit` bytes.
  static func readFile(_ path: String, limit: Int) -> Reading {
    // O_NONBLOCK: a FIFO in the place of a file must not hang the probe.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { return failure(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return failure(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return .refused("not a regular file") }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { return failure(errno) }
      if count == 0 { return .text(String(decoding: bytes, as: UTF8.self)) }
      guard bytes.count + count <= limit else { return .refused("larger than \(limit) bytes") }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Names in a directory, sorted by their bytes, without `.` and `..`; nil when there is none.
  static func listDirectory(_ path: String, limit: Int) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while names.count < limit, let entry = readdir(directory) {
      // The record ends where the name ends, so only the bytes up to its zero may be touched.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let start = UnsafeRawPointer(entry).advanced(by: offset)
      let name = String(cString: start.assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Whether there is anything at `path`; a symbolic link that leads nowhere counts.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// What a symbolic link says; nil when `path` is none or says more than 4,095 bytes.
  static func readLink(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
    }
    guard count > 0, count < buffer.count else { return nil }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Owner and mode of what `path` leads to; nil when nothing does.
  static func ownership(_ path: String) -> Ownership? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let type = status.st_mode & S_IFMT
    return Ownership(
      userID: status.st_uid, mode: status.st_mode & 0o7777, isDirectory: type == S_IFDIR,
      isFile: type == S_IFREG)
  }

  /// `path` without symbolic links, or nil when it leads nowhere.
  static func resolve(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Whether the loader takes a library, by name or path. It runs the library's own start.
  static func canLoad(_ library: String) -> Bool { cnvml_os_can_load(library) != 0 }

  /// CPUs on which the calling thread may run; nil when the kernel does not say.
  static func affinity() -> CPUSet? {
    var bytes = 128
    while bytes <= ProbeLimits.identifier / 8 + 1 {
      var mask = [UInt8](repeating: 0, count: bytes)
      let written = cnvml_os_affinity(&mask, bytes)
      if written > 0 { return CPUSet(mask: mask.prefix(Int(written))) }
      if written != -Int(EINVAL) { return nil }
      bytes *= 2
    }
    return nil
  }

  /// Host name, kernel release and machine of the running kernel.
  static func systemName() -> SystemName {
    var name = utsname()
    guard uname(&name) == 0 else { return SystemName(host: "", release: "", machine: "") }
    var host = [CChar](repeating: 0, count: 257)
    let named = gethostname(&host, host.count - 1) == 0
    return SystemName(
      host: named ? text(host) : text(of: name.nodename),
      release: text(of: name.release), machine: text(of: name.machine))
  }

  /// Nanoseconds of the monotonic clock; only differences mean something.
  static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    guard clock_gettime(CLOCK_MONOTONIC, &time) == 0 else { return 0 }
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// True when the process runs as root or gained privileges at exec: then nothing that another
  /// user can write may be loaded, and the environment is not believed.
  static func isPrivileged() -> Bool { geteuid() == 0 || cnvml_os_is_secure() != 0 }

  /// Value of an environment variable; nil when it is unset or empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  private static func failure(_ code: Int32) -> Reading {
    switch code {
    case ENOENT, ENOTDIR, ENODEV, ENXIO, EOPNOTSUPP: .absent
    default: .refused(String(cString: strerror(code)))
    }
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// A fixed C array, which Swift sees as a tuple, up to its zero.
  private static func text<Tuple>(of tuple: Tuple) -> String {
    withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

internal import Glibc
internal import Synchronization

/// A temporary directory that is removed with the value: the file tree of a made-up machine.
public final class FakeMachine: Sendable {
  /// Where the tree starts: the probe's `root`.
  public let root: String

  /// What `/proc/self/mountinfo` holds so far.
  let mountinfo = Mutex("")

  /// Makes an empty tree in the system's temporary directory.
  public init() {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/fake-machine-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no temporary directory in \(base)") }
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Makes a tree of the given files, path to text.
  public convenience init(_ files: [String: String]) {
    self.init()
    for (path, text) in files { write(text, to: path) }
  }

  deinit { Self.remove(root) }

  /// Writes a file; directories on the way are made.
  public func write(_ text: String, to path: String) {
    write(bytes: Array(text.utf8), to: path)
  }

  /// Writes a file of raw bytes; directories on the way are made.
  public func write(bytes: [UInt8], to path: String) {
    let full = root + path
    makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    guard let file = fopen(full, "w") else { fatalError("cannot write \(full)") }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { fatalError("cannot write \(full)") }
  }

  /// Makes a directory and those on the way to it.
  public func makeDirectory(_ path: String) {
    var made = root
    for component in path.split(separator: "/") {
      made += "/" + component
      guard mkdir(made, 0o755) == 0 || errno == EEXIST else { fatalError("cannot make \(made)") }
    }
  }

  /// Makes a symbolic link that says `target`; directories on the way to it are made.
  public func link(_ path: String, to target: String) {
    makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    guard symlink(target, root + path) == 0 else { fatalError("cannot make \(root + path)") }
  }

  /// Sets the mode of a file or directory.
  public func setMode(_ path: String, _ mode: UInt32) {
    guard chmod(root + path, mode) == 0 else { fatalError("cannot change \(root + path)") }
  }

  /// Removes a file or an empty directory.
  public func delete(_ path: String) { Glibc.remove(root + path) }

  /// What a file of the real machine holds; nil when it cannot be opened.
  static func bytes(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }

  private static func remove(_ path: String) {
    // A link is removed, not what it leads to.
    if unlink(path) == 0 { return }
    if let directory = opendir(path) {
      var names: [String] = []
      while let entry = readdir(directory) {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
        let start = UnsafeRawPointer(entry).advanced(by: offset)
        names.append(String(cString: start.assumingMemoryBound(to: CChar.self)))
      }
      closedir(directory)
      for name in names where name != "." && name != ".." { remove("\(path)/\(name)") }
    }
    Glibc.remove(path)
  }
}

internal import Glibc

/// What could not be done with a file of the agent, in words.
public struct StateError: Error, Equatable, Sendable {
  /// One clause, and what to do about it.
  public let message: String

  /// Makes an error.
  public init(_ message: String) { self.message = message }

  static func failed(_ what: String, _ code: Int32) -> StateError {
    StateError("\(what): \(String(cString: strerror(code)))")
  }
}

/// Files of the agent's state: small, read whole, and on the disk before anything rests on them.
enum Files {
  /// Reads a regular file; nil where there is none.
  static func read(_ path: String, upTo most: Int = 4 << 20) throws(StateError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .failed("\(path) cannot be read", errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw StateError("\(path) is no regular file")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw .failed("\(path) cannot be read", errno) }
      if count == 0 { return bytes }
      guard bytes.count + count <= most else {
        throw StateError("\(path) is larger than \(most) bytes")
      }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Writes a file in one step: after a crash there is what was there before, or all of this.
  /// - Throws: where it is not on the disk. What stands there then is one of the two.
  static func write(_ bytes: [UInt8], to name: String, in folder: String) throws(StateError) {
    let (path, temporary) = ("\(folder)/\(name)", "\(folder)/.\(name).new")
    try put(bytes, temporary)
    try rename(temporary, to: path)
    try sync(folder)
  }

  /// Writes a file in place; for folders that get their name when all of them is there.
  static func put(_ bytes: [UInt8], _ path: String) throws(StateError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .failed("\(path) cannot be written", errno) }
    defer { close(descriptor) }
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        return Glibc.write(descriptor, rest.baseAddress, rest.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .failed("\(path) cannot be written", errno) }
      offset += count
    }
    guard fsync(descriptor) == 0 else { throw .failed("\(path) is not durable", errno) }
  }

  /// Gives a file or folder another name, in the place of what had it.
  static func rename(_ old: String, to new: String) throws(StateError) {
    guard Glibc.rename(old, new) == 0 else { throw .failed("\(new) cannot be written", errno) }
  }

  /// Makes the names in a folder durable.
  static func sync(_ folder: String) throws(StateError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .failed("the folder \(folder) cannot be opened", errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw .failed("the folder \(folder) is not durable", errno)
    }
  }

  /// Makes a folder for its owner alone; one that is there stays.
  static func makeFolder(_ path: String) throws(StateError) {
    if mkdir(path, 0o700) != 0, errno != EEXIST {
      throw .failed("the folder \(path) cannot be made", errno)
    }
  }

  /// Makes a pipe that no other program gets.
  static func pipe() throws(StateError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { throw .failed("a pipe cannot be made", errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// Whether there is anything of that name.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// The names in a folder, sorted; none where there is no folder.
  static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      // The record ends where the name ends, so only the bytes up to its zero may be touched.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let start = UnsafeRawPointer(entry).advanced(by: offset)
      let name = String(cString: start.assumingMemoryBound(to: CChar.self))
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file or a folder with all in it; links are removed, never followed.
  static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in names(in: path) { remove("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

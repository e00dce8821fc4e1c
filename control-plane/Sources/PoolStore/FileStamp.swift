import Glibc

/// What tells one state of a file from another: another file in its place, another size, another
/// time of its last change.
public struct FileStamp: Hashable, Sendable {
  private let inode: UInt64
  private let size: Int64
  private let seconds: Int64
  private let nanoseconds: Int64

  /// Looks at a file.
  /// - Returns: nil where there is none.
  public init?(_ path: String) {
    var state = stat()
    guard stat(path, &state) == 0 else { return nil }
    inode = UInt64(state.st_ino)
    size = Int64(state.st_size)
    seconds = Int64(state.st_mtim.tv_sec)
    nanoseconds = Int64(state.st_mtim.tv_nsec)
  }
}

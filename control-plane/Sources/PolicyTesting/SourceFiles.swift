internal import Foundation

/// Files as they are named on the command line and in one another.
enum SourceFiles {
  /// Reads a whole document; `-` is standard input.
  /// - Returns: its bytes; of one that is too large, one more than `SourceReader.bytesMax`.
  static func read(_ path: String) throws(SourceErrors) -> [UInt8] {
    try read(path, upTo: SourceReader.bytesMax)
  }

  /// Reads a whole file; `-` is standard input.
  /// - Returns: its bytes; of one that is larger than that, one more.
  static func read(_ path: String, upTo bytesMax: Int) throws(SourceErrors) -> [UInt8] {
    let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
    do {
      if let handle {
        return try handle.read(upToCount: bytesMax + 1).map { Array($0) } ?? []
      }
    } catch {}
    throw SourceErrors([
      SourceError(
        SourcePlace(file: path, line: 1, column: 1), "the file cannot be read",
        hint: "name a file that is there")
    ])
  }

  /// A file that another one names, beside that one.
  static func path(_ name: String, beside file: String) -> String {
    guard !name.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return name }
    return String(file[...slash]) + name
  }
}

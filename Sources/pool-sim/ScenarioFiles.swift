import Glibc
import PoolConsole

/// The files that a command line means: each file, and each document of a folder by its name.
enum ScenarioFiles {
  /// Most files of a folder. Unit: files.
  private static let most = 10_000

  static func named(_ words: [String]) throws(UsageError) -> [String] {
    var files: [String] = []
    for word in words {
      guard Console.isDirectory(word) else {
        files.append(word)
        continue
      }
      let found = list(word).filter { $0.hasSuffix(".json") }.sorted()
      if found.isEmpty {
        throw UsageError(message: "\(Terminal.plain(word)): no scenario lies there")
      }
      files += found.map { word.hasSuffix("/") ? word + $0 : "\(word)/\($0)" }
    }
    return files
  }

  private static func list(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while names.count < most, let entry = readdir(directory) {
      // The record ends where the name ends, so only the bytes up to its zero may be touched.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let start = UnsafeRawPointer(entry).advanced(by: offset)
      let name = String(cString: start.assumingMemoryBound(to: CChar.self))
      names.append(name)
    }
    return names
  }
}

import Foundation
import Testing

/// The files of the repository, found by a walk so that it also works in an unpacked archive.
struct Repository: Sendable {
  /// Folders that hold build products, corpora or version control, never our text.
  static let skippedFolders: Set<String> = [".git", ".swiftpm", "fuzz-corpus", "node_modules"]

  /// The repository that this test was compiled from.
  static let current = Repository(root: root)

  let root: URL
  /// Paths from the root, sorted.
  let paths: [String]
  let swiftFiles: [SourceFile]

  init(root: URL) {
    self.root = root
    paths = Self.walk(root)
    swiftFiles = paths.filter { $0.hasSuffix(".swift") }.map {
      let text = (try? String(contentsOf: root.appending(path: $0), encoding: .utf8)) ?? ""
      return SourceFile(path: $0, text: text)
    }
  }

  /// Swift files below a folder such as `Sources/PoolAllocator`.
  func swiftFiles(under folder: String) -> [SourceFile] {
    swiftFiles.filter { $0.path.hasPrefix(folder + "/") }
  }

  /// Paths below one of the folders that end in `suffix`.
  func paths(under folders: [String], suffix: String) -> [String] {
    paths.filter { path in
      path.hasSuffix(suffix) && folders.contains { path.hasPrefix($0 + "/") }
    }
  }

  func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  /// Names of the folders directly below `folder`, sorted.
  func folders(in folder: String) -> [String] {
    let names = paths.compactMap { path -> String? in
      let parts = path.split(separator: "/")
      guard parts.count > 2, parts[0] == folder else { return nil }
      return String(parts[1])
    }
    return Set(names).sorted()
  }

  static func isSkipped(folder name: String) -> Bool {
    name.hasPrefix(".build") || skippedFolders.contains(name)
  }

  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static func walk(_ root: URL) -> [String] {
    var found: [String] = []
    var waiting = [""]
    while let folder = waiting.popLast() {
      let path = folder.isEmpty ? root.path : root.appending(path: folder).path
      for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
        let child = folder.isEmpty ? name : folder + "/" + name
        var isFolder: ObjCBool = false
        let full = root.appending(path: child).path
        guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder) else { continue }
        if !isFolder.boolValue {
          found.append(child)
        } else if !isSkipped(folder: name) {
          waiting.append(child)
        }
      }
    }
    return found.sorted()
  }
}

/// Fails once, with every finding on a line of its own.
func expectClean(_ findings: [Finding], _ location: SourceLocation = #_sourceLocation) {
  guard !findings.isEmpty else { return }
  let list = findings.map(\.description).joined(separator: "\n  ")
  Issue.record("\n  \(list)", sourceLocation: location)
}

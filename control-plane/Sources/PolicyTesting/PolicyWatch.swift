internal import Foundation

/// Runs tests again whenever one of the files changes that they read: the tests, their policies and
/// what these include, and their nodes; and whenever a file of tests comes or goes.
public struct PolicyWatch {
  /// What came of the last run.
  public private(set) var report: PolicyTestReport
  /// The files of tests that the last run was given.
  private var tests: [String]
  /// The files that the last run read, or tried to, each as it was before.
  private var states: [(file: String, state: String?)]
  private let find: () -> [String]
  private let look: (String) -> String?

  /// Runs the tests for the first time.
  /// - Parameter find: names the files of tests, at each look.
  public init(_ find: @escaping () -> [String]) { self.init(find, looking: Self.state) }

  /// As `init(_:)`, with what tells one state of a file from another; nil: it is not there.
  init(_ find: @escaping () -> [String], looking look: @escaping (String) -> String?) {
    self.find = find
    self.look = look
    tests = find()
    (report, states) = Self.run(tests, looking: look)
  }

  /// The files that the last run read, or tried to.
  var files: [String] { states.map(\.file) }

  /// Runs the tests again where a file is another than it was, or there are other files of tests.
  /// - Returns: whether they ran.
  /// - Complexity: that of naming the files of tests, and a look at each file.
  public mutating func runIfChanged() -> Bool {
    let found = find()
    guard found != tests || states.contains(where: { look($0.file) != $0.state }) else {
      return false
    }
    tests = found
    (report, states) = Self.run(tests, looking: look)
    return true
  }

  private static func run(
    _ files: [String], looking look: (String) -> String?
  ) -> (PolicyTestReport, [(file: String, state: String?)]) {
    var states: [(file: String, state: String?)] = []
    let report = PolicyTestReport(files: files) { (file) throws(SourceErrors) in
      // Before it is read: what changes meanwhile is seen at the next look.
      if !states.contains(where: { $0.file == file }) { states.append((file, look(file))) }
      return try SourceFiles.read(file)
    }
    return (report, states)
  }

  private static func state(_ path: String) -> String? {
    let file = URL(filePath: path).resolvingSymlinksInPath().path
    guard let known = try? FileManager.default.attributesOfItem(atPath: file) else { return nil }
    let time = (known[.modificationDate] as? Date)?.timeIntervalSinceReferenceDate ?? 0
    let size = (known[.size] as? NSNumber)?.int64Value ?? 0
    let number = (known[.systemFileNumber] as? NSNumber)?.int64Value ?? 0
    return "\(number) \(size) \(time)"
  }
}

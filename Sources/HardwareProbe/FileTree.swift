/// The machine's text files below a root, and the notes that reading them leaves.
///
/// `root` is "/" on a live machine; a test or a captured tree gives its own. Paths are written as
/// the machine sees them ("/proc/meminfo").
struct FileTree {
  /// Where the tree starts, without a slash at the end: empty for the live machine.
  let root: String

  /// What was odd, for the operator; bounded by `ProbeLimits.notes`.
  private(set) var notes: [String] = []
  private var dropped = 0

  init(root: String) {
    var root = root
    while root.hasSuffix("/") { root.removeLast() }
    self.root = root
  }

  /// True when the tree is the running machine, so that system calls speak of the same one.
  var isLive: Bool { root.isEmpty }

  /// The text of a file; nil when there is none. A file that refuses leaves a note.
  mutating func text(_ path: String) -> String? {
    switch Syscalls.readFile(root + path, limit: ProbeLimits.fileBytes) {
    case .text(let text): return text
    case .absent: return nil
    case .refused(let reason):
      note("\(path): \(reason)")
      return nil
    }
  }

  /// The first line of a file without its end; nil when there is none or it is blank.
  mutating func line(_ path: String) -> String? {
    guard let text = text(path) else { return nil }
    let line = text.prefix { !$0.isNewline }.trimmed
    return line.isEmpty ? nil : line
  }

  /// The numbers of a file in the kernel's list format; nil when it is absent, empty or malformed.
  mutating func list(_ path: String) -> CPUSet? {
    guard let text = text(path) else { return nil }
    guard let set = CPUSet(list: text) else {
      note("\(path): not a list of numbers")
      return nil
    }
    return set.isEmpty ? nil : set
  }

  /// The numbers of a file in the kernel's mask format; nil when it is absent, empty or malformed.
  mutating func mask(_ path: String) -> CPUSet? {
    guard let line = line(path), let set = CPUSet(words: line) else { return nil }
    return set.isEmpty ? nil : set
  }

  /// Whether there is anything at a path; symbolic links are not followed.
  func exists(_ path: String) -> Bool { Syscalls.exists(root + path) }

  /// The last component of what a symbolic link says; nil when there is no such link.
  func linkTarget(_ path: String) -> String? {
    let target = Syscalls.readLink(root + path)?.split(separator: "/").last
    return target.map { $0.printable }
  }

  /// Numbers N of the entries `prefix`N in a directory, ascending: `node0`, `node8` give 0, 8.
  func numbered(_ prefix: String, in path: String) -> [Int] {
    names(in: path).compactMap { name in
      guard name.hasPrefix(prefix), let number = Decimal.parse(name.dropFirst(prefix.count)),
        number <= UInt64(ProbeLimits.identifier)
      else { return nil }
      return Int(number)
    }.sorted()
  }

  /// Names in a directory, sorted; empty when there is none.
  func names(in path: String) -> [String] {
    Syscalls.listDirectory(root + path, limit: ProbeLimits.directoryEntries) ?? []
  }

  /// Keeps a remark for the operator, once.
  mutating func note(_ words: String) {
    guard !notes.contains(words) else { return }
    guard notes.count < ProbeLimits.notes else {
      dropped += 1
      return
    }
    notes.append(words)
  }

  /// The notes, with a last one when some were dropped.
  var allNotes: [String] {
    dropped == 0 ? notes : notes + ["\(dropped) more notes were dropped"]
  }
}

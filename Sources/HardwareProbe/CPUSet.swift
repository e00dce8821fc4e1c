/// A set of CPU (or NUMA node) numbers, as the kernel's list format `0-3,8,10-11` writes them.
public struct CPUSet: Sendable, Equatable {
  /// One bit a number, lowest first; no zero word at the end, so equal sets compare equal.
  private var words: [UInt64]

  /// The empty set.
  public init() { words = [] }

  /// The numbers of `members`; those outside 0...65,535 are left out.
  public init(_ members: some Sequence<Int>) {
    self.init()
    for member in members { insert(member) }
  }

  /// Reads the kernel's list format; blanks, zero bytes and empty parts are allowed.
  ///
  /// - Returns: nil when the text is anything else, or names a number above 65,535.
  public init?(list: some StringProtocol) {
    self.init()
    for part in list.split(whereSeparator: { $0 == "," || $0 == "\0" || $0.isWhitespace }) {
      // "0-31:2/4" (groups of a stride) exists in the kernel's parser but is never printed.
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count <= 2, let first = Self.number(ends[0]),
        let last = ends.count == 2 ? Self.number(ends[1]) : first, first <= last
      else { return nil }
      for member in first...last { insert(member) }
    }
  }

  /// Reads an affinity mask: one bit a CPU, lowest first.
  init(mask: some Sequence<UInt8>) {
    self.init()
    for (index, byte) in mask.enumerated() {
      for bit in 0..<8 where byte & (1 << bit) != 0 { insert(index * 8 + bit) }
    }
  }

  /// Reads the kernel's mask format: words of up to eight hexadecimal digits, highest first, with
  /// commas between them, such as `0000,0000ffff`.
  ///
  /// - Returns: nil when the text is anything else.
  init?(words text: some StringProtocol) {
    self.init()
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= (ProbeLimits.identifier + 1) / 32 else { return nil }
    for (index, part) in parts.reversed().enumerated() {
      guard let word = Hexadecimal.parse(part, digits: 1...8) else { return nil }
      for bit in 0..<32 where word & (1 << bit) != 0 { insert(index * 32 + bit) }
    }
  }

  /// How many numbers it holds.
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// True when it holds none.
  public var isEmpty: Bool { words.isEmpty }

  /// The numbers, ascending.
  public var members: [Int] {
    words.indices.flatMap { word in
      (0..<64).filter { words[word] & (1 << $0) != 0 }.map { word * 64 + $0 }
    }
  }

  /// The kernel's list format, the shortest form: `0-3,8`. Empty for the empty set.
  public var list: String {
    var parts: [String] = []
    var run: ClosedRange<Int>?
    func close() {
      guard let run else { return }
      parts.append(run.count == 1 ? "\(run.lowerBound)" : "\(run.lowerBound)-\(run.upperBound)")
    }
    for member in members {
      if let open = run, open.upperBound + 1 == member {
        run = open.lowerBound...member
      } else {
        close()
        run = member...member
      }
    }
    close()
    return parts.joined(separator: ",")
  }

  /// True when `member` is in the set.
  public func contains(_ member: Int) -> Bool {
    member >= 0 && member / 64 < words.count && words[member / 64] & (1 << (member % 64)) != 0
  }

  /// The numbers in both sets.
  public func intersection(_ other: CPUSet) -> CPUSet {
    var result = CPUSet()
    result.words = zip(words, other.words).map { $0 & $1 }
    while result.words.last == 0 { result.words.removeLast() }
    return result
  }

  private mutating func insert(_ member: Int) {
    guard (0...ProbeLimits.identifier).contains(member) else { return }
    while words.count <= member / 64 { words.append(0) }
    words[member / 64] |= 1 << (member % 64)
  }

  private static func number(_ text: some StringProtocol) -> Int? {
    guard let value = Decimal.parse(text), value <= UInt64(ProbeLimits.identifier) else {
      return nil
    }
    return Int(value)
  }
}

/// What a set of runs may miss, because nothing in a closed world can bring it about.
public enum Obligations {
  /// Names of `Simulated.Outcome.coverage` with why no run meets them.
  public static let unreachable: [(name: String, because: String)] = [
    (
      "reason.advertisementIncomplete",
      "an agent says nothing of a node that it could not list in full"
    ),
    (
      "reason.arithmeticOverflow",
      "no lane of a world lets work run so long at such a weight that its price passes 2^53"
    ),
  ]

  /// Names that a set of runs missed and should not have.
  /// - Complexity: O(names × unreachable ones).
  public static func missed(_ coverage: [Coverage.Entry]) -> [String] {
    coverage.filter { entry in
      entry.count == 0 && !unreachable.contains { $0.name == entry.name }
    }.map(\.name)
  }
}

/// Finds the name that somebody probably meant, for names that are data: lanes, flags, commands.
public enum NearestName {
  /// Longer names are not compared: typing errors are in short ones, and the cost is quadratic.
  static let scalarsMax = 64

  /// The closest of some names, the first of several; nil where all are too far to be a slip.
  public static func of(_ name: String, among known: [String]) -> String? {
    let target = folded(name)
    guard target.count <= scalarsMax else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in known {
      let letters = folded(candidate)
      let allowed = max(1, max(target.count, letters.count) / 3)
      guard letters.count <= scalarsMax, abs(letters.count - target.count) <= allowed else {
        continue
      }
      let found = distance(target, letters)
      guard found <= allowed, found < best?.distance ?? .max else { continue }
      best = (candidate, found)
    }
    return best?.name
  }

  /// `did you mean "x"?`, or the list of what is known.
  public static func hint(_ name: String, among known: [String], called what: String) -> String {
    if known.isEmpty { return "there is no \(what)" }
    if let near = of(name, among: known) { return "nearest known \(what) is \"\(near)\"" }
    let shown = known.prefix(12).map { "\"\($0)\"" }.joined(separator: ", ")
    let more = known.count > 12 ? " and \(known.count - 12) more" : ""
    return "known: \(shown)\(more)"
  }

  private static func folded(_ name: String) -> [Unicode.Scalar] {
    name.lowercased().unicodeScalars.prefix(scalarsMax + 1).map { $0 == "_" ? "-" : $0 }
  }

  /// Insertions, deletions, replacements and swaps of neighbours.
  private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast = Array(repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    var row = last
    for i in left.indices {
      row[0] = i + 1
      for j in right.indices {
        let replaced = last[j] + (left[i] == right[j] ? 0 : 1)
        row[j + 1] = min(replaced, last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
        }
      }
      (beforeLast, last, row) = (last, row, beforeLast)
    }
    return last[right.count]
  }
}

/// Finds the name that somebody probably meant.
enum NearestKey {
  /// Longer names are not compared: typing errors are in short ones, and the cost is quadratic.
  static let scalarsMax = 64

  /// `nearest known key is "quantum"` when one is close, else the list of what is known.
  static func hint(for name: String, among known: [String], called what: String) -> String {
    var names: [String] = []
    for key in known where !names.contains(key) { names.append(key) }
    if names.isEmpty { return "no \(what)s are known here" }
    if let near = nearest(to: name, among: names) {
      return "nearest known \(what) is \(JSONText.quoted(near))"
    }
    return "known \(what)s are \(JSONText.list(names))"
  }

  /// The closest of `known`, the first of several; nil when all are too far to be a slip.
  static func nearest(to name: String, among known: [String]) -> String? {
    let target = folded(name)
    guard target.count <= scalarsMax else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in known {
      let letters = folded(candidate)
      // One slip in three letters at most; "max" is not a slip of "min".
      let allowed = max(target.count, letters.count) / 3
      guard letters.count <= scalarsMax, abs(letters.count - target.count) <= allowed else {
        continue
      }
      let distance = distance(target, letters)
      guard distance <= allowed, distance < best?.distance ?? Int.max else { continue }
      best = (candidate, distance)
    }
    return best?.name
  }

  /// Letter case and the kind of dash are no difference.
  private static func folded(_ name: String) -> [Unicode.Scalar] {
    name.unicodeScalars.prefix(scalarsMax + 1).map { scalar in
      switch scalar {
      case "A"..."Z": Unicode.Scalar(UInt8(scalar.value | 0x20))
      case "-", " ": "_"
      default: scalar
      }
    }
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
  ///
  /// - Complexity: O(n * m).
  static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    var row = last
    for i in 0..<left.count {
      row[0] = i + 1
      for j in 0..<right.count {
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

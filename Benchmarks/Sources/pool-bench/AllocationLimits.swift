import Glibc

/// How often an operation may call an allocation function, by case: a file of lines with a number
/// and a name.
struct AllocationLimits {
  private let path: String
  private var limits: [(most: Double, name: String)] = []

  init?(_ path: String) {
    self.path = path
    guard let file = fopen(path, "r") else {
      print("cannot read \(path): give the limits of allocations with --limits")
      return nil
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let fields = line.split(separator: " ", maxSplits: 1)
      guard fields.count == 2, let most = Double(fields[0]) else {
        print("\(path): not a number and a name: \(line)")
        return nil
      }
      limits.append((most, String(fields[1].drop { $0 == " " })))
    }
  }

  /// Prints what was counted beside what is allowed.
  /// - Returns: whether every case stays within its limit.
  func check(_ rows: [Row]) -> Bool {
    print("\nallocations for each operation (the most of all sizes), and the limit in \(path)")
    var failures: [String] = []
    var seen: Set<String> = []
    for row in rows where row.allocations != nil && seen.insert(row.what).inserted {
      let most = rows.filter { $0.what == row.what }.compactMap(\.allocations).max() ?? 0
      let limit = limits.first { $0.name == row.what }?.most
      let stated = limit.map { Table.decimal($0, 2) } ?? "none"
      print(
        Table.left(row.what, 34) + Table.right(Table.decimal(most, 3), 12)
          + Table.right(stated, 12))
      guard let limit else {
        failures.append(
          "\(row.what): has no limit; add \(Table.decimal(most + 0.05, 2)) to the file")
        continue
      }
      if most > limit {
        failures.append(
          "\(row.what): \(Table.decimal(most, 3)) allocations, \(Table.decimal(most - limit, 3)) "
            + "over the limit; see where with `perf` or callgrind, and mend it, or raise the limit "
            + "and say why in the commit")
      }
    }
    for failure in failures { print("FAILED \(failure)") }
    return failures.isEmpty
  }
}

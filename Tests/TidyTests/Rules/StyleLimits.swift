/// The figures of the house style. Ratchets: change them towards the stricter side only.
enum StyleLimits {
  /// Unit: lines of a Swift file.
  static let fileLines = 500
  /// Unit: Unicode scalars of a line.
  static let lineColumns = 100
  /// Unit: lines strictly between the braces of a function.
  static let functionLines = 70
  /// Unit: lines of the front page.
  static let readmeLines = 120
  /// Unit: percent of the public declarations of the core that are documented.
  static let coreDocumentation = 95
  /// Unit: percent of the public declarations of any other target that are documented.
  static let targetDocumentation = 90

  /// Functions that may be longer: exhaustive switches and tables only, each with its reason.
  static let longFunctions: [LongFunction] = [
    LongFunction(
      path: "Sources/PoolRecord/EventForm.swift", name: "Event.write",
      reason: "one row for each of the events, in the order of their numbers"),
    LongFunction(
      path: "Sources/PoolRecord/EventForm.swift", name: "Event.read",
      reason: "one row for each of the events, in the order of their numbers"),
  ]
}

/// An exception from the length of functions.
struct LongFunction: Sendable {
  /// Path of the file from the root.
  let path: String
  /// Name with the types around it, such as `Pool.evolve`.
  let name: String
  /// Why it cannot be split.
  let reason: String
}

internal import PoolAllocator
internal import StrictJSON

/// Limits that are observed before they are enforced.
extension PolicyReader {
  /// Which of a limit's two values is taken.
  enum Taken {
    /// What decides.
    case enforced
    /// What is only observed, where that is written.
    case shadow
  }

  /// Reads a limit: its value, or `{ "shadow": …, "enforced": … }`, where the second decides and
  /// the first is only observed.
  mutating func limit<T>(
    _ value: JSONValue, _ read: (JSONValue) throws -> T
  ) throws -> T {
    guard value.kind == .object else { return try read(value) }
    hasShadow = true
    let (shadow, enforced) = try value.object { fields in
      let shadow = fields.read("shadow", read)
      let enforced = fields.read("enforced", read)
      return (try shadow.value, try enforced.value)
    }
    return taken == .shadow ? shadow : enforced
  }
}

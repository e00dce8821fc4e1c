import PoolAllocator

/// Draws as the life of a world needs them.
extension SeededGenerator {
  /// A number from 0 to one less than the bound; 0 where the bound is not positive.
  mutating func number(_ bound: Int) -> Int { Int(below(UInt64(max(1, bound)))) }

  /// Whether something of a likelihood in hundredths comes about.
  mutating func chance(_ percent: UInt64) -> Bool { below(100) < percent }

  /// One of several; nil of none.
  mutating func pick<Element>(_ list: [Element]) -> Element? {
    list.isEmpty ? nil : list[number(list.count)]
  }

  /// A span of whole seconds.
  mutating func seconds(_ range: ClosedRange<Int64>) -> Span { .seconds(within(range)) }

  /// A span of whole milliseconds.
  mutating func milliseconds(_ range: ClosedRange<Int64>) -> Span {
    Span(ns: within(range) * 1_000_000)
  }
}

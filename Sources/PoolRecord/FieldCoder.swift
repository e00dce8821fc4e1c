import PoolAllocator

/// Goes over the fields of a record, in one order for both ways: a writer takes them, a reader sets
/// them. So what is written and what is read cannot differ.
///
/// A reader that finds a flaw keeps the first one, leaves every further field as it is, and reads
/// no element of a list any more: who uses it looks at the flaw once, at the end.
protocol FieldCoder {
  /// Whether fields are set.
  static var isReading: Bool { get }
  /// The moment from which others are counted: most are near the command's.
  var base: Instant { get set }
  /// What the command asks for, which its events mostly repeat.
  var spec: Known<ClaimSpec>? { get set }
  /// The policy that the command brings, which its events repeat.
  var policy: Known<CompiledPolicy>? { get set }
  /// Where the next byte stands.
  var position: Int { get }

  /// A number in as few bytes as it needs.
  mutating func unsigned(_ value: inout UInt64, atMost bound: UInt64)
  /// A number that may be negative, likewise.
  mutating func signed(_ value: inout Int64, in range: ClosedRange<Int64>)
  /// A number in eight bytes, for what has no small values.
  mutating func word(_ value: inout UInt64)
  /// The number of elements of a list that has been written, or of one to be read.
  mutating func length(_ count: inout Int, atMost bound: Int)
  /// A case by its frozen number.
  mutating func tag<Value: RawRepresentable>(_ value: inout Value)
  where Value.RawValue: FixedWidthInteger & UnsignedInteger
  /// Notes what is wrong.
  mutating func fail(_ flaw: Flaw.Kind)
  /// Whether two ranges of bytes are the same.
  func isSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool
  /// Takes back what was written from some byte on.
  mutating func takeBack(to position: Int)
}

/// A value beside where its bytes stand.
struct Known<Value: Sendable>: Sendable {
  let value: Value
  let range: Range<Int>
}

/// What a record holds, down to its numbers.
protocol Recorded {
  /// What a reader starts from; every field is set over it.
  static var blank: Self { get }
  /// Goes over every field.
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder)
}

extension FieldCoder {
  /// Writes one value.
  @inline(__always)
  mutating func put<A: Recorded>(_ a: A) {
    var copy = a
    copy.code(&self)
  }

  /// Writes two values. (A list of types of any length costs more at run time.)
  @inline(__always)
  mutating func put<A: Recorded, B: Recorded>(_ a: A, _ b: B) {
    put(a)
    put(b)
  }

  /// Writes three values.
  @inline(__always)
  mutating func put<A: Recorded, B: Recorded, C: Recorded>(_ a: A, _ b: B, _ c: C) {
    put(a)
    put(b, c)
  }

  /// Writes four values.
  @inline(__always)
  mutating func put<A: Recorded, B: Recorded, C: Recorded, D: Recorded>(
    _ a: A, _ b: B, _ c: C, _ d: D
  ) {
    put(a)
    put(b, c, d)
  }

  /// Writes five values.
  @inline(__always)
  mutating func put<A: Recorded, B: Recorded, C: Recorded, D: Recorded, E: Recorded>(
    _ a: A, _ b: B, _ c: C, _ d: D, _ e: E
  ) {
    put(a)
    put(b, c, d, e)
  }

  /// Writes six values.
  @inline(__always)
  mutating func put<A: Recorded, B: Recorded, C: Recorded, D: Recorded, E: Recorded, F: Recorded>(
    _ a: A, _ b: B, _ c: C, _ d: D, _ e: E, _ f: F
  ) {
    put(a)
    put(b, c, d, e, f)
  }

  /// Reads one value.
  @inline(__always)
  mutating func take<Value: Recorded>(_: Value.Type = Value.self) -> Value {
    var value = Value.blank
    value.code(&self)
    return value
  }

  /// One field.
  @inline(__always)
  mutating func field<Value: Recorded>(_ value: inout Value) { value.code(&self) }

  /// The number of a case of a type with values in its cases.
  mutating func takeTag(atMost bound: UInt8) -> UInt8 {
    var tag: UInt64 = 0
    unsigned(&tag, atMost: UInt64(bound))
    return UInt8(tag)
  }

  /// A value that the command may hold, too: then nothing but that is written.
  mutating func repeated<Value: Recorded>(_ value: inout Value, of known: Known<Value>?) {
    let mark = position
    var isNew = true
    if Self.isReading {
      isNew.code(&self)
      guard isNew else {
        if let known { value = known.value } else { fail(.repeatsNothing) }
        return
      }
    } else {
      put(true)
    }
    let start = position
    value.code(&self)
    guard let known, isSame(start..<position, known.range) else { return }
    if Self.isReading {
      fail(.isNotShortest)
    } else {
      takeBack(to: mark)
      put(false)
    }
  }
}

// MARK: numbers

// Each by itself: code that is generic over integers is not made special for each of them.

extension UInt8: Recorded {
  static var blank: UInt8 { 0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var wide = UInt64(self)
    coder.unsigned(&wide, atMost: UInt64(UInt8.max))
    self = UInt8(wide)
  }
}

extension UInt16: Recorded {
  static var blank: UInt16 { 0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var wide = UInt64(self)
    coder.unsigned(&wide, atMost: UInt64(UInt16.max))
    self = UInt16(wide)
  }
}

extension UInt32: Recorded {
  static var blank: UInt32 { 0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var wide = UInt64(self)
    coder.unsigned(&wide, atMost: UInt64(UInt32.max))
    self = UInt32(wide)
  }
}

extension UInt64: Recorded {
  static var blank: UInt64 { 0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var wide = UInt64(self)
    coder.unsigned(&wide, atMost: UInt64(UInt64.max))
    self = UInt64(wide)
  }
}

extension Int32: Recorded {
  static var blank: Int32 { 0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var wide = Int64(self)
    coder.signed(&wide, in: Int64(Int32.min)...Int64(Int32.max))
    self = Int32(wide)
  }
}

extension Int64: Recorded {
  static var blank: Int64 { 0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var wide = Int64(self)
    coder.signed(&wide, in: Int64(Int64.min)...Int64(Int64.max))
    self = Int64(wide)
  }
}

extension Bool: Recorded {
  static var blank: Bool { false }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var bit: UInt64 = self ? 1 : 0
    coder.unsigned(&bit, atMost: 1)
    self = bit == 1
  }
}

extension Recorded where Self: RawRepresentable, RawValue: FixedWidthInteger & UnsignedInteger {
  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) { coder.tag(&self) }
}

// MARK: lists

extension Optional: Recorded where Wrapped: Recorded {
  static var blank: Self { nil }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var isThere = self != nil
    isThere.code(&coder)
    guard isThere else {
      self = nil
      return
    }
    var value: Wrapped = self ?? Wrapped.blank
    value.code(&coder)
    self = value
  }
}

extension Array: Recorded where Element: Recorded {
  static var blank: [Element] { [] }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) { code(&coder, atMost: .max) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder, atMost bound: Int) {
    var count = self.count
    coder.length(&count, atMost: bound)
    if Coder.isReading {
      self = []
      for _ in 0..<count { append(coder.take()) }
    } else {
      for element in self { coder.put(element) }
    }
  }
}

extension LogRows: Recorded where Row: Recorded {
  static var blank: LogRows<Row> { LogRows() }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var count = self.count
    coder.length(&count, atMost: Int(UInt32.max))
    guard count > 0 else {
      if self.count > 0 { self = LogRows() }
      return
    }
    if Coder.isReading {
      var rows: [Row] = []
      for _ in 0..<count { rows.append(coder.take()) }
      self = LogRows(rows)
    } else {
      let rows = self.rows
      for index in 0..<count { coder.put(rows[index]) }
    }
  }
}

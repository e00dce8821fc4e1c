/// Passes state through, to the bytes of memory that it has or from them: one description serves
/// both ways.
///
/// Such bytes are of one build alone: another one may lay its types out in another way. They are no
/// form to keep anything in; that is what records are for.
protocol ImageCoder {
  /// Passes one value.
  mutating func pass<Value: BitwiseCopyable>(_ value: inout Value)
  /// Passes a list.
  mutating func pass<Element: BitwiseCopyable>(_ list: inout [Element])
  /// Passes how many follow.
  /// - Returns: as many as a reader has bytes for, at most.
  mutating func pass(count: Int) -> Int
}

extension ImageCoder {
  /// Passes a list of what has more than its own bytes.
  mutating func pass<Element>(
    _ list: inout [Element], blank: Element, _ each: (inout Element, inout Self) -> Void
  ) {
    let count = pass(count: list.count)
    while list.count > count { list.removeLast() }
    while list.count < count { list.append(blank) }
    for index in list.indices { each(&list[index], &self) }
  }

  /// Passes a list of lists.
  mutating func pass<Element: BitwiseCopyable>(lists: inout [[Element]]) {
    pass(&lists, blank: []) { $1.pass(&$0) }
  }

  /// Passes what may be missing and has more than its own bytes.
  mutating func pass<Value>(
    _ value: inout Value?, blank: Value, _ each: (inout Value, inout Self) -> Void
  ) {
    var isThere = value != nil
    pass(&isThere)
    guard isThere else {
      value = nil
      return
    }
    var found = value ?? blank
    each(&found, &self)
    value = found
  }
}

/// Writes state to bytes.
struct ImageWriter: ImageCoder {
  private(set) var bytes: [UInt8] = []

  mutating func pass<Value: BitwiseCopyable>(_ value: inout Value) {
    unsafe withUnsafeBytes(of: &value) { unsafe bytes.append(contentsOf: $0) }
  }

  mutating func pass<Element: BitwiseCopyable>(_ list: inout [Element]) {
    _ = pass(count: list.count)
    unsafe list.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  mutating func pass(count: Int) -> Int {
    var count = count
    pass(&count)
    return count
  }
}

/// Reads state from bytes that the same build wrote, and that nobody changed since: whoever has
/// them from outside has to see to both.
struct ImageReader: ImageCoder {
  private let bytes: [UInt8]
  private var offset = 0
  /// Whether there were fewer bytes than were asked for.
  private(set) var isShort = false

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether all was read, and no more than that.
  var isComplete: Bool { !isShort && offset == bytes.count }

  mutating func pass<Value: BitwiseCopyable>(_ value: inout Value) {
    guard let start = take(MemoryLayout<Value>.size) else { return }
    unsafe bytes.withUnsafeBytes { source in
      value = unsafe source.loadUnaligned(fromByteOffset: start, as: Value.self)
    }
  }

  mutating func pass<Element: BitwiseCopyable>(_ list: inout [Element]) {
    let count = pass(count: 0)
    let (length, isOver) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !isOver, let start = take(length) else { return }
    list = unsafe [Element](unsafeUninitializedCapacity: count) { target, filled in
      unsafe bytes.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(target).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[start..<(start + length)]))
      }
      filled = count
    }
  }

  mutating func pass(count: Int) -> Int {
    var count = 0
    pass(&count)
    if count < 0 || count > bytes.count - offset {
      isShort = true
      return 0
    }
    return count
  }

  /// - Returns: where so many bytes begin; nil where there are fewer.
  private mutating func take(_ length: Int) -> Int? {
    guard !isShort, length >= 0, length <= bytes.count - offset else {
      isShort = true
      return nil
    }
    defer { offset += length }
    return offset
  }
}

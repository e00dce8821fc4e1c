/// Unpacks one deflate stream (RFC 1951).
struct Inflate {
  /// What came out so far, behind what was there before.
  private(set) var output: [UInt8]
  /// The byte that is read next; once all is unpacked, the first one behind the stream.
  private(set) var next: Int

  private let bytes: [UInt8]
  private let bytesMax: Int
  /// Where this stream's own output begins: nothing before it is repeated.
  private let start: Int
  /// Bits that were read and not yet used, the next one lowest.
  private var bits: UInt32 = 0
  private var bitCount: UInt32 = 0

  init(_ bytes: [UInt8], from offset: Int, into output: [UInt8], upTo bytesMax: Int) {
    self.bytes = bytes
    self.bytesMax = bytesMax
    self.output = output
    next = offset
    start = output.count
  }

  /// Unpacks block after block to the end of the stream.
  mutating func run() throws(GzipError) {
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try copyStored()
      case 1: try expand(Self.fixedLengths, Self.fixedDistances)
      case 2:
        let (lengths, distances) = try readCodes()
        try expand(lengths, distances)
      default: throw fault("a block of a kind that there is none of")
      }
    }
    // Whole bytes that were read ahead are not part of the stream.
    next -= Int(bitCount / 8)
    (bits, bitCount) = (0, 0)
  }

  private func fault(_ message: String) -> GzipError { GzipError(message: message, offset: next) }

  // MARK: bits

  /// The next bits as a number, the first one lowest; at most 16.
  private mutating func take(_ count: UInt32) throws(GzipError) -> Int {
    while bitCount < count {
      guard next < bytes.count else { throw fault("the file ends within its data") }
      bits |= UInt32(bytes[next]) << bitCount
      next += 1
      bitCount += 8
    }
    defer {
      bits >>= count
      bitCount -= count
    }
    return Int(bits & ((1 << count) - 1))
  }

  private mutating func append(_ byte: UInt8) throws(GzipError) {
    guard output.count < bytesMax else {
      throw fault("it unpacks to more than \(bytesMax) bytes")
    }
    output.append(byte)
  }

  // MARK: blocks

  private mutating func copyStored() throws(GzipError) {
    _ = try take(bitCount % 8)
    let length = try take(16)
    guard try take(16) == length ^ 0xFFFF else { throw fault("a stored block's length is damaged") }
    for _ in 0..<length { try append(UInt8(try take(8))) }
  }

  private mutating func expand(
    _ lengths: HuffmanCode, _ distances: HuffmanCode
  ) throws(GzipError) {
    while true {
      let symbol = try decode(lengths)
      if symbol < 256 {
        try append(UInt8(symbol))
        continue
      }
      if symbol == 256 { return }
      guard symbol - 257 < Self.lengthBases.count else {
        throw fault("a length that there is none of")
      }
      let extra = Self.lengthExtras[symbol - 257]
      let length = Self.lengthBases[symbol - 257] + (try take(extra))
      let code = try decode(distances)
      // Two codes for each number of extra bits, from code 4 on.
      let extraBits = code < 4 ? 0 : UInt32(code / 2 - 1)
      let base = code < 4 ? code + 1 : ((2 + code % 2) << Int(extraBits)) + 1
      let distance = base + (try take(extraBits))
      guard distance <= output.count - start else {
        throw fault("a distance that leads before the beginning")
      }
      for _ in 0..<length { try append(output[output.count - distance]) }
    }
  }

  private mutating func decode(_ code: HuffmanCode) throws(GzipError) -> Int {
    var (value, first, index) = (0, 0, 0)
    for length in 1...HuffmanCode.bitsMax {
      value |= try take(1)
      let count = code.counts[length]
      if value - first < count { return Int(code.symbols[index + value - first]) }
      index += count
      first = (first + count) << 1
      value <<= 1
    }
    throw fault("a code that there is none of")
  }

  /// Reads the two codes of a block that brings its own.
  private mutating func readCodes() throws(GzipError) -> (HuffmanCode, HuffmanCode) {
    let literals = try take(5) + 257
    let distances = try take(5) + 1
    let described = try take(4) + 4
    guard literals <= 286, distances <= 30 else { throw fault("a block has too many codes") }
    var sizes: [UInt8] = Array(repeating: 0, count: 19)
    for place in Self.sizeOrder.prefix(described) { sizes[place] = UInt8(try take(3)) }
    let sizeCode = HuffmanCode(sizes[...])
    guard sizeCode.isComplete else { throw fault("the code of the code lengths is damaged") }
    var lengths: [UInt8] = []
    while lengths.count < literals + distances {
      let symbol = try decode(sizeCode)
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw fault("nothing comes before a repetition") }
        lengths += Array(repeating: last, count: 3 + (try take(2)))
      case 17: lengths += Array(repeating: 0, count: 3 + (try take(3)))
      case 18: lengths += Array(repeating: 0, count: 11 + (try take(7)))
      default: lengths.append(UInt8(symbol))
      }
    }
    guard lengths.count == literals + distances, lengths[256] > 0 else {
      throw fault("the code lengths of a block are damaged")
    }
    let first = HuffmanCode(lengths[..<literals])
    let second = HuffmanCode(lengths[literals...])
    guard first.isComplete || first.isSingle, second.isComplete || second.isSingle else {
      throw fault("the codes of a block are damaged")
    }
    return (first, second)
  }

  // MARK: tables of the format

  /// The order in which lengths of the code of code lengths are written.
  private static let sizeOrder = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]
  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ]
  private static let lengthExtras: [UInt32] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let fixedLengths = HuffmanCode(
    ([(144, 8), (112, 9), (24, 7), (8, 8)] as [(Int, UInt8)]).flatMap {
      Array(repeating: $0.1, count: $0.0)
    }[...])
  private static let fixedDistances = HuffmanCode(Array(repeating: 5 as UInt8, count: 30)[...])
}

/// A canonical prefix code, by the lengths of its codes.
struct HuffmanCode {
  /// Longest code. Unit: bits.
  static let bitsMax = 15

  /// How many codes have each length.
  let counts: [Int]
  /// Symbols by length, then by number.
  let symbols: [UInt16]
  /// Codes of the longest length that are not used; negative where more are asked for than there
  /// are.
  private let left: Int

  /// Makes a code, which is fit for use where it is complete or single.
  init(_ lengths: ArraySlice<UInt8>) {
    var counts = Array(repeating: 0, count: Self.bitsMax + 1)
    for length in lengths where length > 0 { counts[Int(length)] += 1 }
    var left = 1
    for length in 1...Self.bitsMax {
      left = left * 2 - counts[length]
    }
    var places = Array(repeating: 0, count: Self.bitsMax + 2)
    for length in 1...Self.bitsMax { places[length + 1] = places[length] + counts[length] }
    var symbols = Array(repeating: 0 as UInt16, count: counts.reduce(0, +))
    for (symbol, length) in lengths.enumerated() where length > 0 {
      symbols[places[Int(length)]] = UInt16(symbol)
      places[Int(length)] += 1
    }
    self.counts = counts
    self.symbols = symbols
    self.left = left
  }

  /// Whether every sequence of bits is one of its codes.
  var isComplete: Bool { left == 0 }
  /// Whether it has one code of one bit, or none: what a stream with one distance, or none, brings.
  var isSingle: Bool { symbols.isEmpty || symbols.count == 1 && counts[1] == 1 }
}

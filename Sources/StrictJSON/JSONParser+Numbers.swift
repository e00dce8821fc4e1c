extension JSONParser {
  /// Reads the number at `offset`; its text is kept, so nothing is rounded.
  mutating func number(_ input: Span<UInt8>) throws(JSONFailure) {
    let start = offset
    var place = start
    if input[place] == ASCII.minus { place += 1 }
    let integer = place
    place = Self.digitsEnd(input, place)
    guard place > integer else { throw notANumber(input) }
    if input[integer] == ASCII.zero, place > integer + 1 {
      throw failure(
        "a number starts with 0", "write it without the leading zero", at: start)
    }
    if place < input.count, input[place] == ASCII.dot {
      let fraction = place + 1
      place = Self.digitsEnd(input, fraction)
      guard place > fraction else {
        throw failure("a number ends with its decimal point", "add a digit after it", at: start)
      }
    }
    if place < input.count, input[place] | 0x20 == 0x65 {
      place += 1
      if place < input.count, input[place] == ASCII.plus || input[place] == ASCII.minus {
        place += 1
      }
      let exponent = place
      place = Self.digitsEnd(input, exponent)
      guard place > exponent else {
        throw failure("a number has no digits in its exponent", "as in 1e3", at: start)
      }
    }
    if place < input.count, Self.isWordByte(input[place]) { throw notANumber(input) }
    guard place - start <= limits.numberBytesMax else {
      throw failure(
        "a number has \(place - start) characters", "the limit is \(limits.numberBytesMax)")
    }
    nodes.append(JSONNode(.number, start: start, end: place))
    offset = place
  }

  @inline(__always)
  private static func digitsEnd(_ input: Span<UInt8>, _ place: Int) -> Int {
    var place = place
    while place < input.count, ASCII.isDigit(input[place]) { place &+= 1 }
    return place
  }

  /// Whether a byte directly after a number or a word makes it something else.
  @inline(__always)
  static func isWordByte(_ byte: UInt8) -> Bool {
    ASCII.isDigit(byte) || ASCII.isLetter(byte) || byte == 0x5F || byte == ASCII.dot
      || byte == ASCII.plus || byte == ASCII.minus
  }
}

import Glibc

/// Lines of standard input, one at a time.
package struct InputLines {
  /// Longest line that is kept. Unit: bytes.
  package static let bytesMax = 1 << 20

  /// A line, or the fact that it was too long to keep.
  package enum Line {
    case bytes([UInt8])
    case tooLong
  }

  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  package init() {}

  /// The next line without its newline; nil at the end of input. A last line needs no newline.
  /// - Throws: `Console.ReadError` where the input breaks off before its end.
  package mutating func next() throws(Console.ReadError) -> Line? {
    var isTooLong = false
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(buffer[start..<end])
        start = end + 1
        return isTooLong || line.count > Self.bytesMax ? .tooLong : .bytes(line)
      }
      if buffer.count - start > Self.bytesMax {
        isTooLong = true
        buffer.removeAll(keepingCapacity: true)
        start = 0
      }
      searched = buffer.count
      if isAtEnd {
        guard isTooLong || start < buffer.count else { return nil }
        let line = Array(buffer[start...])
        start = buffer.count
        return isTooLong ? .tooLong : .bytes(line)
      }
      try fill()
      searched = max(searched - start, 0)
      buffer.removeFirst(start)
      start = 0
    }
  }

  private mutating func fill() throws(Console.ReadError) {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(0, &chunk, chunk.count)
      if count < 0, errno == EINTR || Console.waits(for: 0, POLLIN) { continue }
      if count < 0 {
        throw Console.ReadError(
          message: "standard input cannot be read: \(Console.reason(errno))")
      }
      if count == 0 { isAtEnd = true }
      buffer.append(contentsOf: chunk[..<count])
      return
    }
  }
}

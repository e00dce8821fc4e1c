import PoolAllocator

/// A record is longer than a frame may be; nothing was written.
public struct RecordTooLong: Error, Hashable, Sendable {
  /// Length of the body. Unit: bytes.
  public let length: Int
}

/// Turns commands and what came of them into the bytes of a journal: equal records, equal bytes.
public struct JournalWriter: Sendable {
  /// Sequence number of the next record.
  public private(set) var nextSequence: UInt64
  private let seed: UInt32

  /// Begins a journal: adds its header to the bytes.
  public init(_ header: JournalHeader, into bytes: inout [UInt8]) {
    let offset = bytes.count
    var writer = ByteWriter()
    swap(&writer.bytes, &bytes)
    Frame.open(&writer.bytes)
    writer.put(header)
    swap(&writer.bytes, &bytes)
    seed = Frame.close(
      &bytes, at: offset, .header, engine: 0, sequence: header.firstSequence, seed: 0)
    nextSequence = header.firstSequence
  }

  /// Goes on where a reader has ended, which must not be at damage.
  public init?(after reader: JournalReader) {
    guard let seed = reader.seed, let ending = reader.ending else { return nil }
    if case .damaged = ending { return nil }
    self.seed = seed
    nextSequence = reader.nextSequence
  }

  /// Adds one record.
  /// - Parameters:
  ///   - record: a command with what came of it; its `sequence` is not looked at: the next one is
  ///     given.
  ///   - bytes: the frame is added at their end; a caller that reuses them allocates nothing once
  ///     warm.
  /// - Throws: where the record passes 2²⁸ bytes; then neither the bytes nor the sequence changed.
  /// - Complexity: O(bytes of the record).
  public mutating func append(
    _ record: consuming Record, to bytes: inout [UInt8]
  ) throws(RecordTooLong) {
    let offset = bytes.count
    var writer = ByteWriter()
    swap(&writer.bytes, &bytes)
    Frame.open(&writer.bytes)
    record.body(&writer)
    swap(&writer.bytes, &bytes)
    let length = bytes.count - offset - Frame.headerBytes
    guard length <= RecordLimits.body else {
      bytes.removeLast(bytes.count - offset)
      throw RecordTooLong(length: length)
    }
    Frame.close(
      &bytes, at: offset, .command, engine: record.engine, sequence: nextSequence, seed: seed)
    nextSequence += 1
  }
}

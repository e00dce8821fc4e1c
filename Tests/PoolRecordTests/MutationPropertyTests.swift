import PoolAllocator
import Testing

@testable import PoolRecord

/// Whatever happens to a journal's bytes, it is recovered to an exact prefix or refused with the
/// place named; it never crashes, and never gives another state.
@Suite struct MutationPropertyTests {
  /// Checks readings of one life's journal.
  private final class Watch {
    let life: Life
    var (mutations, complete, torn, damaged, folded) = (0, 0, 0, 0, 0)

    init(_ life: Life) { self.life = life }

    /// - Parameters:
    ///   - intact: bytes from the beginning that are as they were.
    ///   - isMade: whether all that follows could be made by a write that was interrupted.
    func read(_ bytes: [UInt8], intact: Int, folds: Bool, _ what: @autoclosure () -> String) throws
    {
      mutations += 1
      var reader = JournalReader(bytes)
      var count = 0
      var pool = folds ? reader.emptyPool : nil
      while let record = reader.next() {
        pool?.replay(record.log)
        count += 1
      }
      // Nothing but whole records of the life, in order, and all that were left as they were.
      try must(reader.offset <= bytes.count, "\(what()): read past the end")
      let end = reader.header == nil ? 0 : life.offsets[count]
      try must(reader.offset == end, "\(what()): \(count) records end at \(reader.offset)")
      try must(bytes[..<end] == life.bytes[..<end], "\(what()): other records were read")
      let whole = life.offsets.filter { $0 <= intact }.count - 1
      try must(count >= whole, "\(what()): \(count) of \(whole) records were read")
      if let pool {
        folded += 1
        try must(pool.digest() == life.digests[count], "\(what()): another state")
      }
      switch reader.ending {
      case .complete:
        complete += 1
        try must(end == bytes.count, "\(what()): bytes are left")
      case .torn(let tail):
        torn += 1
        try must(tail.offset == end, "\(what()): cut at \(tail.offset), not at \(end)")
        try must(tail.offset + tail.length == bytes.count, "\(what()): the tail is \(tail)")
      case .damaged(let damage):
        damaged += 1
        try must(damage.offset == end, "\(what()): named \(damage.offset), not \(end)")
        try must(
          damage.sequence == (reader.header == nil ? nil : UInt64(count) + 7),
          "\(what()): named \(damage)")
      case nil: try must(false, "\(what()): reading did not end")
      }
    }
  }

  private static let life = Life(seed: 11, steps: Scale.cases(release: 60, debug: 12))

  private func report(_ name: String, _ watch: Watch) {
    print(
      "property: record: \(name): \(watch.mutations) mutations of \(watch.life.bytes.count) bytes"
        + " in \(watch.life.records.count) records: \(watch.complete) complete, "
        + "\(watch.torn) torn, \(watch.damaged) damaged; \(watch.folded) folded")
  }

  @Test func truncatedAtEveryByte() throws {
    let watch = Watch(Self.life)
    let bytes = watch.life.bytes
    for end in 0...bytes.count {
      try watch.read(
        Array(bytes[..<end]), intact: end, folds: end % 16 == 0, "truncated to \(end)")
    }
    report("truncated", watch)
    #expect(watch.complete == watch.life.offsets.count)
    #expect(watch.torn + watch.complete + watch.damaged == bytes.count + 1)
    // Only a header whose body is cut is refused at once: no record was ever behind it.
    #expect(watch.damaged == 0)
  }

  /// Every bit in release, one bit of every byte in debug.
  @Test func flipped() throws {
    let watch = Watch(Self.life)
    var bytes = watch.life.bytes
    for place in bytes.indices {
      for bit in 0..<Scale.cases(release: 8, debug: 1) {
        let mask = UInt8(1) << UInt8((bit + place) % 8)
        bytes[place] ^= mask
        try watch.read(bytes, intact: place, folds: place % 64 == 0, "flipped \(mask) of \(place)")
        bytes[place] ^= mask
      }
    }
    report("flipped", watch)
    #expect(watch.mutations >= Scale.cases(release: 100_000, debug: 2_000))
    #expect(watch.complete == 0)
    // The last record cannot be told from one that was being written.
    let last = watch.life.bytes.count - watch.life.offsets[watch.life.offsets.count - 2]
    #expect(watch.torn == last * Scale.cases(release: 8, debug: 1))
  }

  /// Any number of bytes replaced by anything: zeros, noise, parts of the journal itself.
  @Test func overwritten() throws {
    let watch = Watch(Self.life)
    var random = Draws(seed: 12)
    let bytes = watch.life.bytes
    for _ in 0..<Scale.cases(release: 60_000, debug: 400) {
      var changed = bytes
      let start = random.below(bytes.count)
      let count = min(bytes.count - start, 1 + random.below([4, 64, 512, 4_096][random.below(4)]))
      let source = random.below(bytes.count - count + 1)
      let kind = random.below(3)
      for index in 0..<count {
        changed[start + index] =
          kind == 0
          ? 0 : kind == 1 ? UInt8(truncatingIfNeeded: random.next()) : bytes[source + index]
      }
      guard let first = changed.indices.first(where: { changed[$0] != bytes[$0] }) else { continue }
      try watch.read(changed, intact: first, folds: false, "\(count) bytes from \(start)")
    }
    report("overwritten", watch)
    #expect(watch.complete == 0)
    #expect(watch.torn > 0 && watch.damaged > 0)
  }

  /// Whole records dropped, swapped, written twice, or brought from another journal.
  @Test func droppedSwappedAndDuplicated() throws {
    let watch = Watch(Self.life)
    let (bytes, offsets) = (watch.life.bytes, watch.life.offsets)
    let head = Array(bytes[..<offsets[0]])
    let frames = (1..<offsets.count).map { Array(bytes[offsets[$0 - 1]..<offsets[$0]]) }
    let other = Life(seed: 13, steps: 12)
    let foreign = Array(other.bytes[other.offsets[3]..<other.offsets[4]])
    func join(_ frames: [[UInt8]]) -> [UInt8] { frames.reduce(head, +) }
    for first in frames.indices {
      for last in first..<frames.count {
        let dropped = Array(frames[..<first]) + frames[(last + 1)...]
        try watch.read(
          join(dropped), intact: offsets[first], folds: first == last, "dropped \(first)-\(last)")
        var swapped = frames
        swapped.swapAt(first, last)
        try watch.read(
          join(swapped), intact: first == last ? bytes.count : offsets[first], folds: false,
          "swapped \(first), \(last)")
        var twice = frames
        twice.insert(frames[first], at: last + 1)
        try watch.read(
          join(twice), intact: offsets[last + 1], folds: false, "\(first) again behind \(last)")
      }
      var spliced = frames
      spliced.insert(foreign, at: first)
      try watch.read(join(spliced), intact: offsets[first], folds: false, "spliced at \(first)")
    }
    report("dropped, swapped, duplicated", watch)
    #expect(watch.mutations >= Scale.cases(release: 5_000, debug: 500))
    // Tails that were dropped, and swaps of a record with itself.
    #expect(watch.complete == 2 * frames.count)
    #expect(watch.torn == 0)
  }
}

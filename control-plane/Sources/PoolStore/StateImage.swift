import Crypto
import Foundation
import Glibc

/// The state of a pool as of one record, beside its journal: a server that begins reads it, and
/// folds what came later. Nothing rests on it: where another build wrote it, a byte of it changed,
/// or the journal has another record in that place, it is as if there was none.
struct StateImage: Sendable {
  /// Number of the last record that is in it.
  let sequence: UInt64
  /// That record's link of the chain.
  let link: [UInt8]
  /// What `Pool.image()` gave.
  let bytes: [UInt8]
  /// What `UsageHours.image()` gave.
  let usage: [UInt8]

  private static let title = Array("gpupool image 2\n".utf8)
  private static let hashLength = 32

  /// SHA-256 of this program: another build may lay its types out in another way.
  private static let build: [UInt8]? = {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    guard let data = try? Data(contentsOf: program, options: .alwaysMapped) else { return nil }
    return Array(SHA256.hash(data: data))
  }()

  init(sequence: UInt64, link: [UInt8], bytes: [UInt8], usage: [UInt8]) {
    self.sequence = sequence
    self.link = link
    self.bytes = bytes
    self.usage = usage
  }

  private static func path(in folder: String) -> String { folder + "/state.image" }

  /// Reads the one of a folder.
  /// - Returns: nil where there is none that this build may read.
  init?(in folder: String) {
    guard let build = Self.build,
      let data = FileManager.default.contents(atPath: Self.path(in: folder))
    else { return nil }
    let head = Self.title.count + Self.hashLength + 8 + Self.hashLength + 8
    guard data.count >= head + Self.hashLength else { return nil }
    let all = Array(data)
    let body = all[..<(all.count - Self.hashLength)]
    let hash = [UInt8](SHA256.hash(data: body))
    guard body.starts(with: Self.title), hash[...] == all[body.count...],
      all[Self.title.count..<(Self.title.count + Self.hashLength)] == build[...]
    else { return nil }
    let number = Self.title.count + Self.hashLength
    sequence = Self.word(all[number..<(number + 8)])
    link = Array(all[(number + 8)..<(head - 8)])
    let length = Self.word(all[(head - 8)..<head])
    guard length <= UInt64(body.count - head) else { return nil }
    usage = Array(all[head..<(head + Int(length))])
    bytes = Array(all[(head + Int(length))..<body.count])
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func bytes(_ word: UInt64) -> [UInt8] {
    stride(from: UInt64(0), to: 64, by: 8).map { UInt8(truncatingIfNeeded: word >> $0) }
  }

  /// Puts it into a folder in the place of an earlier one. A disk that has no room keeps the
  /// earlier one, and the journal all the same.
  func write(in folder: String) {
    guard let build = Self.build else { return }
    var data = Data(Self.title + build)
    data.append(contentsOf: Self.bytes(sequence))
    data.append(contentsOf: link)
    data.append(contentsOf: Self.bytes(UInt64(usage.count)))
    data.append(contentsOf: usage)
    data.append(contentsOf: bytes)
    data.append(contentsOf: SHA256.hash(data: data))
    let (path, temporary) = (Self.path(in: folder), Self.path(in: folder) + ".new")
    let isWritten = FileManager.default.createFile(
      atPath: temporary, contents: data, attributes: [.posixPermissions: 0o600])
    if !isWritten || rename(temporary, path) != 0 { unlink(temporary) }
  }
}

import AgentCore
import Foundation
import PoolAllocator
import PoolWire
import StrictJSON
import Testing

@testable import AgentDaemon

@Suite("What an agent keeps")
struct StateTests {
  static func scratch() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "st-\(UUID().uuidString)")
    return folder.path
  }

  static func key(_ low: UInt64) -> Key { Key(high: 1 << 63, low: low) }

  static var record: AgentRecord {
    let share = DeviceShare(device: key(7), milli: MilliGPU(500), memory: Bytes(1 << 33))
    let fences = FencingTable(
      rows: [.init(device: key(7), highest: Fencing(raw: 1 << 40 | 5))],
      floor: Fencing(raw: 1 << 40 | 1))
    let leases = AgentLeaseState.allCases.enumerated().map { index, state in
      AgentLease(
        lease: LeaseID(wire: "L-\(index).1") ?? LeaseID(row: 0, generation: 1),
        fencing: Fencing(raw: 1 << 40 | UInt64(index)), devices: [share], state: state,
        ends: BootTime(ns: 123_456_789), killWithin: .seconds(20),
        killAt: index == 0 ? BootTime(ns: .max) : BootTime(ns: -5),
        ending: LeaseEnding(rawValue: UInt8(index)))
    }
    return AgentRecord(
      number: 3, boot: key(1), generation: 4, epoch: 1, fences: fences, leases: leases)
  }

  @Test("a record is read as it was written, every state and ending")
  func record() throws {
    let bytes = AgentRecordForm.bytes(Self.record)
    #expect(try AgentRecordForm.record(bytes) == Self.record)
    var bare = Self.record
    bare.leases = []
    bare.fences = FencingTable()
    #expect(try AgentRecordForm.record(AgentRecordForm.bytes(bare)) == bare)
  }

  @Test("a record that is cut anywhere is refused")
  func cut() {
    let bytes = AgentRecordForm.bytes(Self.record)
    for length in 0..<bytes.count - 1 {
      #expect(throws: JSONErrors.self) { try AgentRecordForm.record(Array(bytes[..<length])) }
    }
  }

  @Test("a record with one flipped bit is refused, or says the same")
  func flipped() {
    let bytes = AgentRecordForm.bytes(Self.record)
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 1 << UInt8(place % 8)
      guard let read = try? AgentRecordForm.record(changed) else { continue }
      #expect(read == Self.record, "byte \(place)")
    }
  }

  @Test("a new record takes the place of the old one, and what was half written is not looked at")
  func store() throws {
    let path = try Self.scratch()
    defer { Files.remove(path) }
    let state = try StateFolder(path)
    #expect(try state.record() == nil)
    try state.store(Self.record)
    let half = AgentRecordForm.bytes(Self.record).prefix(40)
    try Files.put(Array(half), path + "/.agent.json.new")
    #expect(try state.record() == Self.record)
    var next = Self.record
    next.number = 4
    try state.store(next)
    #expect(try state.record() == next)
    try Files.put(Array(half), path + "/agent.json")
    #expect(throws: StateError.self) { try state.record() }
  }

  @Test("one process has the folder, and nobody else may look into it")
  func folder() throws {
    let path = try Self.scratch()
    defer { Files.remove(path) }
    #expect(!StateFolder.isHeld(path))
    var state: StateFolder? = try StateFolder(path)
    #expect(StateFolder.isHeld(path))
    #expect(throws: StateError.self) { try StateFolder(path) }
    state = nil
    #expect(state == nil && !StateFolder.isHeld(path))
    chmod(path, 0o755)
    #expect(throws: StateError.self) { try StateFolder(path) }
    chmod(path, 0o700)
    // Only root can give it away.
    guard chown(path, 1, 1) == 0 else { return }
    #expect(throws: StateError.self) { try StateFolder(path) }
  }

  @Test("a credential is kept, renewed after two thirds, and never taken from what is no answer")
  func credential() throws {
    let text = #"{"node":"n1","credential":"abc","expires_in_seconds":300,"more":1}"#
    let credential = try Credential.answer(Array(text.utf8), at: 1000)
    #expect(credential.renewFrom == 1200)
    #expect(try Credential.kept(credential.bytes) == credential)
    for bad in [
      "{}", #"{"node":"n 1","credential":"abc","expires_in_seconds":300}"#,
      #"{"node":"n1","credential":"a b","expires_in_seconds":300}"#,
      #"{"node":"n1","credential":"a\r\nX: y","expires_in_seconds":300}"#,
      #"{"node":"n1","credential":"","expires_in_seconds":300}"#,
      #"{"node":"n1","credential":"abc","expires_in_seconds":0}"#,
    ] {
      #expect(throws: JSONErrors.self) { try Credential.answer(Array(bad.utf8), at: 0) }
    }
  }

  @Test("a join credential is one word of a file")
  func joinFile() throws {
    let path = try Self.scratch()
    try Files.makeFolder(path)
    defer { Files.remove(path) }
    for (text, secret) in [
      ("abc\n", "abc"), ("  abc \r\n", "abc"), ("", nil), ("a b\n", nil), ("ä\n", nil),
    ] {
      try Files.put(Array(text.utf8), path + "/join")
      #expect((try? Credential.joinSecret(file: path + "/join")) == secret)
    }
    #expect(throws: StateError.self) { try Credential.joinSecret(file: path + "/none") }
  }

  @Test(
    "addresses of servers",
    arguments: [
      ("https://pool.example.org", "https://pool.example.org"),
      ("https://pool.example.org:8443/base/", "https://pool.example.org:8443/base"),
      ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://127.9.9.9", "http://127.9.9.9"),
      ("http://localhost:1", "http://localhost:1"), ("http://[::1]:8080", "http://[::1]:8080"),
      ("http://10.0.0.1", nil), ("http://127.0.0.1.example.org", nil), ("http://localhost.x", nil),
      ("http://127.0.0.256", nil), ("https://", nil), ("https://:80", nil), ("pool", nil),
      ("https://a b", nil), ("https://u@h", nil), ("https://h?q", nil), ("http://[::2]", nil),
    ])
  func addresses(text: String, base: String?) {
    #expect((try? ServerAddress(text))?.base == base)
  }

  @Test("a name is no part of a path")
  func paths() throws {
    let address = try ServerAddress("https://h")
    #expect(
      address.path("v1", "nodes", "a/../b c%", "messages")
        == "https://h/v1/nodes/a%2F..%2Fb%20c%25/messages")
  }

  @Test("waits grow to five seconds and are spread")
  func backoff() {
    var random = SystemRandomNumberGenerator()
    var backoff = Backoff()
    var waits: [Int64] = []
    for _ in 0..<200 { waits.append(backoff.failed(using: &random)) }
    #expect(waits[0] <= 1_000_000_000)
    #expect(waits.allSatisfy { (Backoff.least...Backoff.most).contains($0) })
    #expect(Set(waits).count > 100)
    backoff.succeeded()
    #expect(backoff.failed(using: &random) <= 1_000_000_000)
  }
}

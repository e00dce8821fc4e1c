internal import Glibc
internal import PoolWire
internal import StrictJSON

/// One command that was started under a lease: the leader of a session of its own, and whoever
/// waits for it.
struct Work: Equatable, Sendable {
  /// The boot during which it was started: numbers of processes mean nothing in another.
  var boot: String
  /// Number of the session and of its first process.
  var leader: ProcessName
  /// The process that waits for the command and writes how it ended.
  var keeper: ProcessName

  /// What its files are called; the ending makes out which.
  var name: String { "\(leader.pid)-\(leader.start)" }

  /// The processes of its session that have not ended.
  ///
  /// The kernel gives a number to nobody while it is that of a session. So a process of this number
  /// that started at another time says that the session is over. Where the first process is gone
  /// and taken in by its parent, whoever is left is known by the number of the session and by not
  /// being older. A process that began a session of its own is not seen.
  /// - Complexity: O(processes of the machine).
  func members(in table: () -> [ProcessStat] = ProcessStat.all) -> [ProcessStat] {
    if let found = ProcessStat.read(leader.pid), found.start != leader.start { return [] }
    return table().filter {
      $0.session == leader.pid && !$0.isDead && $0.start >= leader.start
    }
  }

  /// Whether anything of it lives.
  func lives(during boot: String) -> Bool {
    guard self.boot == boot else { return false }
    return leader.lives || !members().isEmpty
  }

  /// Sends a signal to every group of its session. Without its first process each process gets it
  /// by itself: the group's number might be somebody else's by now.
  func signal(_ number: Int32, during boot: String) {
    guard self.boot == boot else { return }
    let isLed = leader.lives
    if isLed { _ = Glibc.kill(-leader.pid, number) }
    for member in members() where !isLed || member.group != leader.pid {
      _ = Glibc.kill(member.pid, number)
    }
  }

  // MARK: on disk

  var bytes: [UInt8] {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "work")
      writer.string("boot_id", boot)
      writer.int64("pid", Int64(leader.pid))
      writer.int64("start_ticks", Int64(clamping: leader.start))
      writer.int64("keeper_pid", Int64(keeper.pid))
      writer.int64("keeper_start_ticks", Int64(clamping: keeper.start))
    }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  init(boot: String, leader: ProcessName, keeper: ProcessName) {
    self.boot = boot
    self.leader = leader
    self.keeper = keeper
  }

  init(_ bytes: [UInt8]) throws(JSONErrors) {
    let document = try JSONDocument(bytes)
    self = try document.decode { root in
      try root.object { fields in
        let head = try fields.head("work")
        let boot = fields.name("boot_id")
        let pid = fields.int64("pid", in: 2...Int64(Int32.max))
        let start = fields.int64("start_ticks", in: 0...Int64.max)
        let keeper = fields.int64("keeper_pid", in: 1...Int64(Int32.max))
        let keeperStart = fields.int64("keeper_start_ticks", in: 0...Int64.max)
        _ = try head.value
        return Work(
          boot: try boot.value,
          leader: ProcessName(pid: Int32(try pid.value), start: UInt64(try start.value)),
          keeper: ProcessName(pid: Int32(try keeper.value), start: UInt64(try keeperStart.value)))
      }
    }
  }
}

import Glibc
import ProbeFakes
import Testing

@testable import HardwareProbe

/// The asking process is played by a shell, which writes what a broken one might.
@Suite("The process that asks the driver")
struct DriverChildTests {
  private static let head =
    #"{"part":"head","version":1,"status":"running","path":"l","count":2}"#
  private static let gpu =
    #"{"part":"gpu","index":1,"code":15,"texts":{},"numbers":{},"processes":[],"samples":[],"#
    + #""cpus":null,"nodes":null,"ports":[],"profiles":[]}"#

  private func ask(
    _ script: String, deadline: Int = 20_000, program: String = "/bin/sh"
  ) -> NVMLRecord {
    DriverChild(program: program, arguments: ["-c", script], deadlineMilliseconds: deadline)
      .record().record
  }

  private func say(_ lines: String...) -> String {
    lines.map { "echo '\($0)' >&3; " }.joined()
  }

  @Test("whoever says everything is believed, whatever it prints besides")
  func complete() {
    let record = ask(
      "echo noise; echo noise >&2; " + say(Self.head, Self.gpu, #"{"part":"end"}"#))
    #expect(record.status.word == "running" && record.isComplete)
    #expect(record.gpus.map(\.index) == [1])
  }

  @Test(
    "what cannot be used is a state",
    arguments: [
      ("exit 3", "the process that asked it died"),
      ("kill -SEGV $$", "the process that asked it died"),
      ("echo '{' >&3", "its record makes no sense"),
      (#"echo '{"part":"end","x":1}' >&3"#, "its record makes no sense"),
      ("echo '\(Self.gpu)' >&3", "its record has no head"),
      ("head -c 600000 /dev/zero >&3", "a line of its record is too long"),
    ])
  func broken(script: String, reason: String) {
    guard case .askerFailed(let found) = ask(script).status else {
      Issue.record("\(script): \(ask(script).status)")
      return
    }
    #expect(found.hasPrefix(reason), "\(found)")
  }

  @Test("a program that cannot be started is a state")
  func missing() {
    let record = ask("", program: "/no/such/program")
    #expect(record.status.reason?.contains("/no/such/program: No such file") == true)
  }

  @Test("one that dies at a GPU is started again without it, and what it told is kept")
  func dies() {
    // Dies at GPU 0; started again without it, it tells of GPU 1.
    let record = ask(
      say(Self.head) + "case \"$0\" in --skip=0) " + say(Self.gpu, #"{"part":"end"}"#)
        + ";; *) kill -SEGV $$;; esac")
    #expect(record.silent == [0] && record.gpus.map(\.index) == [1])
    #expect(record.isComplete)
    let (gpus, _) = GPUFolding.entries(of: record, catalogue: nil)
    #expect(gpus.map(\.state.word) == ["unknown", "unusable"])
  }

  @Test("with too many that cannot be ended no further one is started, until they end")
  func stuck() throws {
    let stuck = StuckAskers(most: 2)
    let children = try (0..<2).map { _ in
      try #require(Syscalls.spawn("/bin/sh", ["-c", "exec sleep 600"]).child)
    }
    var asker = DriverChild(
      program: "/bin/sh", arguments: ["-c", say(Self.head, Self.gpu, #"{"part":"end"}"#)],
      deadlineMilliseconds: 20_000)
    asker.stuck = stuck
    stuck.add(children[0])
    #expect(stuck.count() == 1 && asker.record().record.isComplete)
    stuck.add(children[1])
    let refused = asker.record().record
    #expect(refused.status.word == "asker_failed" && refused.gpus.isEmpty)
    #expect(refused.status.reason?.contains("2 processes that asked it before are stuck") == true)
    for child in children { kill(child.process, SIGKILL) }
    for _ in 0..<2000 where stuck.count() > 0 { usleep(10_000) }
    #expect(stuck.count() == 0 && asker.record().record.isComplete)
  }

  @Test("one that is silent for ever is late, whatever it has said")
  func late() {
    #expect(ask("exec sleep 600", deadline: 300).status.word == "late")
    let partly = ask(say(Self.head) + "exec sleep 600", deadline: 400)
    #expect(partly.status.word == "running" && !partly.isComplete && partly.gpus.isEmpty)
    // It ignores what can be ignored.
    let stubborn = ask("trap '' TERM INT HUP; while :; do sleep 1; done", deadline: 300)
    #expect(stubborn.status.word == "late")
  }
}

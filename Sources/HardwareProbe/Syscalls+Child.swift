internal import CNVML
internal import Glibc

extension Syscalls {
  /// A started process and the pipe on which it writes.
  struct Child {
    let process: pid_t
    let descriptor: Int32
  }

  /// What waiting for a pipe gave.
  enum PipeReading: Equatable {
    case bytes([UInt8])
    case ended
    case nothingYet
  }

  /// How a process ended.
  enum ChildEnd: Equatable {
    case exited(Int32)
    case killed(Int32)
    /// It cannot be ended: it is stuck in the kernel.
    case stuck
  }

  /// Starts a program; nil with the reason in words when it cannot be started.
  static func spawn(_ program: String, _ arguments: [String]) -> (child: Child?, reason: String) {
    var words = ([program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var descriptor: Int32 = -1
    let result = cnvml_os_spawn(program, words, &descriptor)
    guard result > 0 else { return (nil, String(cString: strerror(Int32(-result)))) }
    return (Child(process: pid_t(result), descriptor: descriptor), "")
  }

  /// Waits for bytes until `deadline` of the monotonic clock, in nanoseconds.
  static func receive(_ child: Child, until deadline: UInt64) -> PipeReading {
    while true {
      let now = monotonicNanoseconds()
      let left = deadline > now ? (deadline - now) / 1_000_000 + 1 : 0
      var waiting = pollfd(fd: child.descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(clamping: left))
      if ready < 0 && errno == EINTR { continue }
      if ready == 0 {
        if monotonicNanoseconds() < deadline { continue }
        return .nothingYet
      }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = Glibc.read(child.descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      return count <= 0 ? .ended : .bytes(Array(chunk[..<count]))
    }
  }

  /// Kills a process if it still runs and tells how it ended. Never waits long: a process that
  /// hangs in the kernel cannot be killed, and is left to it.
  static func end(_ child: Child, graceMilliseconds: Int = 200) -> ChildEnd {
    close(child.descriptor)
    var status: Int32 = 0
    // One that is done has perhaps not quite ended yet.
    for _ in 0..<5 {
      if waitpid(child.process, &status, WNOHANG) == child.process { return ended(status) }
      usleep(1000)
    }
    kill(child.process, SIGKILL)
    for _ in 0..<max(1, graceMilliseconds) {
      if waitpid(child.process, &status, WNOHANG) == child.process { return ended(status) }
      usleep(1000)
    }
    return .stuck
  }

  /// True when a killed process has ended, or is none of ours, and nothing of it is left.
  static func isReaped(_ child: Child) -> Bool {
    var status: Int32 = 0
    return waitpid(child.process, &status, WNOHANG) != 0
  }

  private static func ended(_ status: Int32) -> ChildEnd {
    let signal = status & 0x7F
    return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal)
  }

  /// Writes all bytes; false when the reader is gone.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, bytes.count - offset)
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      offset += count
    }
    return true
  }

  /// Whether the other end of a pipe is closed and nothing is left to read.
  static func hasEnded(_ child: Child) -> Bool {
    var waiting = pollfd(fd: child.descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, 0) > 0 else { return false }
    let seen = Int32(waiting.revents)
    return seen & POLLHUP != 0 && seen & POLLIN == 0
  }

  /// Whether nobody reads a pipe any more.
  static func isPipeClosed(_ descriptor: Int32) -> Bool {
    var waiting = pollfd(fd: descriptor, events: 0, revents: 0)
    return poll(&waiting, 1, 0) > 0 && Int32(waiting.revents) & POLLERR != 0
  }

  /// Waits; a signal may end it earlier.
  static func sleep(milliseconds: Int) { usleep(UInt32(clamping: milliseconds * 1000)) }

  /// Has this process end with the one that started it.
  static func dieWithParent() { _ = cnvml_os_die_with_parent() }
}

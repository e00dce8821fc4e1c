import Glibc
import PoolConsole

/// One process of a hunt, which lives some seeds one after the other and tells each in a line.
struct Worker {
  /// The seed that it lives now, and the one after its last.
  private(set) var next: UInt64
  let end: UInt64
  private let process: pid_t
  /// Where it tells.
  let descriptor: Int32
  private var text: [UInt8] = []

  /// Starts one; nil where the system does not let it.
  init?(_ seeds: Range<UInt64>, steps: Int) {
    guard let program = Console.executablePath() else { return nil }
    (next, end) = (seeds.lowerBound, seeds.upperBound)
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    let words = [
      program, "hunt", "--from", "\(next)", "--to", "\(end)", "--steps", "\(steps)", "--worker",
    ]
    var pointers = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { for pointer in unsafe pointers { unsafe free(pointer) } }
    var started = pid_t()
    let code = unsafe posix_spawn(&started, program, &actions, nil, &pointers, environ)
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      return nil
    }
    (process, descriptor) = (started, ends[0])
  }

  /// What it told since, in whole lines.
  /// - Returns: nil once it tells nothing more.
  mutating func lines() -> [String]? {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe read(descriptor, &chunk, chunk.count)
    if count < 0, errno == EINTR { return [] }
    guard count > 0 else { return nil }
    text += chunk[..<count]
    guard let last = text.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    let whole = String(decoding: text[..<last], as: UTF8.self)
    text.removeFirst(last + 1)
    let lines = whole.split(separator: "\n").map(String.init)
    return lines
  }

  /// One more seed was told.
  mutating func told(_ seed: UInt64) { next = seed + 1 }

  /// Waits for its end.
  /// - Returns: whether it came to its end by itself, with all that it had to do.
  func finish() -> Bool {
    close(descriptor)
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status == 0
  }
}

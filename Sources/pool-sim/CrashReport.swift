import Glibc
import PoolConsole

/// Turns a crash into exit code 22 with the line that lives the seed again. A broken invariant of
/// the core stops the process, so that is how a simulator meets it.
enum CrashReport {
  /// What is written, made before anything can go wrong: a signal handler allocates nothing.
  nonisolated(unsafe) private static var text = [UInt8]()

  /// Has crashes of this process reported as those of a seed.
  static func install(seed: UInt64, steps: Int) {
    note(seed: seed, steps: steps)
    for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE] {
      signal(number) { _ in
        CrashReport.tell()
        _exit(SeedReport.Code.crash)
      }
    }
  }

  /// The seed that is lived from now on.
  static func note(seed: UInt64, steps: Int) {
    unsafe text = Array(
      ("{\"seed\":\(seed),\"violations\":[{\"invariant\":\"crash\",\"again\":"
        + "\"\(SeedReport.again(seed, steps))\"}]}\n").utf8)
  }

  private static func tell() {
    unsafe text.withUnsafeBytes { bytes in
      _ = unsafe write(1, bytes.baseAddress, bytes.count)
    }
  }
}

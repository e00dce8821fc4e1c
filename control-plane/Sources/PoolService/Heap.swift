import Foundation

/// How the process deals with memory that it freed.
public enum Heap {
  /// What the C library can be told of its heap, by its numbers (mallopt(3)), each with a value.
  /// Unit: bytes.
  private static let settings: [(number: Int32, value: Int32)] = [
    // A piece up to this comes from the heap and not from the system alone: the most it takes.
    (-3, 32 << 20),
    // So much may be free at its end before that is given back.
    (-1, 256 << 20),
    // So much is asked for beside what is needed.
    (-2, 64 << 20),
  ]

  /// Keeps it for what comes next. Each batch of requests frees some megabytes and takes them
  /// again; to hand them to the system meanwhile makes a claim dearer by some hundredths. For
  /// programs, at their beginning. A C library that cannot be told so does as it does.
  public static func keep() {
    typealias Setter = @convention(c) (Int32, Int32) -> Int32
    guard let symbol = dlsym(nil, "mallopt") else { return }
    let set = unsafeBitCast(symbol, to: Setter.self)
    for setting in settings { _ = set(setting.number, setting.value) }
  }
}

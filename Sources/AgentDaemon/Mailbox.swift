internal import Glibc
internal import Synchronization

/// What comes from other threads to the one that owns the agent.
final class Mailbox: Sendable {
  enum Item: Sendable {
    /// A node as it was found.
    case node(FoundNode)
    /// What became of a request.
    case answer(Uplink.Purpose, Uplink.Answer)
  }

  private let items = Mutex<[Item]>([])
  /// A pipe: one byte in it says that something came.
  private let bell: (read: Int32, write: Int32)

  init() throws(StateError) {
    let ends = try Files.pipe()
    for end in [ends.read, ends.write] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    bell = ends
  }

  deinit {
    close(bell.read)
    close(bell.write)
  }

  /// Leaves something; from any thread.
  func put(_ item: Item) {
    items.withLock { $0.append(item) }
    var byte = UInt8(1)
    // A pipe that is full says it already.
    _ = Glibc.write(bell.write, &byte, 1)
  }

  /// Waits until something came, or for a time.
  func wait(milliseconds: Int32) {
    var entry = pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 256)
    while Glibc.read(bell.read, &bytes, bytes.count) > 0 {}
  }

  /// Takes what came.
  func take() -> [Item] {
    items.withLock { items in
      defer { items = [] }
      return items
    }
  }
}

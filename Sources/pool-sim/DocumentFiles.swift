import PoolConsole
import PoolWire
import StrictJSON

/// Documents that are read from files one after the other; what is wrong with any of them is told
/// at the end, together.
struct DocumentFiles {
  private var messages: [String] = []
  /// How many files cannot be used.
  private var failed = 0

  /// Reads a file.
  /// - Returns: nil where it cannot be used.
  mutating func read<T>(
    _ file: String, _ body: (JSONDocument) throws(JSONErrors) -> T
  ) -> T? {
    let bytes: [UInt8]
    do {
      bytes = try Console.read(file)
    } catch {
      fail(error.message)
      return nil
    }
    do throws(JSONErrors) {
      return try body(try JSONDocument(bytes))
    } catch {
      fail(error.formatted(file: file == "-" ? "stdin" : Terminal.plain(file)))
      return nil
    }
  }

  /// Adds the names of a document to those of others.
  mutating func take(_ names: NameTable, from file: String, into all: inout NameTable) {
    do throws(NameCollision) {
      try all.merge(names)
    } catch {
      fail("\(Terminal.plain(file)): \(error.description)")
    }
  }

  private mutating func fail(_ message: String) {
    failed += 1
    messages.append(message)
  }

  /// - Throws: where a file cannot be used.
  func check() throws(UsageError) {
    guard failed > 0 else { return }
    throw UsageError(
      lines: messages,
      message: failed == 1
        ? "a file cannot be used; nothing was done"
        : "\(failed) files cannot be used; nothing was done")
  }
}

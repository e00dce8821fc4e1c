import Foundation
import StrictJSON

/// Moments as documents have them, to the second: `2026-12-01T15:00:00Z`.
enum UTC {
  /// The text of a moment.
  /// - Parameter seconds: since 1970.
  static func text(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }

  /// Seconds since 1970.
  /// - Returns: nil for anything that `text` does not write.
  static func seconds(_ text: String) -> Int64? {
    guard text.utf8.count == 20, let date = try? Date.ISO8601FormatStyle().parse(text) else {
      return nil
    }
    let seconds = Int64(date.timeIntervalSince1970.rounded())
    return self.text(seconds) == text ? seconds : nil
  }
}

extension JSONValue {
  /// Reads a moment. Unit: seconds since 1970.
  func moment() throws(JSONAbandoned) -> Int64 {
    guard let seconds = UTC.seconds(try string(1...64)) else {
      throw refuse("this is no moment", hint: "write it in UTC, as 2026-12-01T15:00:00Z")
    }
    return seconds
  }

  /// Reads a SHA-256: all of its hexadecimal digits.
  func hash() throws(JSONAbandoned) -> String {
    let text = try string(64...64)
    guard Hex.isText(text) else {
      throw refuse("this is no hash", hint: "write its 64 digits, of 0-9 and a-f")
    }
    return text
  }
}

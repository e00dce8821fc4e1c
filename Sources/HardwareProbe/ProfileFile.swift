internal import StrictJSON

/// What the files of profiles and of node shapes share.
enum ProfileFile {
  /// Reads one object.
  ///
  /// - Parameters:
  ///   - json: The text of the file.
  ///   - file: Its path, for messages; its last component without `.json` is the stem.
  ///   - read: Reads the members; is told the stem.
  /// - Throws: `ProfileErrors` with every error of the file.
  static func decode<Value>(
    _ json: String, file: String, _ read: (inout JSONFields, String) throws -> Value
  ) throws(ProfileErrors) -> Value {
    let stem = file.split(separator: "/").last.map { $0.dropLast(".json".count) } ?? ""
    do throws(JSONErrors) {
      let document = try JSONDocument(
        text: json, limits: JSONLimits(documentBytesMax: ProbeLimits.profileBytes, depthMax: 8))
      return try document.decode { try $0.object { try read(&$0, String(stem)) } }
    } catch {
      throw ProfileErrors(messages: error.errors.map { $0.formatted(file: file) })
    }
  }
}

/// The rule for names of profiles and shapes: that of the file, of a few harmless characters.
enum ProfileName {
  static func check(_ fields: inout JSONFields, name: String?, stem: String) {
    guard let name else { return }
    if name != stem { fields.record("name", "not the name of the file", hint: "write \(stem)") }
    if !name.utf8.allSatisfy(isAllowed) {
      fields.record("name", "has characters other than a-z, 0-9 and -")
    }
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
  }
}

/// What keeps the allocator pure: no clock, no randomness, no tasks, no floats, no hashed order.
enum CoreRules {
  static let folder = "Sources/PoolAllocator"

  /// Words that may not appear at all.
  static let bannedWords: [String: String] = [
    "ContinuousClock": "a clock", "SuspendingClock": "a clock",
    "SystemRandomNumberGenerator": "unseeded randomness", "hashValue": "a per-process value",
    "async": "concurrency", "await": "concurrency", "Task": "concurrency", "actor": "concurrency",
    "Double": "floating point", "Float": "floating point", "Float16": "floating point",
    "Float32": "floating point", "Float64": "floating point", "Float80": "floating point",
    "Codable": "serialisation", "Encodable": "serialisation", "Decodable": "serialisation",
  ]

  /// Words that may not be called or made.
  static let bannedCalls: [String: String] = [
    "Date": "a clock", "print": "output", "debugPrint": "output", "dump": "output",
  ]

  /// Methods that are deterministic only when they are given a generator.
  static let randomCalls: Set<String> = [
    "random", "randomElement", "shuffle", "shuffled",
  ]

  /// Crashes, which belong behind `invariant` because theirs prints in release.
  static let crashes: Set<String> = [
    "fatalError", "precondition", "preconditionFailure", "assert", "assertionFailure",
  ]

  static func impurities(_ file: SourceFile) -> [Finding] {
    file.tokens.indices.compactMap { index in
      let token = file.tokens[index]
      if token.kind == .number { return floatLiteral(token, in: file) }
      guard token.kind == .word else { return nil }
      if let reason = bannedWords[token.text] {
        return file.finding(token.line, "\(reason): \(token.text)")
      }
      let next = index + 1 < file.tokens.count ? file.tokens[index + 1] : nil
      if let reason = bannedCalls[token.text], next?.isMark("(") == true {
        return file.finding(token.line, "\(reason): \(token.text)(")
      }
      let isHashed = token.isWord("Dictionary", "Set")
      if isHashed && (next?.isMark("<") == true || next?.isMark("(") == true) {
        return file.finding(token.line, "hash order differs per process: \(token.text)")
      }
      let isMember = index > 0 && file.tokens[index - 1].isMark(".")
      if isMember && randomCalls.contains(token.text) && next?.isMark("(") == true
        && !hasGenerator(file.tokens[(index + 1)...])
      {
        return file.finding(token.line, "\(token.text)( without using:")
      }
      return nil
    }
  }

  /// Stored properties whose written type or value is `[Key: Value]`.
  static func storedDictionaries(_ file: SourceFile) -> [Finding] {
    file.declarations.compactMap { property in
      guard property.keyword == "var" || property.keyword == "let", isStored(property) else {
        return nil
      }
      guard hasDictionaryBrackets(file.tokens[property.head]) else { return nil }
      return file.finding(property.line, "stored dictionary: \(property.fullName)")
    }
  }

  static func crashesOutsideInvariant(_ file: SourceFile) -> [Finding] {
    guard file.name != "Invariant.swift" else { return [] }
    return file.tokens.filter { $0.kind == .word && crashes.contains($0.text) }.map {
      file.finding($0.line, "only Invariant.swift may say \($0.text)")
    }
  }

  private static func floatLiteral(_ token: Token, in file: SourceFile) -> Finding? {
    let isHexadecimal = token.text.hasPrefix("0x")
    let hasExponent = !isHexadecimal && token.text.contains { $0 == "e" || $0 == "E" }
    guard token.text.contains(".") || hasExponent else { return nil }
    return file.finding(token.line, "floating point: \(token.text)")
  }

  private static func isStored(_ property: Declaration) -> Bool {
    guard let first = property.firstWordOfBody else { return true }
    return first == "willSet" || first == "didSet"
  }

  /// True when the call whose `(` comes first has the label `using:` of its own.
  private static func hasGenerator(_ tokens: ArraySlice<Token>) -> Bool {
    var depth = 0
    for token in tokens {
      if token.kind == .mark && "([{".contains(token.text) { depth += 1 }
      if token.kind == .mark && ")]}".contains(token.text) { depth -= 1 }
      if depth == 0 { return false }
      if depth == 1 && token.isWord("using") { return true }
    }
    return false
  }

  /// True when some `[…]` has a colon of its own that no `?` asked for.
  private static func hasDictionaryBrackets(_ tokens: ArraySlice<Token>) -> Bool {
    var openers: [(mark: String, questions: Int)] = []
    for token in tokens where token.kind == .mark {
      if "([{".contains(token.text) {
        openers.append((token.text, 0))
      } else if ")]}".contains(token.text) {
        _ = openers.popLast()
      } else if let last = openers.indices.last, openers[last].mark == "[" {
        if token.text == "?" && !token.touchesPrevious { openers[last].questions += 1 }
        if token.text == ":" {
          if openers[last].questions == 0 { return true }
          openers[last].questions -= 1
        }
      }
    }
    return false
  }
}

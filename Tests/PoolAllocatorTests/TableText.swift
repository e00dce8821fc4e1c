import Foundation

/// One line of a table, with the indented lines that continue it.
struct TableLine {
  /// First line in the file, from 1, and how many it takes.
  let number: Int
  let count: Int
  /// What is done: words before `->`.
  let words: [String]
  /// The text before `->`, for writing the line anew.
  let head: String
  /// The text after `->`; nil where the line states nothing.
  let expected: String?
  /// The comment at the end.
  let comment: String

  /// Splits a text into lines; blank and comment lines are left out.
  static func parse(_ text: String) -> [TableLine] {
    var groups: [(number: Int, lines: [Substring])] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let trimmed = line.drop { $0 == " " }
      if trimmed.isEmpty || trimmed.first == "#" { continue }
      let isNext = groups.last.map { $0.number + $0.lines.count == index + 1 } ?? false
      if line.first == " ", isNext {
        groups[groups.count - 1].lines.append(line)
      } else {
        groups.append((index + 1, [line]))
      }
    }
    return groups.map { TableLine(number: $0.number, lines: $0.lines) }
  }

  private init(number: Int, lines: [Substring]) {
    self.number = number
    count = lines.count
    var comment = ""
    var text = ""
    for line in lines {
      var body = line
      if let mark = line.range(of: " #") {
        comment = String(line[line.index(after: mark.lowerBound)...])
        body = line[..<mark.lowerBound]
      }
      text += (text.isEmpty ? "" : " ") + body.trimmingCharacters(in: .whitespaces)
    }
    self.comment = comment
    let arrow = text.range(of: " ->")
    head = String(text[..<(arrow?.lowerBound ?? text.endIndex)])
    expected = arrow.map { text[$0.upperBound...].trimmingCharacters(in: .whitespaces) }
    words = head.split(separator: " ").map(String.init)
  }

  /// The line with another expectation, wrapped to 100 columns.
  func rewritten(_ expected: String) -> [String] {
    var lines: [String] = []
    if !comment.isEmpty { lines.append(comment) }
    var current = head.trimmingCharacters(in: .whitespaces)
    for word in ["->"] + expected.split(separator: " ").map(String.init) {
      let isFull = current.count + 1 + word.count > 100
      if isFull || word == "|" && current.count + 1 + tail(expected).count > 100 {
        lines.append(current)
        current = "    " + word
      } else {
        current += " " + word
      }
    }
    return lines + [current]
  }

  private func tail(_ expected: String) -> Substring {
    expected.range(of: "| ").map { expected[$0.lowerBound...] } ?? ""
  }
}

/// A word with details in parentheses; without them it stands for any details.
struct TableItem: CustomStringConvertible {
  var name: String
  var details: String?

  var description: String { details.map { "\(name)(\($0))" } ?? name }

  func accepts(_ actual: TableItem) -> Bool {
    name == actual.name && (details == nil || details == actual.details)
  }

  /// Splits at spaces and commas outside parentheses and brackets.
  static func words(_ text: some StringProtocol) -> [String] {
    var words: [String] = [""]
    var depth = 0
    for character in text {
      if "([".contains(character) { depth += 1 }
      if ")]".contains(character) { depth -= 1 }
      if depth == 0, character == " " || character == "," {
        if words.last != "" { words.append("") }
      } else {
        words[words.count - 1].append(character)
      }
    }
    return words.filter { !$0.isEmpty }
  }

  static func list(_ text: some StringProtocol) -> [TableItem] {
    words(text).map { word in
      guard let open = word.firstIndex(of: "("), word.last == ")" else {
        return TableItem(name: word)
      }
      return TableItem(
        name: String(word[..<open]), details: String(word[word.index(after: open)...].dropLast()))
    }
  }
}

/// What a line gives or states: a verb, named fields, reasons, events.
struct TableOutcome {
  /// How much a field matters.
  enum Need {
    /// Must be stated where it has a value.
    case always
    /// May be left unsaid; written where a line is filled in for the first time.
    case usual
    /// Written where a line asks for it.
    case asked
  }

  struct Field {
    var name: String
    var value: String
    var need = Need.usual
  }

  var verdict: String?
  var fields: [Field] = []
  var reasons: [TableItem]?
  var events: [TableItem]?

  mutating func add(_ name: String, _ value: String?, _ need: Need = .usual) {
    if let value { fields.append(Field(name: name, value: value, need: need)) }
  }

  init() {}

  /// Reads `verdict field=value [reason reason] | event event`.
  init(_ text: String) {
    var decision = Substring(text)
    if let bar = text.range(of: "| "), !text[..<bar.lowerBound].contains("(|") {
      decision = text[..<bar.lowerBound]
      events = TableItem.list(text[bar.upperBound...])
    } else if text.hasSuffix("|") {
      decision = text.dropLast()
      events = []
    }
    for word in TableItem.words(decision) {
      if word.hasPrefix("[") {
        reasons = TableItem.list(word.dropFirst().dropLast())
      } else if let equals = word.firstIndex(of: "=") {
        let value = word[word.index(after: equals)...]
        fields.append(Field(name: String(word[..<equals]), value: String(value)))
      } else {
        verdict = word
      }
    }
  }

  /// Whether what happened agrees with what is stated.
  func accepts(_ actual: TableOutcome) -> Bool {
    guard verdict == actual.verdict else { return false }
    for field in fields {
      guard actual.fields.contains(where: { $0.name == field.name && $0.value == field.value })
      else { return false }
    }
    for field in actual.fields where field.need == .always {
      guard fields.contains(where: { $0.name == field.name }) else { return false }
    }
    guard Self.agree(reasons ?? [], actual.reasons ?? []) else { return false }
    return events.map { Self.agree($0, actual.events ?? []) } ?? true
  }

  private static func agree(_ stated: [TableItem], _ actual: [TableItem]) -> Bool {
    stated.count == actual.count && zip(stated, actual).allSatisfy { $0.accepts($1) }
  }

  /// In the form that a table takes; fields that `model` names, and those that must be said.
  func text(like model: TableOutcome?) -> String {
    var parts: [String] = verdict.map { [$0] } ?? []
    let named = Set(model?.fields.map(\.name) ?? [])
    let isOpen = model.map { $0.verdict != verdict || $0.fields.isEmpty } ?? true
    for field in fields {
      let isSaid = named.contains(field.name) || field.need == .always
      guard isSaid || isOpen && field.need == .usual else { continue }
      parts.append("\(field.name)=\(field.value)")
    }
    if let reasons, !reasons.isEmpty {
      parts.append("[" + reasons.map(\.description).joined(separator: ", ") + "]")
    }
    if model?.events != nil, let events {
      parts.append((["|"] + events.map(\.description)).joined(separator: " "))
    }
    return parts.joined(separator: " ")
  }
}

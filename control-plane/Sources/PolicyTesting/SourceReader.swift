internal import StrictJSON
internal import Yams

/// Reads a file in YAML or JSON, with the place of every value.
///
/// Only what a reviewer sees is read: no tags, no merge keys, no words that are numbers or truth
/// in one version of YAML and text in another, and few anchors.
struct SourceReader {
  /// Largest file. Unit: bytes.
  static let bytesMax = 4 << 20
  /// Anchors of one file: an alias of an alias grows by multiplication. Unit: anchors.
  static let anchorsMax = 8
  /// Aliases of one file. With the anchors, a file grows 4⁸-fold at most. Unit: aliases.
  static let aliasesMax = 32
  /// Values of one file, aliases resolved. Unit: values.
  static let valuesMax = 200_000
  /// Lists and maps open at once. Unit: levels.
  static let depthMax = 30
  /// Errors that are collected. Unit: errors.
  static let errorsMax = 50

  private let file: String
  private var errors: [SourceError] = []
  private var values = 0

  private init(file: String) { self.file = file }

  /// Reads a file.
  /// - Throws: every error that was found; where the text is no YAML, the first one.
  static func read(_ bytes: [UInt8], file: String) throws(SourceErrors) -> SourceNode {
    var reader = SourceReader(file: file)
    guard bytes.count <= bytesMax else {
      throw reader.failure("the file is larger than \(bytesMax >> 20) MiB")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw reader.failure("the file is no text", hint: "save it as UTF-8")
    }
    if file.hasSuffix(".json") {
      do throws(JSONErrors) {
        _ = try JSONDocument(bytes)
      } catch {
        throw SourceErrors(error, in: file)
      }
    }
    try reader.checkAnchors(bytes)
    guard let root = try reader.compose(text) else { throw reader.failure("the file is empty") }
    let node = reader.convert(root, "$", depth: 1)
    if !reader.errors.isEmpty {
      throw SourceErrors(reader.errors, isTruncated: reader.errors.count >= errorsMax)
    }
    return node
  }

  private func failure(_ problem: String, hint: String = "") -> SourceErrors {
    SourceErrors([SourceError(SourcePlace(file: file, line: 1, column: 1), problem, hint: hint)])
  }

  private mutating func note(
    _ place: SourcePlace, _ path: String, _ problem: String, hint: String
  ) {
    if errors.count < Self.errorsMax {
      errors.append(SourceError(place, path: path, problem, hint: hint))
    }
  }

  private func place(_ mark: Mark?) -> SourcePlace {
    SourcePlace(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
  }

  // MARK: the text

  /// Counts what may be an anchor or an alias before anything follows one: quotes and comments are
  /// not told apart, so the count is at least the true one.
  private func checkAnchors(_ bytes: [UInt8]) throws(SourceErrors) {
    var (anchors, aliases) = (0, 0)
    for (index, byte) in bytes.enumerated()
    where byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") {
      let before = index > 0 ? bytes[index - 1] : UInt8(ascii: " ")
      let after = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: " ")
      guard Self.isNameByte(after), !Self.isNameByte(before) else { continue }
      if byte == UInt8(ascii: "&") { anchors += 1 } else { aliases += 1 }
    }
    guard anchors <= Self.anchorsMax, aliases <= Self.aliasesMax else {
      throw failure(
        "the file has \(anchors) anchors and \(aliases) aliases",
        hint: "at most \(Self.anchorsMax) and \(Self.aliasesMax); write the values out")
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private func compose(_ text: String) throws(SourceErrors) -> Node? {
    do {
      return try Yams.compose(yaml: text, .basic)
    } catch let error as YamlError {
      throw SourceErrors([located(error, in: text)])
    } catch {
      throw failure("the file is no YAML", hint: "\(error)")
    }
  }

  private func located(_ error: YamlError, in text: String) -> SourceError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return SourceError(place(mark), "the file is no YAML: \(problem)")
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      let line = before.count { $0.isNewline } + 1
      let column = before.reversed().prefix { !$0.isNewline }.count + 1
      return SourceError(
        SourcePlace(file: file, line: line, column: column), "the file is no YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      let words = keys.map { "\"\($0)\"" }.joined(separator: ", ")
      return SourceError(
        place(context.mark), "the key \(words) stands there twice", hint: "keep one of them")
    default: return SourceError(place(nil), "the file is no YAML: \(error)")
    }
  }

  // MARK: values

  private mutating func convert(_ node: Node, _ path: String, depth: Int) -> SourceNode {
    let place = place(node.mark)
    let nothing = SourceNode(place: place, kind: .null)
    values += 1
    guard values <= Self.valuesMax, depth <= Self.depthMax else {
      if values == Self.valuesMax + 1 {
        note(
          place, path, "the file has more than \(Self.valuesMax) values",
          hint: "write fewer, or fewer aliases")
      } else if values <= Self.valuesMax {
        note(
          place, path, "the value is \(depth) levels deep", hint: "at most \(Self.depthMax)")
      }
      return nothing
    }
    switch node {
    case .scalar(let scalar):
      return SourceNode(place: place, kind: kind(of: scalar, path, place))
    case .sequence(let sequence):
      checkTag(sequence.tag, path, place)
      var list: [SourceNode] = []
      for (index, element) in sequence.enumerated() {
        list.append(convert(element, "\(path)[\(index)]", depth: depth + 1))
      }
      return SourceNode(place: place, kind: .list(list))
    case .mapping(let mapping):
      checkTag(mapping.tag, path, place)
      return SourceNode(place: place, kind: .map(members(mapping, path, depth)))
    case .alias: return nothing
    }
  }

  private mutating func members(
    _ mapping: Node.Mapping, _ path: String, _ depth: Int
  ) -> [SourceMember] {
    var members: [SourceMember] = []
    var known: Set<String> = []
    for (key, value) in mapping {
      let place = place(key.mark)
      guard case .scalar(let word) = key else {
        note(place, path, "the key is no word", hint: "write a text as the key")
        continue
      }
      if word.string == "<<", word.style == .plain {
        note(
          place, path, "merge keys are not read",
          hint: "write the keys out, or give the whole value an anchor")
        continue
      }
      guard known.insert(word.string).inserted else {
        note(
          place, path, "the key \"\(word.string)\" stands there twice", hint: "keep one of them")
        continue
      }
      let node = convert(value, "\(path).\(word.string)", depth: depth + 1)
      members.append(SourceMember(key: word.string, place: place, value: node))
    }
    return members
  }

  private static let textTag = "tag:yaml.org,2002:str"
  private static let tags: Set<String> = [
    "", textTag, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq",
  ]

  private mutating func checkTag(_ tag: Tag, _ path: String, _ place: SourcePlace) {
    guard !Self.tags.contains(tag.rawValue) else { return }
    note(place, path, "the value has a tag", hint: "leave \(tag.rawValue) out")
  }

  private mutating func kind(
    of scalar: Node.Scalar, _ path: String, _ place: SourcePlace
  ) -> SourceNode.Kind {
    checkTag(scalar.tag, path, place)
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any, scalar.tag.rawValue != Self.textTag
    else { return .text(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    default: break
    }
    if ["yes", "no", "on", "off", "true", "false"].contains(text.lowercased()) {
      note(
        place, path, "\(text) is truth in some versions of YAML and text in others",
        hint: "write true or false, or put it in quotes")
    }
    return Self.isNumber(text) ? .number(text) : .text(text)
  }

  /// Whether a plain word is a number of JSON.
  static func isNumber(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    func digits() -> Int {
      let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let startsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0, whole == 1 || !startsWithZero else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits() > 0 else { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
        rest = rest.dropFirst()
      }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}

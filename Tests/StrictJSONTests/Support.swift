import StrictJSON

/// The errors of a document as `line:column: path: problem; hint` lines, "" when it is accepted.
func errors(_ text: String, _ limits: JSONLimits = .standard) -> String {
  errors(Array(text.utf8), limits)
}

/// The errors of a document given as bytes.
func errors(_ bytes: [UInt8], _ limits: JSONLimits = .standard) -> String {
  do {
    _ = try JSONDocument(bytes, limits: limits)
    return ""
  } catch {
    return error.description
  }
}

/// The errors that a decoder finds in a valid document, "" when it finds none.
func errors<T>(
  _ text: String, _ limits: JSONLimits = .standard, _ body: (JSONValue) throws -> T
) -> String {
  do {
    _ = try JSONDocument(text: text, limits: limits).decode(body)
    return ""
  } catch {
    return error.description
  }
}

/// The document written again.
func rewritten(_ bytes: [UInt8], _ style: JSONWriter.Style = .compact) throws -> [UInt8] {
  var writer = JSONWriter(style)
  writer.value(try JSONDocument(bytes).root)
  return writer.bytes
}

/// SplitMix64: the same documents on every run and every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A document as the tests know it.
indirect enum Model: Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case milli(Int64)
  case string(String)
  case array([Model])
  case object([Member])

  struct Member: Equatable {
    var key: String
    var value: Model
  }

  /// A random document, at most `depth` containers deep.
  static func random(depth: Int, using generator: inout some RandomNumberGenerator) -> Model {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .integer(Int64.random(in: Int64.min...Int64.max, using: &generator))
    case 3: return .integer(Int64.random(in: -20...20, using: &generator))
    case 4: return .milli(Int64.random(in: -99_999...99_999, using: &generator) * 10 + 1)
    case 5: return .string(text(using: &generator))
    case 6, 7:
      var seen: Set<String> = []
      var members: [Member] = []
      for _ in 0..<Int.random(in: 0...40, using: &generator) {
        let key = text(using: &generator)
        guard seen.insert(key.unicodeScalars.map { "\($0.value)" }.joined(separator: " ")).inserted
        else { continue }
        members.append(Member(key: key, value: random(depth: depth - 1, using: &generator)))
        if members.count > 5, depth > 1 { break }
      }
      return .object(members)
    default:
      let count = Int.random(in: 0...5, using: &generator)
      return .array((0..<count).map { _ in random(depth: depth - 1, using: &generator) })
    }
  }

  /// Without U+FEFF, which Foundation drops at the end of a key.
  private static func text(using generator: inout some RandomNumberGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...12, using: &generator) {
      let range: ClosedRange<UInt32> =
        [
          0x20...0x7E, 0x20...0x7E, 0...0x1F, 0x22...0x22, 0x5C...0x5C, 0xA1...0x7FF,
          0x800...0xD7FF,
          0xE000...0xFEFE, 0x10000...0x10FFFF,
        ].randomElement(using: &generator) ?? 0x20...0x7E
      if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  func write(to writer: inout JSONWriter) {
    switch self {
    case .null: writer.null()
    case .bool(let value): writer.bool(value)
    case .integer(let value): writer.int64(value)
    case .milli(let value): writer.milli(value)
    case .string(let value): writer.string(value)
    case .array(let elements):
      writer.array { writer in for element in elements { element.write(to: &writer) } }
    case .object(let members):
      writer.object { writer in
        for member in members {
          writer.key(member.key)
          member.value.write(to: &writer)
        }
      }
    }
  }

  /// Reads what `write` wrote.
  static func read(_ value: JSONValue) throws -> Model {
    switch value.kind {
    case .null: return .null
    case .bool: return .bool(try value.bool())
    case .number:
      if value.numberText?.contains(".") == true { return .milli(try value.milli()) }
      return .integer(try value.int64())
    case .string: return .string(try value.string())
    case .array: return .array(try value.array(max: 1000) { try read($0) })
    case .object:
      return .object(try value.map(max: 1000) { Member(key: $0, value: try read($1)) })
    }
  }
}

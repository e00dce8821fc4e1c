import Testing

@testable import PolicyTesting

/// Policies that were changed at random: each is refused with a place, or read in full.
@Suite struct MutationTests {
  /// SplitMix64: equal seeds give equal files in every process.
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  static let policy = PolicyStarter.files.first { $0.name == "policy.yaml" }?.text ?? ""

  @Test func nothingIsAcceptedInSilence() {
    var generator = Generator(state: 9)
    var refused = 0
    for _ in 0..<8_000 {
      let text = Self.mutated(Array(Self.policy.utf8), &generator)
      do throws(SourceErrors) {
        _ = try Self.read(text)
      } catch {
        refused += 1
        #expect(error.errors.allSatisfy { $0.place.line >= 1 && $0.place.column >= 1 })
      }
    }
    // Most changes break something; those that do not hit comments, names and figures.
    #expect(refused > 2_000)
  }

  /// Every key of the policy, renamed in turn at random places: none is taken for granted.
  @Test func anUnknownKeyIsNeverAccepted() throws {
    var generator = Generator(state: 10)
    let tree = try SourceReader.read(Array(Self.policy.utf8), file: "policy.yaml")
    for _ in 0..<2_000 {
      var changed = tree
      let key = "zz-\(UInt16.random(in: 0...9_999, using: &generator))"
      Self.addKey(key, to: &changed, &generator)
      let text = MarkedText(changed).bytes
      do throws(SourceErrors) {
        _ = try Self.read(text)
        Issue.record("\(key) was accepted")
      } catch {
        #expect(error.errors.contains { $0.problem.contains(key) || $0.hint.contains(key) })
      }
    }
  }

  private static func read(_ text: [UInt8]) throws(SourceErrors) -> PolicySource {
    try PolicySource(file: "policy.yaml") { (_) throws(SourceErrors) in text }
  }

  private static func mutated(_ text: [UInt8], _ generator: inout Generator) -> [UInt8] {
    var text = text
    for _ in 0...Int.random(in: 0...2, using: &generator) {
      let place = Int.random(in: 0..<text.count, using: &generator)
      let end = min(text.count, place + Int.random(in: 1...40, using: &generator))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: text[place] = UInt8.random(in: 0...255, using: &generator)
      case 1: text.removeSubrange(place..<end)
      case 2: text.insert(contentsOf: text[place..<end], at: place)
      case 3:
        let marks = Array("{[]}:,&*#|>-!\"'".utf8).shuffled(using: &generator)
        text.insert(contentsOf: marks.prefix(2), at: place)
      case 4: text[place] = UInt8(ascii: "\n")
      default:
        let other = Int.random(in: 0..<text.count, using: &generator)
        text.swapAt(place, other)
      }
      if text.isEmpty { text = [UInt8(ascii: "a")] }
    }
    return text
  }

  /// Adds a member to some map of the policy.
  private static func addKey(
    _ key: String, to node: inout SourceNode, _ generator: inout Generator
  ) {
    switch node.kind {
    case .map(var members):
      let inner = members.indices.filter { index in
        let value = members[index].value
        return value.isMap || value.elements.contains(where: \.isMap)
      }
      if let index = inner.randomElement(using: &generator), Bool.random(using: &generator) {
        addKey(key, to: &members[index].value, &generator)
      } else {
        let value = SourceNode(place: node.place, kind: .number("1"))
        let place = Int.random(in: 0...members.count, using: &generator)
        members.insert(SourceMember(key: key, place: node.place, value: value), at: place)
      }
      node.kind = .map(members)
    case .list(var elements):
      let maps = elements.indices.filter { elements[$0].isMap }
      guard let index = maps.randomElement(using: &generator) else { return }
      addKey(key, to: &elements[index], &generator)
      node.kind = .list(elements)
    default: break
    }
  }
}

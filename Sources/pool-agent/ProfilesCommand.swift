import HardwareProbe
import PoolConsole
import PoolWire
import StrictJSON

/// `pool-agent profiles`.
enum ProfilesCommand {
  private static let verbs = ["list", "show", "check", "explain"]
  private static let facts = ["--name", "--pci", "--memory-mib", "--cc"]

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let verb = arguments.operands.first else {
      throw UsageError(
        message: "profiles needs one of \(verbs.joined(separator: ", ")), as: profiles list")
    }
    let words = Array(arguments.operands.dropFirst())
    if verb != "explain", let fact = facts.first(where: arguments.has) {
      throw UsageError(message: "\(fact) belongs to profiles explain")
    }
    switch verb {
    case "list": return try list(words, arguments)
    case "show": return try show(words, arguments)
    case "check": return try check(words, arguments)
    case "explain": return try ProfileExplain.run(words, arguments)
    default:
      let hint = NearestName.hint(verb, among: verbs, called: "verb")
      throw UsageError(message: "unknown verb \(quoted(verb)) of profiles; \(hint)")
    }
  }

  /// The profiles that were named, or those that come with the program, and their directory; nil,
  /// with a note, where there are none.
  static func catalogue(
    named: String?
  ) throws(UsageError) -> (catalogue: ProfileCatalogue, directory: String)? {
    let location = ProfileLocator.locate(named: named)
    for note in location.notes { Console.note("note: \(note)\n") }
    guard let directory = location.directory else {
      Console.note("note: no hardware profiles found; --profiles names a directory\n")
      return nil
    }
    do {
      return (try ProfileCatalogue(directory: directory), directory)
    } catch {
      throw UsageError(lines: error.messages, message: "the hardware profiles cannot be used")
    }
  }

  /// As ``catalogue(named:)``, for verbs that need one.
  static func required(
    _ arguments: Arguments
  ) throws(UsageError) -> (catalogue: ProfileCatalogue, directory: String) {
    guard let found = try catalogue(named: arguments.one("--profiles")) else {
      throw UsageError(message: "there are no hardware profiles to look in")
    }
    return found
  }

  private static func list(_ words: [String], _ arguments: Arguments) throws(UsageError) -> Int32 {
    if let word = words.first {
      throw UsageError(message: "unexpected argument \(quoted(word)); list takes none")
    }
    let (catalogue, directory) = try required(arguments)
    if arguments.has("--json") {
      var writer = JSONWriter(.pretty)
      writer.object { writer in
        writer.int64("schema_version", 1)
        writer.string("kind", "profile_list")
        writer.string("directory", directory)
        writer.array("profiles") { writer in
          for profile in catalogue.profiles { writer.object { $0.members(of: profile) } }
        }
      }
      Console.print(writer.text + "\n")
    } else {
      Console.print(ProfileText.table(catalogue.profiles))
    }
    return 0
  }

  private static func show(_ words: [String], _ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let name = words.first, words.count == 1 else {
      throw UsageError(message: "profiles show needs the name of one profile")
    }
    let (catalogue, _) = try required(arguments)
    guard let profile = catalogue.profile(named: name) else {
      throw unknown(name, in: catalogue)
    }
    if arguments.has("--json") {
      var writer = JSONWriter(.pretty)
      writer.object { writer in
        writer.int64("schema_version", 1)
        writer.members(of: profile)
      }
      Console.print(writer.text + "\n")
    } else {
      Console.print(ProfileText.page(profile))
    }
    return 0
  }

  static func unknown(_ name: String, in catalogue: ProfileCatalogue) -> UsageError {
    let names = catalogue.profiles.map(\.name)
    let alike = names.filter { $0.hasPrefix(name.lowercased()) }
    if !alike.isEmpty, alike.count < names.count {
      let list = alike.map(quoted).joined(separator: ", ")
      return UsageError(message: "no profile is named \(quoted(name)); \(list) begin so")
    }
    let hint = NearestName.hint(name, among: names, called: "profile")
    return UsageError(message: "no profile is named \(quoted(name)); \(hint)")
  }

  private static func check(_ words: [String], _ arguments: Arguments) throws(UsageError) -> Int32 {
    var paths = words
    var beside: ProfileCatalogue?
    let location = ProfileLocator.locate(named: arguments.one("--profiles"))
    if paths.isEmpty {
      guard let directory = location.directory else {
        throw UsageError(message: "there are no hardware profiles to check; name a directory")
      }
      paths = [directory]
    } else if let directory = location.directory {
      // Only shapes need others; that these are good is not asked here.
      beside = try? ProfileCatalogue(directory: directory)
    }
    let result = ProfileCheck(paths: paths, catalogue: beside)
    if !result.unreadable.isEmpty {
      throw UsageError(
        lines: result.findings.map(\.message) + result.unreadable,
        message: "not everything could be checked")
    }
    if arguments.has("--json") {
      Console.print(json(result))
    } else {
      let lines = result.findings.map { $0.message + "\n" }.joined()
      func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
      }
      let good = "good: \(count(result.profiles, "profile")), \(count(result.shapes, "node shape"))"
      let bad = result.findings.isEmpty ? "" : "; bad: \(count(result.findings.count, "error"))"
      Console.print("\(lines)\(good)\(bad)\n")
    }
    return result.findings.isEmpty ? 0 : 11
  }

  private static func json(_ result: ProfileCheck) -> String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "profile_check")
      writer.int64("good_profiles", Int64(result.profiles))
      writer.int64("good_node_shapes", Int64(result.shapes))
      writer.array("errors") { writer in
        for finding in result.findings {
          writer.object { writer in
            writer.string("file", finding.file)
            writer.string("message", finding.message)
          }
        }
      }
    }
    return writer.text + "\n"
  }
}

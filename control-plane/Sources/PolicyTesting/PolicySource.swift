public import PoolWire
internal import StrictJSON

/// A policy as people write it: YAML or JSON, split by team where that is wanted.
///
/// The root names the files that it includes:
///
///     include: [teams/acme.yaml, teams/vision.yaml]
///
/// An included file holds what one tenant decides for itself (`TeamPart`) and can only narrow what
/// the root allows that tenant.
public struct PolicySource: Sendable {
  /// Files that one policy includes. Unit: files.
  public static let includesMax = 100

  /// The root's file.
  public let file: String
  /// The policy.
  public let document: PolicyDocument
  /// The policy in one JSON document, as a server takes it.
  public let json: [UInt8]
  /// The policy with the place of every value.
  let tree: SourceNode

  /// Reads a policy and what it includes.
  /// - Throws: every error of every file.
  public init(file: String) throws(SourceErrors) {
    try self.init(file: file, reading: SourceFiles.read)
  }

  /// As `init(file:)`, with a reader of files.
  init(
    file: String, reading: (String) throws(SourceErrors) -> [UInt8]
  ) throws(SourceErrors) {
    var tree = try SourceReader.read(try reading(file), file: file)
    let include = tree["include"]
    tree.remove("include")
    var errors: [SourceError] = []
    var known: [String: SourcePlace] = [:]
    for (name, node) in Self.included(include, &errors) {
      let path = SourceFiles.path(name, beside: file)
      do throws(SourceErrors) {
        let team = TeamPart(try SourceReader.read(try reading(path), file: path))
        errors += team.merge(into: &tree, known: &known)
      } catch {
        errors.append(
          SourceError(node.place, path: "$.include", "\"\(name)\" cannot be included"))
        errors += error.errors
      }
    }
    let text = MarkedText(tree)
    let document: PolicyDocument
    do throws(SourceErrors) {
      document = try text.read { (json) throws(JSONErrors) in try PolicyDocument(json) }
    } catch {
      throw SourceErrors(error.errors + errors, isTruncated: error.isTruncated)
    }
    if !errors.isEmpty { throw SourceErrors(errors) }
    self.file = file
    self.document = document
    self.json = text.bytes
    self.tree = tree
  }

  /// The files that a root names, each with the place of its name.
  private static func included(
    _ include: SourceNode?, _ errors: inout [SourceError]
  ) -> [(name: String, node: SourceNode)] {
    guard let include else { return [] }
    guard case .list(let elements) = include.kind, elements.count <= includesMax else {
      errors.append(
        SourceError(
          include.place, path: "$.include", "include is no list of files",
          hint: "write at most \(includesMax) file names, such as [teams/acme.yaml]"))
      return []
    }
    var files: [(name: String, node: SourceNode)] = []
    for (index, element) in elements.enumerated() {
      let path = "$.include[\(index)]"
      guard let name = element.text, isPlain(name) else {
        errors.append(
          SourceError(
            element.place, path: path, "this is no file beside the policy",
            hint: "name a file in its folder or below: no .., no pattern, .yaml or .json"))
        continue
      }
      guard !files.contains(where: { $0.name == name }) else {
        errors.append(
          SourceError(
            element.place, path: path, "\"\(name)\" is included twice", hint: "remove one"))
        continue
      }
      files.append((name, element))
    }
    return files
  }

  private static func isPlain(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
      && name.utf8.count <= 1024 && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
      && !name.contains { "*?[]{}~".contains($0) }
  }
}

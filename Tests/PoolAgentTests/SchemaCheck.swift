import Foundation

/// The part of JSON Schema 2020-12 that our schemas use. The tests of policies in `control-plane`
/// have a link to this file.
struct SchemaCheck {
  private var files: [String: [String: Any]] = [:]

  /// A schema of the repository, which is the folder above this file that has some.
  static func schema(_ name: String) throws -> [String: Any] {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    while folder.path != "/",
      !FileManager.default.fileExists(atPath: folder.appending(path: "schemas").path)
    {
      folder.deleteLastPathComponent()
    }
    let url = folder.appending(path: "schemas/\(name).schema.json")
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    return json as? [String: Any] ?? [:]
  }

  /// What is wrong with a value; empty where it fits the schema of that name.
  static func findings(_ text: String, _ schema: String) throws -> [String] {
    var check = SchemaCheck()
    let value = try JSONSerialization.jsonObject(
      with: Data(text.utf8), options: [.fragmentsAllowed])
    let root = try check.file(schema)
    return try check.findings(value, root, root, "$")
  }

  private mutating func file(_ name: String) throws -> [String: Any] {
    if let known = files[name] { return known }
    let object = try Self.schema(name)
    files[name] = object
    return object
  }

  private mutating func findings(
    _ value: Any, _ schema: [String: Any], _ root: [String: Any], _ path: String
  ) throws -> [String] {
    if let reference = schema["$ref"] as? String {
      let parts = reference.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
      let name = parts[0].replacing(".schema.json", with: "")
      let home = name.isEmpty ? root : try file(name)
      guard parts.count == 2 else { return try findings(value, home, home, path) }
      let place = parts[1].split(separator: "/").reduce(home as [String: Any]?) { schema, key in
        schema?[String(key)] as? [String: Any]
      }
      guard let target = place else { return ["\(path): \(reference) leads nowhere"] }
      return try findings(value, target, home, path)
    }
    for word in ["oneOf", "anyOf"] {
      guard let branches = schema[word] as? [[String: Any]] else { continue }
      var all: [[String]] = []
      for branch in branches { all.append(try findings(value, branch, root, path)) }
      let fits = all.filter(\.isEmpty).count
      if word == "oneOf" ? fits == 1 : fits >= 1 { return [] }
      return ["\(path): fits \(fits) branches: \(all.min { $0.count < $1.count } ?? [])"]
    }
    if let expected = schema["const"] {
      return "\(expected)" == "\(value)" ? [] : ["\(path): is not \(expected)"]
    }
    if let words = schema["enum"] as? [String] {
      let word = value as? String ?? "?"
      return words.contains(word) ? [] : ["\(path): \(word) is not one of \(words)"]
    }
    switch schema["type"] as? String {
    case "object": return try object(value, schema, root, path)
    case "array":
      guard let list = value as? [Any] else { return ["\(path): is no array"] }
      var all: [String] = []
      if let least = schema["minItems"] as? Int, list.count < least {
        all.append("\(path): too few")
      }
      if let most = schema["maxItems"] as? Int, list.count > most {
        all.append("\(path): too many")
      }
      let items = schema["items"] as? [String: Any] ?? [:]
      for (index, element) in list.enumerated() {
        all += try findings(element, items, root, "\(path)[\(index)]")
      }
      return all
    default: return scalar(value, schema, path)
    }
  }

  private mutating func object(
    _ value: Any, _ schema: [String: Any], _ root: [String: Any], _ path: String
  ) throws -> [String] {
    guard let object = value as? [String: Any] else { return ["\(path): is no object"] }
    let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
    var all = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }
      .map { "\(path): lacks \($0)" }
    for (key, member) in object {
      if let inner = properties[key] ?? schema["additionalProperties"] as? [String: Any] {
        all += try findings(member, inner, root, "\(path).\(key)")
      } else {
        all.append("\(path): has an unknown key \(key)")
      }
    }
    return all
  }

  private func scalar(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
    switch schema["type"] as? String {
    case "string":
      guard let text = value as? String else { return ["\(path): is no string"] }
      if let pattern = schema["pattern"] as? String,
        text.range(of: pattern, options: .regularExpression) == nil
      {
        return ["\(path): \(text) does not match \(pattern)"]
      }
      return []
    case "null": return value is NSNull ? [] : ["\(path): is not null"]
    case "boolean": return value is Bool ? [] : ["\(path): is no boolean"]
    case "integer", "number":
      guard let number = value as? NSNumber else { return ["\(path): is no number"] }
      if schema["type"] as? String == "integer", number.doubleValue.rounded() != number.doubleValue
      {
        return ["\(path): is no integer"]
      }
      if let least = schema["minimum"] as? NSNumber, number.doubleValue < least.doubleValue {
        return ["\(path): is too small"]
      }
      if let most = schema["maximum"] as? NSNumber, number.doubleValue > most.doubleValue {
        return ["\(path): is too large"]
      }
      return []
    default: return ["\(path): the schema says nothing"]
    }
  }
}

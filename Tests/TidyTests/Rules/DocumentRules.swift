import Foundation

/// Markdown and JSON files.
enum DocumentRules {
  static func longReadme(_ text: String) -> [Finding] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let count = lines.last == "" ? lines.count - 1 : lines.count
    guard count > StyleLimits.readmeLines else { return [] }
    let message = "\(count) lines; at most \(StyleLimits.readmeLines)"
    return [Finding(path: "README.md", line: count, message: message)]
  }

  /// Relative links whose file does not exist; `exists` is asked with a path from the root.
  static func deadLinks(
    _ path: String, text: String, exists: (String) -> Bool
  ) -> [Finding] {
    links(in: text).compactMap { link in
      guard let target = resolve(link.target, from: path) else {
        let message = "link leaves the repository: \(link.target)"
        return Finding(path: path, line: link.line, message: message)
      }
      guard !target.isEmpty, !exists(target) else { return nil }
      return Finding(path: path, line: link.line, message: "dead link: \(link.target)")
    }
  }

  /// Targets of `[text](target)` and `[name]: target` that name a file, outside code.
  static func links(in text: String) -> [(target: String, line: Int)] {
    var found: [(target: String, line: Int)] = []
    var fence: Substring?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let trimmed = line.drop { $0 == " " }
      if trimmed.hasPrefix("```") || trimmed.hasPrefix("~~~") {
        let mark = trimmed.prefix(3)
        if fence == nil { fence = mark } else if fence == mark { fence = nil }
        continue
      }
      guard fence == nil else { continue }
      let prose = withoutInlineCode(line)
      let targets = inlineTargets(prose) + referenceTarget(prose)
      found += targets.filter(isRelative).map { ($0, index + 1) }
    }
    return found
  }

  static func unreadableJSON(_ path: String, data: Data) -> [Finding] {
    do {
      _ = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
      return []
    } catch {
      return [Finding(path: path, line: 1, message: "not JSON: \(error)")]
    }
  }

  private static func withoutInlineCode(_ line: Substring) -> String {
    let parts = line.split(separator: "`", omittingEmptySubsequences: false)
    // An odd last part means an unclosed mark, which is no code.
    return parts.enumerated().map { index, part in
      index % 2 == 0 || index == parts.count - 1 ? String(part) : "code"
    }.joined()
  }

  private static func inlineTargets(_ line: String) -> [String] {
    line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { rest in
      guard let end = rest.firstIndex(of: ")") else { return nil }
      let target = rest[..<end].split(separator: " ").first ?? ""
      return target.trimmingCharacters(in: CharacterSet(charactersIn: "<>"))
    }
  }

  private static func referenceTarget(_ line: String) -> [String] {
    guard line.hasPrefix("["), !line.hasPrefix("[^"), let colon = line.range(of: "]: ") else {
      return []
    }
    return line[colon.upperBound...].split(separator: " ").first.map { [String($0)] } ?? []
  }

  /// No scheme such as `https:` and not only an anchor.
  private static func isRelative(_ target: String) -> Bool {
    guard !target.isEmpty, !target.hasPrefix("#"), !target.hasPrefix("//") else { return false }
    let head = target.prefix { $0 != "/" && $0 != "#" && $0 != "?" }
    return !head.contains(":")
  }

  /// The path from the root; nil when it climbs out, or begins at the root of a machine.
  private static func resolve(_ target: String, from path: String) -> String? {
    guard !target.hasPrefix("/") else { return nil }
    let bare = target.prefix { $0 != "#" && $0 != "?" }
    let decoded = String(bare).removingPercentEncoding ?? String(bare)
    var parts = path.split(separator: "/").dropLast().map(String.init)
    for part in decoded.split(separator: "/") where part != "." {
      if part == ".." {
        guard parts.popLast() != nil else { return nil }
      } else {
        parts.append(String(part))
      }
    }
    return parts.joined(separator: "/")
  }
}

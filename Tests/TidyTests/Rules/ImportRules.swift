/// Which target may import which, as the design draws the arrows.
enum ImportRules {
  private static let libc: Set<String> = ["Glibc", "Musl"]

  /// One row per folder of Sources. A new target needs a row, and a row needs the design.
  static let allowed: [String: Set<String>] = [
    "PoolAllocator": [],
    "StrictJSON": [],
    "CNVML": [],
    "PoolWire": ["PoolAllocator", "StrictJSON"],
    "HardwareProbe": libc.union([
      "CNVML", "StrictJSON", "FoundationEssentials", "Synchronization",
    ]),
    "PoolRecord": ["PoolAllocator"],
    "PoolLoop": ["PoolAllocator"],
    "AgentCore": ["PoolAllocator"],
    "PoolVerifier": ["PoolAllocator"],
    "PoolInsight": ["PoolAllocator"],
    "PoolSimulator": ["PoolAllocator", "PoolLoop", "AgentCore", "PoolRecord", "PoolVerifier"],
    "AgentDaemon": libc.union([
      "PoolAllocator", "PoolWire", "AgentCore", "StrictJSON", "Foundation",
      "FoundationNetworking", "Synchronization",
    ]),
    "PoolViews": ["PoolAllocator", "PoolInsight", "PoolWire", "StrictJSON"],
    "PoolConsole": libc.union(["PoolWire"]),
    "pool-agent": libc.union([
      "PoolAllocator", "PoolViews", "PoolWire", "PoolConsole", "HardwareProbe", "StrictJSON",
      "AgentDaemon", "PoolRecord",
      "FoundationEssentials", "Synchronization",
    ]),
    "pool-sim": libc.union([
      "PoolAllocator", "PoolWire", "PoolConsole", "PoolSimulator", "PoolInsight", "PoolRecord",
      "StrictJSON",
    ]),
  ]

  static func forbiddenImports(
    _ file: SourceFile, target: String, allowed: [String: Set<String>] = allowed
  ) -> [Finding] {
    guard let modules = allowed[target] else {
      return [file.finding(1, "target \(target) has no row in ImportRules.allowed")]
    }
    return imports(in: file).filter { !modules.contains($0.module) }.map {
      file.finding($0.line, "\(target) may not import \($0.module)")
    }
  }

  /// The modules named after `import`, also in `import struct Module.Name`.
  static func imports(in file: SourceFile) -> [(module: String, line: Int)] {
    let kinds: Set<String> = [
      "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
    ]
    return file.tokens.indices.compactMap { index in
      let token = file.tokens[index]
      let isMember = index > 0 && file.tokens[index - 1].isMark(".")
      guard token.isWord("import"), !isMember else { return nil }
      let rest = file.tokens[(index + 1)...].prefix(2)
      guard let module = rest.first(where: { $0.kind == .word && !kinds.contains($0.text) }) else {
        return nil
      }
      return (module.text, token.line)
    }
  }

  /// `.package(` anywhere in the manifest.
  static func packageDependencies(_ manifest: SourceFile) -> [Finding] {
    manifest.tokens.indices.dropFirst().dropLast().compactMap { index in
      let token = manifest.tokens[index]
      guard token.isWord("package"), manifest.tokens[index - 1].isMark("."),
        manifest.tokens[index + 1].isMark("(")
      else { return nil }
      return manifest.finding(token.line, "the root package depends on no package")
    }
  }
}

/// Finds the declarations of a file by matching braces over its tokens.
///
/// Not a parser: it knows where types, functions and properties begin and end, and what is public.
struct DeclarationScanner {
  private let tokens: [Token]
  private var position = 0
  private var scopes = [Scope(kind: .declarations, owner: nil, interrupted: nil, closer: "")]
  private var found: [Declaration] = []
  /// The declaration whose head is being read.
  private var pending: Int?
  private var modifiers: [String] = []
  private var firstLine: Int?

  private struct Scope {
    enum Kind { case declarations, statements, list }
    let kind: Kind
    /// Index in `found` of the declaration whose body this is.
    let owner: Int?
    /// Index in `found` of the declaration whose head goes on behind this list.
    let interrupted: Int?
    let closer: String
  }

  static func declarations(in tokens: [Token]) -> [Declaration] {
    var scanner = DeclarationScanner(tokens: tokens)
    return scanner.run()
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  private mutating func run() -> [Declaration] {
    while position < tokens.count { step() }
    endHead()
    return found
  }

  private var scope: Scope { scopes[scopes.count - 1] }

  private mutating func step() {
    let token = tokens[position]
    if token.isMark("#") {
      skipDirective()
    } else if token.kind == .mark && ["{", "(", "["].contains(token.text) {
      open(token)
    } else if token.kind == .mark && ["}", ")", "]"].contains(token.text) {
      close(token)
    } else if scope.kind == .list {
      position += 1
    } else if token.isMark("@") {
      firstLine = firstLine ?? token.line
      skipAttribute()
    } else if token.kind == .word && !isMember(position) {
      word(token)
    } else {
      forgetModifiers()
      position += 1
    }
  }

  private mutating func word(_ token: Token) {
    let next = position + 1 < tokens.count ? tokens[position + 1] : nil
    let isClassModifier =
      token.text == "class" && next?.isWord("func", "var", "let", "subscript", "override") == true
    if token.text == "import" {
      skipImport()
    } else if scope.kind == .declarations
      && (Declaration.modifiers.contains(token.text) || isClassModifier)
    {
      firstLine = firstLine ?? token.line
      position += 1
      if next?.isMark("(") == true, next?.touchesPrevious == true {
        skipGroup()  // private(set), nonisolated(unsafe)
      } else {
        modifiers.append(token.text)
      }
    } else if opensDeclaration(token, next: next) {
      declare(token)
    } else {
      if ["if", "for", "while", "switch", "guard", "do", "repeat"].contains(token.text) {
        endHead()
      }
      forgetModifiers()
      position += 1
    }
  }

  /// Local types and functions count too; local variables do not.
  private func opensDeclaration(_ token: Token, next: Token?) -> Bool {
    guard Declaration.keywords.contains(token.text) else { return false }
    switch token.text {
    case "case":
      let isInEnum = scope.owner.map { found[$0].keyword == "enum" } ?? false
      return isInEnum && scope.kind == .declarations
    case "actor", "macro": return next?.kind == .word && scope.kind == .declarations
    case "func", "struct", "enum", "class": return next != nil
    default: return scope.kind == .declarations
    }
  }

  private mutating func declare(_ keyword: Token) {
    endHead()
    let owner = scopes.last { $0.owner != nil }?.owner
    let line = firstLine ?? keyword.line
    let start = position
    position += 1
    for name in names(after: keyword) {
      found.append(
        Declaration(
          keyword: keyword.text, name: name, modifiers: modifiers, path: path(of: owner),
          firstLine: line, line: keyword.line, head: start..<start + 1, body: nil,
          firstWordOfBody: nil, isPublic: isPublic(keyword.text, in: owner)))
    }
    pending = found.count - 1
    forgetModifiers()
  }

  /// The declared names, with `position` just behind a simple name and behind a list of cases.
  private mutating func names(after keyword: Token) -> [String] {
    switch keyword.text {
    case "init", "deinit", "subscript": return [""]
    case "case": return caseNames()
    case "func", "extension":
      var name = ""
      while position < tokens.count, !tokens[position].isMark("("), !tokens[position].isMark("{"),
        !tokens[position].isMark(":"), !tokens[position].isWord("where")
      {
        if tokens[position].isMark("<") && !name.isEmpty && !"<>=".contains(name) { break }
        name += tokens[position].text
        position += 1
      }
      return [name]
    default:
      guard position < tokens.count, tokens[position].kind == .word else { return [""] }
      position += 1
      return [tokens[position - 1].text]
    }
  }

  private mutating func caseNames() -> [String] {
    var names: [String] = []
    while position < tokens.count, tokens[position].kind == .word {
      names.append(tokens[position].text)
      position += 1
      if position < tokens.count, tokens[position].isMark("(") { skipGroup() }
      if position < tokens.count, tokens[position].isMark("=") { skipRawValue() }
      guard position < tokens.count, tokens[position].isMark(",") else { break }
      position += 1
    }
    return names
  }

  /// Skips `= 7` or `= -7`; a string is blank in the mask, so nothing may follow the sign.
  private mutating func skipRawValue() {
    position += 1
    if position < tokens.count, tokens[position].isMark("-") { position += 1 }
    if position < tokens.count, tokens[position].kind == .number { position += 1 }
  }

  private func isPublic(_ keyword: String, in owner: Int?) -> Bool {
    let written = modifiers.first { Declaration.access.contains($0) }
    let isOwnerOpen = owner.map { found[$0].isPublic || found[$0].keyword == "extension" } ?? true
    if let written { return isOwnerOpen && (written == "public" || written == "open") }
    guard let owner, found[owner].isPublic else { return false }
    switch found[owner].keyword {
    case "extension", "protocol": return true
    case "enum": return keyword == "case"
    default: return false
    }
  }

  private func path(of owner: Int?) -> [String] {
    owner.map { found[$0].path + [found[$0].name] } ?? []
  }

  // MARK: Scopes

  private mutating func open(_ token: Token) {
    let isBrace = token.text == "{"
    let owner = isBrace ? pending : nil
    let interrupted = isBrace ? nil : pending
    position += 1
    if let owner {
      endHead(at: position - 1)
      found[owner].body = token.line...token.line
      found[owner].firstWordOfBody = position < tokens.count ? tokens[position].text : nil
    }
    pending = nil
    let keyword = owner.map { found[$0].keyword } ?? ""
    let holdsMembers = Declaration.types.contains(keyword) || keyword == "extension"
    scopes.append(
      Scope(
        kind: !isBrace ? .list : holdsMembers ? .declarations : .statements,
        owner: owner, interrupted: interrupted,
        closer: isBrace ? "}" : token.text == "(" ? ")" : "]"))
    forgetModifiers()
  }

  private mutating func close(_ token: Token) {
    position += 1
    forgetModifiers()
    guard scopes.count > 1, scope.closer == token.text else { return }
    endHead(at: position - 1)
    let closed = scopes.removeLast()
    pending = closed.interrupted
    if let owner = closed.owner, let body = found[owner].body {
      found[owner].body = body.lowerBound...token.line
    }
  }

  private mutating func endHead(at end: Int? = nil) {
    if let pending {
      let end = end ?? position
      found[pending].head =
        found[pending].head.lowerBound..<max(end, found[pending].head.upperBound)
    }
    pending = nil
  }

  private mutating func forgetModifiers() {
    modifiers = []
    firstLine = nil
  }

  // MARK: Skipping

  private func isMember(_ index: Int) -> Bool { index > 0 && tokens[index - 1].isMark(".") }

  private mutating func skipGroup() {
    var depth = 0
    repeat {
      if tokens[position].isMark("(") { depth += 1 }
      if tokens[position].isMark(")") { depth -= 1 }
      position += 1
    } while depth > 0 && position < tokens.count
  }

  private mutating func skipAttribute() {
    position += 1
    while position < tokens.count, tokens[position].kind == .word || tokens[position].isMark("."),
      tokens[position].touchesPrevious
    {
      position += 1
    }
    if position < tokens.count, tokens[position].isMark("("), tokens[position].touchesPrevious {
      skipGroup()
    }
  }

  /// `#if` and `#elseif` go to the end of their line, other directives are one word.
  private mutating func skipDirective() {
    let line = tokens[position].line
    position += 1
    guard position < tokens.count, tokens[position].touchesPrevious else { return }
    if tokens[position].isWord("if", "elseif") {
      while position < tokens.count, tokens[position].line == line { position += 1 }
    } else {
      position += 1
    }
  }

  private mutating func skipImport() {
    let line = tokens[position].line
    while position < tokens.count, tokens[position].line == line { position += 1 }
    forgetModifiers()
  }
}

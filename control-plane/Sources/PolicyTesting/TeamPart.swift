internal import PoolWire

/// What a tenant decides for itself, in a file of its own:
///
///     schema_version: 1
///     kind: policy_team
///     tenant: acme
///     bucket: { burst_gpu_seconds: 600, refill_gpu_seconds_per_hour: 600 }
///     services:
///       - { name: summaries, class: P2, owner: acme-docs }
///
/// The root's entry of the tenant is the ceiling: what the file gives may be equal or less.
struct TeamPart {
  private let node: SourceNode

  init(_ node: SourceNode) { self.node = node }

  /// What stands in a tenant's entry of the root, and may be narrowed.
  private static let narrowed = [
    "classes", "queue_max", "weight", "borrow_max_milli", "bucket",
  ]
  private static let keys =
    ["schema_version", "kind", "note", "tenant", "services"] + narrowed

  /// Puts the part into a root.
  /// - Parameter known: tenants that have a part already, with its place.
  /// - Returns: what is wrong with it; the root is unchanged then.
  func merge(
    into root: inout SourceNode, known: inout [String: SourcePlace]
  ) -> [SourceError] {
    guard node.isMap else {
      return [SourceError(node.place, "expected an object", hint: "begin with kind: policy_team")]
    }
    var errors = headErrors()
    let tenants = root["tenants"]?.elements ?? []
    guard let name = node["tenant"]?.text, let place = node["tenant"]?.place else {
      errors.append(
        SourceError(
          node["tenant"]?.place ?? node.place, path: "$.tenant", "the file names no tenant",
          hint: "add tenant with the name that the root gives it"))
      return errors
    }
    guard let index = tenants.firstIndex(where: { $0["name"]?.text == name }) else {
      let names = tenants.compactMap { $0["name"]?.text }
      errors.append(
        SourceError(
          place, path: "$.tenant", "the root has no tenant \"\(name)\"",
          hint: NearestName.hint(name, among: names, called: "tenant")))
      return errors
    }
    if let other = known.updateValue(place, forKey: name) {
      errors.append(
        SourceError(
          place, path: "$.tenant", "the tenant has two files", hint: "the other is \(other)"))
    }
    let ceiling = Ceiling(tenants[index])
    errors += ceiling.errors(of: node)
    var services: [SourceNode] = []
    for (index, service) in (node["services"]?.elements ?? []).enumerated() {
      errors += ceiling.errors(ofService: service, "$.services[\(index)]", in: node, name)
      services.append(Self.owned(service, by: name))
    }
    if errors.isEmpty {
      put(ceiling.tenant, at: index, services, into: &root)
    }
    return errors
  }

  /// What is wrong before anything is compared.
  private func headErrors() -> [SourceError] {
    var errors: [SourceError] = []
    for member in node.members where !Self.keys.contains(member.key) {
      errors.append(
        SourceError(
          member.place, path: "$.\(member.key)", "unknown key \"\(member.key)\"",
          hint: NearestName.hint(member.key, among: Self.keys, called: "key")))
    }
    for (key, expected) in [("schema_version", "1"), ("kind", "policy_team")] {
      let value = node[key]
      guard value?.text ?? value?.number != expected else { continue }
      errors.append(
        SourceError(
          value?.place ?? node.place, path: "$.\(key)", "\(key) is not \(expected)",
          hint: "write \(key): \(expected)"))
    }
    if let note = node["note"], note.text == nil {
      errors.append(SourceError(note.place, path: "$.note", "the note is no text"))
    }
    if let services = node["services"], !services.isList {
      errors.append(SourceError(services.place, path: "$.services", "expected an array"))
    }
    return errors
  }

  /// A service of the tenant and of nobody else.
  private static func owned(_ service: SourceNode, by tenant: String) -> SourceNode {
    var service = service
    if service["tenant"] == nil {
      service.set(
        SourceMember(
          key: "tenant", place: service.place,
          value: SourceNode(place: service.place, kind: .text(tenant))))
    }
    return service
  }

  private func put(
    _ tenant: SourceNode, at index: Int, _ services: [SourceNode], into root: inout SourceNode
  ) {
    var tenant = tenant
    for member in node.members where Self.narrowed.contains(member.key) {
      if member.key == "bucket", let old = tenant["bucket"], old.isMap, member.value.isMap {
        let merged = Self.merged(old, member.value)
        tenant.set(SourceMember(key: "bucket", place: member.place, value: merged))
      } else {
        tenant.set(member)
      }
    }
    guard var list = root["tenants"] else { return }
    var tenants = list.elements
    tenants[index] = tenant
    list.kind = .list(tenants)
    Self.replace("tenants", list, in: &root)
    guard !services.isEmpty else { return }
    var all = root["services"] ?? SourceNode(place: root.place, kind: .list([]))
    guard case .list(let own) = all.kind else { return }
    all.kind = .list(own + services)
    Self.replace("services", all, in: &root)
  }

  private static func replace(_ key: String, _ value: SourceNode, in root: inout SourceNode) {
    let place = root.members.first { $0.key == key }?.place ?? value.place
    root.set(SourceMember(key: key, place: place, value: value))
  }

  /// The root's bucket with the figures that the part gives.
  private static func merged(_ root: SourceNode, _ part: SourceNode) -> SourceNode {
    var bucket = root
    if part.members.contains(where: { Ceiling.refills.contains($0.key) }) {
      for key in Ceiling.refills { bucket.remove(key) }
    }
    for member in part.members { bucket.set(member) }
    return bucket
  }
}

/// What the root allows a tenant, as the most that a file of its own may say.
struct Ceiling {
  let tenant: SourceNode

  init(_ tenant: SourceNode) { self.tenant = tenant }

  static let refills = ["refill_gpu_seconds_per_hour", "refill_gpu_seconds_per_second"]

  /// What decides of a limit.
  private static func enforced(_ node: SourceNode?) -> SourceNode? {
    node?.limit?.enforced ?? node
  }

  /// What of a limit is observed: a value that stands alone is both.
  private static func observed(_ node: SourceNode?) -> SourceNode? { node?.limit?.shadow ?? node }

  /// Millionths of what a value counts, by default the one that decides; nil where it is absent or
  /// no number.
  private static func amount(
    _ limit: SourceNode?, of value: (SourceNode?) -> SourceNode? = Self.enforced
  ) -> Int128? {
    let node = value(limit)
    if node?.text == "unlimited" { return .max }
    return node?.number.flatMap { Amounts.scaled($0, digits: 6) }.map { Int128($0) }
  }

  /// Millionths of GPU-seconds that a bucket gains in an hour.
  private static func refill(
    _ bucket: SourceNode?, of value: (SourceNode?) -> SourceNode? = Self.enforced
  ) -> Int128? {
    if let hourly = amount(bucket?[refills[0]], of: value) { return hourly }
    return amount(bucket?[refills[1]], of: value).map { $0 == .max ? .max : $0 * 3600 }
  }

  /// Where a part passes the ceiling.
  func errors(of part: SourceNode) -> [SourceError] {
    var errors = unobserved(in: part)
    func compare(_ path: String, _ value: SourceNode?, _ own: Int128?, _ most: Int128?) {
      guard let value, let own, let most, own > most else { return }
      errors.append(
        SourceError(
          value.place, path: path, "the root allows less",
          hint: "at most \(Amounts.text(most, digits: 6)), as \(tenant.place) says"))
    }
    func compareFigure(_ key: String, absent: Int128?) {
      let most = Self.amount(tenant[key]) ?? (tenant[key] == nil ? absent : nil)
      compare("$.\(key)", part[key], Self.amount(part[key]), most)
    }
    compareFigure("queue_max", absent: nil)
    compareFigure("weight", absent: 1_000_000)
    compareFigure("borrow_max_milli", absent: .max)
    if let classes = Self.enforced(part["classes"]),
      let allowed = Self.enforced(tenant["classes"])?.elements
    {
      let words = allowed.compactMap(\.text)
      for (index, element) in classes.elements.enumerated() {
        guard let word = element.text, !words.contains(word) else { continue }
        errors.append(
          SourceError(
            element.place, path: "$.classes[\(index)]", "the root does not allow \(word)",
            hint: "the tenant has \(words.joined(separator: ", "))"))
      }
    }
    guard let bucket = part["bucket"] else { return errors }
    let root = tenant["bucket"]
    for key in ["burst_gpu_seconds", "debt_max_gpu_seconds", "emergency_gpu_seconds"] {
      let most = Self.amount(root?[key]) ?? (key.hasPrefix("burst") ? nil : 0)
      compare("$.bucket.\(key)", bucket[key], Self.amount(bucket[key]), most)
    }
    compare("$.bucket", bucket, Self.refill(bucket), Self.refill(root))
    let opening = "opening_gpu_seconds"
    compare(
      "$.bucket.\(opening)", bucket[opening], Self.amount(bucket[opening]),
      Self.amount(root?[opening]) ?? Self.amount(root?["burst_gpu_seconds"]))
    if root?["children"] != nil, let children = bucket["children"] ?? bucket["by"] {
      errors.append(
        SourceError(
          children.place, path: "$.bucket", "the root divides the bucket already",
          hint: "leave by and children out, or ask for the change in the root"))
    }
    return errors
  }

  /// Where a part loosens what the root only observes: it would be observed no more.
  private func unobserved(in part: SourceNode) -> [SourceError] {
    var errors: [SourceError] = []
    func note(_ path: String, _ value: SourceNode, _ most: String) {
      errors.append(
        SourceError(
          value.place, path: path, "the root observes a lower limit",
          hint: "write { shadow: …, enforced: … } with a shadow of at most \(most), as"
            + " \(tenant.place) says"))
    }
    func compare(_ path: String, _ value: SourceNode?, _ root: SourceNode?) {
      guard let value, root?.limit != nil, let most = Self.amount(root, of: Self.observed),
        let own = Self.amount(value, of: Self.observed), own > most
      else { return }
      note(path, value, Amounts.text(most, digits: 6))
    }
    for key in ["queue_max", "borrow_max_milli"] { compare("$.\(key)", part[key], tenant[key]) }
    if let allowed = tenant["classes"]?.limit?.shadow.elements.compactMap(\.text),
      let classes = part["classes"], let own = Self.observed(classes)?.elements,
      own.compactMap(\.text).contains(where: { !allowed.contains($0) })
    {
      note("$.classes", classes, allowed.joined(separator: ", "))
    }
    let (bucket, root) = (part["bucket"], tenant["bucket"])
    for key in ["burst_gpu_seconds", "debt_max_gpu_seconds"] {
      compare("$.bucket.\(key)", bucket?[key], root?[key])
    }
    if let value = Self.refills.compactMap({ bucket?[$0] }).first,
      Self.refills.contains(where: { root?[$0]?.limit != nil }),
      let most = Self.refill(root, of: Self.observed),
      let own = Self.refill(bucket, of: Self.observed), own > most
    {
      note("$.bucket", value, "\(Amounts.text(most, digits: 6)) an hour")
    }
    return errors
  }

  /// Where a service of a part is not its own, or is more urgent or cheaper than the root allows.
  func errors(
    ofService service: SourceNode, _ path: String, in part: SourceNode, _ name: String
  ) -> [SourceError] {
    guard service.isMap else {
      return [SourceError(service.place, path: path, "expected an object")]
    }
    var errors: [SourceError] = []
    if let other = service["tenant"], other.text != name {
      errors.append(
        SourceError(
          other.place, path: "\(path).tenant", "the service is another tenant's",
          hint: "leave tenant out: it is \"\(name)\""))
    }
    let classes = Self.enforced(part["classes"] ?? tenant["classes"])
    if let allowed = classes?.elements.compactMap(\.text),
      let asked = service["class"], let word = asked.text, !allowed.contains(word)
    {
      errors.append(
        SourceError(
          asked.place, path: "\(path).class", "the tenant may not use \(word)",
          hint: "it has \(allowed.joined(separator: ", "))"))
    }
    if let weight = service["weight"], let amount = Self.amount(weight), amount < 1_000_000 {
      errors.append(
        SourceError(
          weight.place, path: "\(path).weight", "the service would pay less than its price",
          hint: "write 1 or more; only the root gives a discount"))
    }
    return errors
  }
}

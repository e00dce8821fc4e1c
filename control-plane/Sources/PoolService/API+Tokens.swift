import HTTPTypes
import Hummingbird
import PoolAllocator
import PoolIdentity
import PoolViews
import PoolWire
import StrictJSON

/// Chains: who may begin one, and what it may say.
extension API {
  func addTokens(to router: Router<Context>) {
    router.post("/v1/delegations/:tenant/:budget/token") { request, context in
      let identity = try await identity(request, context, [.operator, .owner])
      let body = try await Self.body(request)
      let parameters = Parameters(context)
      let (tenant, budget) = (parameters["tenant"], parameters["budget"])
      guard identity.mayAct(for: tenant) else { throw Problem.unknown }
      let ceiling = try await ceiling(of: budget, tenant)
      let asked: TokenForm
      do throws(JSONErrors) {
        asked = try TokenForm(body, within: ceiling, lanes: engine.vocabulary.0.lanes)
      } catch {
        throw Problem(error)
      }
      let link = Link(
        audience: authority.audience, tenant: tenant, by: identity.name, to: asked.to,
        budget: budget, ceiling: asked.ceiling, actions: asked.actions, lanes: asked.lanes,
        expires: SystemClock.utc + asked.seconds)
      return try await begun(link, asked.seconds, by: identity)
    }
  }

  /// The most urgent class of a budget.
  /// - Throws: `Problem` where there is none, or it is closed.
  private func ceiling(of budget: String, _ tenant: String) async throws -> ServiceClass {
    let found = try await engine.look { scene -> (isOpen: Bool, ceiling: ServiceClass)? in
      guard let id = scene.budget(budget, of: tenant),
        let delegation = scene.pool.bucket(id)?.delegation
      else { return nil }
      return (scene.pool.isOpen(id), delegation.ceiling)
    }
    guard let found else { throw Problem.unknown }
    guard found.isOpen else {
      throw Problem(.conflict, "budget_closed", "the budget is closed: it pays for nothing more")
    }
    return found.ceiling
  }

  private func begun(
    _ link: Link, _ seconds: Int64, by giver: Identity
  ) async throws -> Response {
    let chain: Chain
    do throws(ChainError) {
      chain = try Chain.begin(link, by: authority.key)
    } catch {
      throw Problem(.badRequest, "token_in_error", error.description)
    }
    try await engine.record(chain, for: seconds, by: giver.name)
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("token", chain.text)
      writer.int64("expires_in_seconds", seconds)
    }
    return .secret(writer.bytes)
  }
}

/// What somebody wants a chain to say.
private struct TokenForm {
  /// Longest life of a chain. Unit: seconds.
  static let longest: Int64 = 3_600

  let to: String
  let actions: Set<Mandate.Action>
  let lanes: Set<String>?
  let ceiling: Ceiling
  let seconds: Int64
}

extension TokenForm {
  /// Reads it.
  /// - Parameters:
  ///   - most: the most urgent class of the budget.
  ///   - known: the lanes of the policy.
  init(_ body: [UInt8], within most: ServiceClass, lanes known: [String]) throws(JSONErrors) {
    self = try JSONDocument(body).decode { root in
      try root.object { fields in
        let to = fields.read("to") { try $0.name() }
        let actions = fields.array("actions", max: Mandate.Action.allCases.count) {
          try $0.choice(Mandate.Action.words)
        }
        let lanes = fields.optionalArray("lanes", max: Link.lanesMax) { lane -> String in
          let name = try lane.name()
          guard known.contains(name) else {
            throw lane.refuse(
              "the policy has no lane \"\(name)\"",
              hint: NearestName.hint(name, among: known, called: "lane"))
          }
          return name
        }
        let ceiling = fields.optional("class_max") { value -> Ceiling in
          let ceiling = try value.choice(Ceiling.words)
          guard ceiling.rank >= most.rank else {
            throw value.refuse(
              "the class is above that of the budget", hint: "at most \(most.word)")
          }
          return ceiling
        }
        let seconds = fields.int64("for_seconds", in: 1...Self.longest)
        return TokenForm(
          to: try to.value, actions: Set(try actions.value),
          lanes: try lanes.value.map { Set($0) },
          ceiling: try ceiling.value ?? Ceiling(most), seconds: try seconds.value)
      }
    }
  }
}

extension Ceiling {
  /// The class of the pool.
  fileprivate init(_ known: ServiceClass) {
    switch known {
    case .p0: self = .p0
    case .p1: self = .p1
    case .p2: self = .p2
    default: self = .p3
    }
  }
}

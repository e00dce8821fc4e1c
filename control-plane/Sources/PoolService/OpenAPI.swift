import HTTPTypes
import PoolViews
import StrictJSON

/// The description of the API, made from what the routes are made from; `openapi.json` of this
/// package is the same document, held equal by a test.
public enum OpenAPI {
  /// One path with one method.
  private struct Path {
    var method: String
    var path: String
    var summary: String
    var roles: [Role]
    var hasBody: Bool
    var parameters: [String]
    var query: [String] = []
    /// Whether the caller may name the request, so that it has one effect.
    var isNamed = false
    /// Statuses of success.
    var done: [String]
    /// Whether the answer is a stream of events.
    var isStream = false
  }

  /// The document.
  public static var document: [UInt8] {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.string("openapi", "3.1.0")
      writer.object("info") { writer in
        writer.string("title", "Pool allocator")
        writer.string("version", "0.1.0")
        writer.string(
          "description",
          "Which claims of which tenants get which devices. Everything that is answered is"
            + " durable. Times are milliseconds of pool time, which follows UTC from the making of"
            + " the journal; every answer has its own, at_ms.")
      }
      writer.object("paths") { writer in
        let all = paths
        var seen: [String] = []
        for one in all where !seen.contains(one.path) {
          seen.append(one.path)
          writer.object(one.path) { writer in
            for same in all where same.path == one.path { write(same, &writer) }
          }
        }
      }
      writer.array("security") { $0.object { $0.array("bearer") { _ in } } }
      writer.object("components", writeComponents)
    }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  private static var paths: [Path] {
    let readers: [Role] = [.operator, .owner, .workload]
    var paths = Operation.all.map { one in
      Path(
        method: one.method.rawValue.lowercased(), path: braced(one.path), summary: one.summary,
        roles: Role.allCases.filter { one.roles.contains($0) }, hasBody: one.body != .none,
        parameters: one.parameters, query: one.op == "claim" ? ["dry_run", "wait"] : [],
        isNamed: true, done: one.op == "claim" ? ["200", "201", "202"] : ["200"])
    }
    for (name, what) in looks {
      paths.append(
        Path(
          method: "get", path: "/v1/\(name)", summary: what, roles: readers, hasBody: false,
          parameters: [], done: ["200"]))
    }
    paths.append(
      Path(
        method: "get", path: "/v1/claims/{tenant}/{claim}",
        summary: "why a claim waits and until when at most, or where it runs", roles: readers,
        hasBody: false, parameters: ["tenant", "claim"], query: ["wait"], done: ["200"]))
    paths.append(
      Path(
        method: "get", path: "/v1/tenants/{tenant}/usage",
        summary: "what a tenant's work reserved and was charged, by class and hour, of 48 hours",
        roles: readers, hasBody: false, parameters: ["tenant"], done: ["200"]))
    paths += streams
    paths.append(
      Path(
        method: "post", path: "/v1/claims/batch",
        summary: "asks for up to 1,000 claims, each answered by itself, in order",
        roles: readers, hasBody: true, parameters: [], isNamed: true, done: ["200"]))
    paths.append(
      Path(
        method: "post", path: "/v1/explain",
        summary: "what would become of a claim that nobody submits", roles: readers, hasBody: true,
        parameters: [], done: ["200"]))
    paths.append(
      Path(
        method: "post", path: "/v1/delegations/{tenant}/{budget}/token",
        summary: "begins a chain: a token for an hour at most that its holder can narrow",
        roles: [.operator, .owner], hasBody: true, parameters: ["tenant", "budget"],
        done: ["201"]))
    return paths + policyPaths + nodePaths + openPaths
  }

  private static var looks: [(String, String)] {
    [
      ("status", "everything that there is, as far as the caller may see it"),
      ("lanes", "the lanes of the pools"), ("nodes", "the nodes"),
      ("buckets", "what tenants may spend"), ("leases", "the leases that live"),
      ("queue", "the claims that wait, in order"),
    ]
  }

  private static var streams: [Path] {
    let readers: [Role] = [.operator, .owner, .workload]
    return [
      Path(
        method: "get", path: "/v1/claims/{tenant}/{claim}/events",
        summary: "how a claim stands, told anew when something happens to it, until it ends",
        roles: readers, hasBody: false, parameters: ["tenant", "claim"], done: ["200"],
        isStream: true),
      Path(
        method: "get", path: "/v1/queue/events",
        summary: "the first 100 claims that wait, anew when that changes, at most once a second",
        roles: readers, hasBody: false, parameters: [], done: ["200"], isStream: true),
    ]
  }

  private static var policyPaths: [Path] {
    let (proposals, emergencies) = ("/v1/policy/proposals", "/v1/emergencies")
    func path(
      _ method: String, _ path: String, _ summary: String, _ roles: [Role] = [.operator],
      hasBody: Bool = false, query: [String] = [], done: String = "200"
    ) -> Path {
      Path(
        method: method, path: path, summary: summary, roles: roles, hasBody: hasBody,
        parameters: path.contains("{number}") ? ["number"] : [], query: query,
        isNamed: method == "post", done: [done])
    }
    return [
      path(
        "post", proposals, "proposes a policy, with what checks and tests said of it",
        hasBody: true, done: "201"),
      path("get", proposals, "the proposals that are open, and the last of the others"),
      path("get", proposals + "/{number}", "a proposal with its document"),
      path(
        "post", proposals + "/{number}/approve", "approves what another one proposed, by its hash",
        hasBody: true),
      path("post", proposals + "/{number}/withdraw", "takes a proposal out"),
      path(
        "post", "/v1/policy/rollback", "proposes the content of a generation that was in force",
        hasBody: true, done: "201"),
      path(
        "get", "/v1/policy/generations",
        "the generations, the last one first, each with its signed entry", query: ["limit"]),
      path(
        "get", "/v1/policy/generations/{number}", "a generation as it was put in force"),
      path(
        "get", emergencies, "emergencies that were asked for, as far as the caller may see them",
        [.operator, .owner]),
      path(
        "post", emergencies, "asks for the emergency of a bucket, as an approver of the policy",
        [.operator, .owner], hasBody: true, done: "201"),
      path(
        "post", emergencies + "/{number}/approve",
        "opens an emergency that another approver asked for", [.operator, .owner]),
    ]
  }

  private static var nodePaths: [Path] {
    [
      Path(
        method: "post", path: "/v1/nodes",
        summary: "enrols a node by its document; the answer has a join credential",
        roles: [.operator], hasBody: true, parameters: [], done: ["201"]),
      Path(
        method: "post", path: "/v1/nodes/{node}/join-credential",
        summary: "a new join credential for the agent of a node", roles: [.operator],
        hasBody: false, parameters: ["node"], done: ["201"]),
      Path(
        method: "post", path: "/v1/join",
        summary: "exchanges a join credential, once, for that of a node", roles: [.join],
        hasBody: true, parameters: [], done: ["201"]),
      Path(
        method: "post", path: "/v1/nodes/{node}/credential",
        summary: "a new credential for the agent that asks", roles: [.node], hasBody: false,
        parameters: ["node"], done: ["201"]),
      Path(
        method: "post", path: "/v1/nodes/{node}/messages",
        summary: "a message of an agent; the reply has its orders and may take 4 s",
        roles: [.node], hasBody: true, parameters: ["node"], done: ["200", "204"]),
    ]
  }

  private static var openPaths: [Path] {
    [
      Path(
        method: "post", path: "/v1/credentials",
        summary:
          "makes a credential: an owner's or operator's for 30 days at most, a workload's for"
          + " an hour", roles: [.operator], hasBody: true, parameters: [], done: ["201"]),
      Path(
        method: "get", path: "/v1/policy", summary: "the policy in force, and who put it there",
        roles: [.operator], hasBody: false, parameters: [], done: ["200"]),
      Path(
        method: "get", path: "/v1/policy/shadow",
        summary: "what limits would have denied that the policy in force only observes",
        roles: [.operator], hasBody: false, parameters: [], done: ["200"]),
      Path(
        method: "get", path: "/v1/decisions",
        summary: "requests in the order in which they were decided, with who asked",
        roles: [.operator], hasBody: false, parameters: [], query: ["after", "limit"],
        done: ["200"]),
      Path(
        method: "get", path: "/v1/audit/head",
        summary: "the link of a record in the journal's chain; without record= of the last",
        roles: [.operator], hasBody: false, parameters: [], query: ["record"], done: ["200"]),
      Path(
        method: "get", path: "/metrics", summary: "Prometheus text or OpenMetrics, as asked for",
        roles: [.operator], hasBody: false, parameters: [], done: ["200"]),
      Path(
        method: "get", path: "/healthz", summary: "whether the process lives", roles: [],
        hasBody: false, parameters: [], done: ["200"]),
      Path(
        method: "get", path: "/readyz", summary: "whether it decides", roles: [], hasBody: false,
        parameters: [], done: ["200", "503"]),
      Path(
        method: "get", path: "/v1/openapi.json", summary: "this document", roles: [],
        hasBody: false, parameters: [], done: ["200"]),
    ]
  }

  /// `/v1/:a` as `/v1/{a}`.
  private static func braced(_ path: String) -> String {
    "/"
      + path.split(separator: "/").map { $0.first == ":" ? "{\($0.dropFirst())}" : String($0) }
      .joined(separator: "/")
  }

  // MARK: writing

  private static func write(_ one: Path, _ writer: inout JSONWriter) {
    writer.object(one.method) { writer in
      writer.string("summary", one.summary)
      if one.roles.isEmpty {
        writer.array("security") { _ in }
      } else {
        writer.string(
          "description", "Roles: " + one.roles.map(\.rawValue).joined(separator: ", ") + ".")
      }
      if !one.parameters.isEmpty || !one.query.isEmpty || one.isStream || one.isNamed {
        writer.array("parameters") { writer in
          for name in one.parameters { writeParameter(name, "path", "string", &writer) }
          if one.isStream { writeParameter("Last-Event-ID", "header", "string", &writer) }
          if one.isNamed { writeParameter("Idempotency-Key", "header", "string", &writer) }
          for name in one.query {
            writeParameter(name, "query", name == "dry_run" ? "boolean" : "integer", &writer)
          }
        }
      }
      if one.hasBody {
        writer.object("requestBody") { writer in
          writer.object("content") { writer in
            writer.object("application/json") {
              $0.object("schema") { $0.string("type", "object") }
            }
          }
        }
      }
      writer.object("responses") { writer in
        for status in one.done {
          writer.object(status) { writer in
            writer.string("description", words[status] ?? "done")
            if one.isStream { writeStream(&writer) }
          }
        }
        if !one.roles.isEmpty {
          writer.object("default") { $0.string("$ref", "#/components/responses/Problem") }
        }
      }
    }
  }

  private static func writeStream(_ writer: inout JSONWriter) {
    writer.object("content") { writer in
      writer.object("text/event-stream") { writer in
        writer.object("schema") { $0.string("type", "string") }
      }
    }
  }

  private static let words = [
    "200": "done, or what was asked for", "201": "granted, or made", "202": "it waits",
    "204": "a later message is replied to instead", "503": "not now",
  ]

  private static func writeParameter(
    _ name: String, _ place: String, _ type: String, _ writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.string("name", name)
      writer.string("in", place)
      writer.bool("required", place == "path")
      writer.object("schema") { writer in
        writer.string("type", type)
        if type == "integer" {
          writer.int64("minimum", name == "limit" || name == "record" ? 1 : 0)
          writer.int64("maximum", name == "wait" ? 20 : name == "limit" ? 1_000 : .max)
        }
        if name == "Idempotency-Key" {
          writer.int64("minLength", 1)
          writer.int64("maxLength", 128)
        }
      }
    }
  }

  private static func writeComponents(_ writer: inout JSONWriter) {
    writer.object("securitySchemes") { writer in
      writer.object("bearer") { writer in
        writer.string("type", "http")
        writer.string("scheme", "bearer")
      }
    }
    writer.object("responses") { writer in
      writer.object("Problem") { writer in
        writer.string(
          "description", "Refused (RFC 9457), with every reason that stands in the way.")
        writer.object("content") { writer in
          writer.object("application/problem+json") { writer in
            writer.object("schema") { $0.string("$ref", "#/components/schemas/Problem") }
          }
        }
      }
    }
    writer.object("schemas") { writer in
      writer.object("Problem") { writer in
        writer.string("type", "object")
        writer.array("required") { writer in
          for name in ["type", "title", "status", "detail"] { writer.string(name) }
        }
        writer.object("properties") { writer in
          for (name, type) in [
            ("type", "string"), ("title", "string"), ("status", "integer"), ("detail", "string"),
            ("outcome", "string"), ("retry_after_seconds", "integer"), ("blocking", "array"),
            ("errors", "array"), ("policy_generation", "integer"),
          ] { writer.object(name) { $0.string("type", type) } }
        }
      }
    }
  }
}

import PoolConsole

/// A request of `place --stream` as its help shows it.
struct StreamForm {
  var op: String
  var summary: String
  /// One line of input.
  var example: String
}

/// Every request with an example; a test sends them all.
enum StreamForms {
  static let all = claims + leases + nodes + rules

  private static let claims = [
    StreamForm(
      op: "claim",
      summary: "asks for devices: a claim as in a claims document, without at_seconds",
      example: """
        {"op": "claim", "id": "7", "claim": {"name": "score-1", "tenant": "fraud", \
        "application": "scoring", "workflow": "case-1", "principal": "agent:scorer", \
        "service": "fraud-analysis", "action": "inference", "model_class": "small", \
        "lanes": ["cpu-fraud"], "demand": {"cpu_milli": 250}, "runtime_max_seconds": 600}}
        """),
    StreamForm(
      op: "quote",
      summary: "asks for a price that holds for a while; a claim with the quote's name redeems it",
      example: """
        {"op": "quote", "quote": "q-1", "for_seconds": 60, "claim": {"name": "score-2", \
        "tenant": "fraud", "application": "scoring", "workflow": "case-1", \
        "principal": "agent:scorer", "service": "fraud-analysis", "action": "inference", \
        "model_class": "small", "lanes": ["cpu-fraud"], "demand": {"cpu_milli": 250}, \
        "runtime_max_seconds": 600}}
        """),
    StreamForm(
      op: "cancel", summary: "withdraws a claim, wherever it is in its life",
      example: #"{"op": "cancel", "tenant": "fraud", "claim": "score-1"}"#),
    StreamForm(
      op: "approve",
      summary: "another principal approves the plan of a claim that waits for it",
      example: """
        {"op": "approve", "tenant": "fraud", "claim": "score-1", "by": "human:lead", \
        "plan": "sha256:9f2c"}
        """),
    StreamForm(
      op: "deny", summary: "another principal denies it, or takes an unused approval back",
      example: #"{"op": "deny", "tenant": "fraud", "claim": "score-1", "by": "human:lead"}"#),
    StreamForm(
      op: "tick",
      summary: "does what is due, such as grants to claims that wait; so does any later at_ms",
      example: #"{"op": "tick", "at_ms": 60000}"#),
    StreamForm(
      op: "explain",
      summary: "why, when, at what price, and what would run now; claim: a name, or a whole claim",
      example: #"{"op": "explain", "tenant": "fraud", "claim": "score-1"}"#),
    StreamForm(
      op: "status", summary: "shows lanes, nodes, buckets, live leases and waiting claims",
      example: #"{"op": "status"}"#),
  ]

  private static let leases = [
    StreamForm(
      op: "started", summary: "the work runs: billing begins; due by the lease's start_by_ms",
      example: #"{"op": "started", "lease": "L-0.1", "fencing": "1.1"}"#),
    StreamForm(
      op: "renew",
      summary: "pays the next quantum, from the lease's renew_from_ms on and before ends_at_ms",
      example: #"{"op": "renew", "lease": "L-0.1", "fencing": "1.1"}"#),
    StreamForm(
      op: "complete", summary: "the work ended; with empty also its last process is gone",
      example: """
        {"op": "complete", "lease": "L-0.1", "fencing": "1.1", "outcome": "completed", \
        "empty": true}
        """),
    StreamForm(
      op: "empty", summary: "no process of a stopping lease lives: its devices return",
      example: #"{"op": "empty", "lease": "L-0.1", "fencing": "1.1"}"#),
  ]

  private static let nodes = [
    StreamForm(
      op: "advertise", summary: "takes a node document; a node that is new is enrolled first",
      example: """
        {"op": "advertise", "node": {"schema_version": 1, "kind": "node", "name": "cpu-9", \
        "cpu_milli": 2000, "host_memory_gib": 4, "enforcement": "none", "devices": \
        [{"uuid": "cpu-9/cpu0", "kind": "cpu", "profile": "cpu-x86-64", "milli": 2000}]}}
        """),
    StreamForm(
      op: "silence", summary: "a node was not heard: no new lease, and in time it is silent",
      example: #"{"op": "silence", "node": "cpu-2"}"#),
    StreamForm(
      op: "hear", summary: "a node was heard again",
      example: #"{"op": "hear", "node": "cpu-2"}"#),
    StreamForm(
      op: "cordon", summary: "no new lease on a node; running ones stay",
      example: #"{"op": "cordon", "node": "cpu-2"}"#),
    StreamForm(
      op: "drain", summary: "no new lease on a node; running ones end after the grace",
      example: #"{"op": "drain", "node": "cpu-2", "grace_seconds": 30}"#),
    StreamForm(
      op: "uncordon", summary: "ends a cordon or a drain",
      example: #"{"op": "uncordon", "node": "cpu-2"}"#),
    StreamForm(
      op: "fence", summary: "an operator vouches that nothing lives on a node that is not ready",
      example: #"{"op": "fence", "node": "cpu-2"}"#),
  ]

  private static let rules = [
    StreamForm(
      op: "restrict",
      summary: "measures: suspend, throttle (live_claims_max), ceiling (class_max), lift",
      example: """
        {"op": "restrict", "identity": "principal", "name": "agent:scorer", "measure": "suspend", \
        "for_seconds": 60, "by": "ops", "because": "it loops"}
        """),
    StreamForm(
      op: "signal",
      summary: "corrects later estimates of a tenant's service by a factor, or forgets it (none)",
      example: """
        {"op": "signal", "tenant": "fraud", "service": "fraud-analysis", "model_class": "small", \
        "correction": 1.7}
        """),
    StreamForm(
      op: "delegate",
      summary: "gives a budget, out of the tenant's own means or of parent; again: limit or end",
      example: """
        {"op": "delegate", "tenant": "fraud", "budget": "swarm", "limit_gpu_seconds": 10, \
        "for_seconds": 3600, "class_max": "P2"}
        """),
    StreamForm(
      op: "revoke", summary: "closes a budget and all that were given out of it",
      example: #"{"op": "revoke", "tenant": "fraud", "budget": "swarm"}"#),
    StreamForm(
      op: "emergency",
      summary: "two principals let P0 and P1 take a bucket below zero, for a while",
      example: """
        {"op": "emergency", "bucket": "fraud", "by": "human:lead", "and": "human:ops", \
        "for_seconds": 600}
        """),
    StreamForm(
      op: "policy", summary: "puts a policy document of a higher generation in force",
      example: #"{"op": "policy", "policy": {"schema_version": 1, "kind": "policy", …}}"#),
  ]

  /// What `place --stream --help` prints.
  static var help: String {
    let page = Page(width: 100)
    let width = all.map(\.op.count).max() ?? 0
    let requests = all.flatMap { form in
      let gap = String(repeating: " ", count: width - form.op.count)
      return ["", "  \(form.op)\(gap)  \(form.summary)"]
        + page.prose(form.example, indent: String(repeating: " ", count: width + 4))
    }
    return """
      usage: pool-agent place --policy FILE [--nodes FILE …] --stream [--explanations N]

      Every line of standard input is one JSON object; every line gets one line of answer, in order,
      before the next is read. Examples are broken here only to fit.

      \(requests.dropFirst().joined(separator: "\n"))

      Every request may have:
        at_ms  pool time in milliseconds, never less than before: the same input then gives the same
               answers. Without it a line happens at the real time since the start.
        id     1 to 64 bytes that come back in the answer.
      A claim may have "alternatives": true: where it is not granted, the answer says what would be.

      An answer has line, outcome (granted, queued, parked, awaiting_approval, rejected, infeasible,
      done or error), and where they apply:
        next_due_ms  send a tick no later than then; absent when nothing is due
        lease        the lease that the request was about, with what to do when
        likely       when a claim that waits starts: by p50_ms in half of such waits, by p90_ms in
                     nine of ten; from so many samples, and how many earlier p90_ms held
        blocking     everything that stands in the way, and when it clears where that is known
        explanation  of a claim that waits or is not submitted: lane by lane what stands in the way,
                     the last to clear first, and the price; of one that runs: where, since when,
                     and what it has cost
        alternatives what would be granted now instead, from what to what, at its price; claim_patch
                     is the change to the claim (RFC 7396); or no_alternatives: why there is none
        events       what happened since the last answer, each at its own at_ms
        errors       of an error: line, column, path, problem and hint; the line changed nothing

      Explanations, and alternatives of a claim, count for the claim's principal: 10 at once and one
      more each tenth of a second of pool time; all together have ten times as much. --explanations
      sets another number. One too many is rejected with its hint; a claim is decided all the same.

      A bad line does not end the stream. Exit codes: 0 at the end of the input · 1 the answers
      cannot be written · 2 usage, a document in error, or an input that cannot be read.
      Schemas: schemas/stream-request.schema.json, schemas/answer.schema.json.

      """
  }
}

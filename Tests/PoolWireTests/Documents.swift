import Foundation
import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

/// Small documents that are right, for tests that make one thing wrong.
enum Documents {
  static let policy = """
    {
      "schema_version": 1, "kind": "policy", "generation": 7,
      "profiles": [
        {"name": "cpu", "kind": "cpu", "weight": 0.001},
        {"name": "h100", "kind": "gpu", "weight": 1, "memory_gib": 80}
      ],
      "slices": [{"name": "1g", "profile": "h100", "billed_milli": 125}],
      "pools": [
        {"name": "cpu", "profile": "cpu", "lanes": [
          {"name": "own", "reserved_for": "acme", "cpu_milli": 500, "lease_max_seconds": 60,
           "admits": ["P0", "P1"], "restrictions": ["egress-none", "tools-none"]},
          {"name": "shared", "lease_max_seconds": 3600.5, "share_across_tenants": true}]},
        {"name": "gpu", "profile": "h100", "node_label": "sxm", "model_class": "large", "lanes": [
          {"name": "gpu", "lease_max_seconds": 60},
          {"name": "lent", "reserved_for": "docs", "devices": 2, "cell_gpus": 2,
           "lease_max_seconds": 60,
           "lend": {"reclaim_within_seconds": 300, "devices_max": 1}}]}
      ],
      "classes": {
        "P0": {"quantum_seconds": 60, "start_within_seconds": 1, "kill_within_seconds": 2,
               "on_empty_bucket": "reject", "overrun": "debt", "queue_wait_max_seconds": 60},
        "P1": {"quantum_seconds": 60, "start_within_seconds": 1, "kill_within_seconds": 2,
               "on_empty_bucket": "park", "overrun": "stop", "predicted_wait_max_seconds": 30},
        "P2": {"quantum_seconds": 60, "start_within_seconds": 1, "kill_within_seconds": 2,
               "on_empty_bucket": "park", "overrun": "stop"},
        "P3": {"quantum_seconds": 0.001, "start_within_seconds": 1, "kill_within_seconds": 2,
               "on_empty_bucket": "park", "overrun": "stop"}
      },
      "order": {"ageing_step_seconds": 30, "ageing_ceiling": "P1"},
      "placement": {"score": "offer_value"},
      "preemption": {"distance": 1, "shield_seconds": 90, "leases_burst": 4, "leases_per_hour": 30},
      "quotes": {"lasts_seconds": 45, "lasts_max_seconds": 900, "per_tenant_max": 20},
      "emergency": {"approvers": ["human:ann", "human:bob"], "lasts_max_seconds": 3600},
      "tenants": [
        {"name": "acme", "classes": ["P0", "P1"], "weight": 1.5, "borrow_max_milli": 2000,
         "queue_max": 5, "bucket": {
          "burst_gpu_seconds": 600, "refill_gpu_seconds_per_hour": 360,
          "opening_gpu_seconds": 1.000001, "emergency_gpu_seconds": 60,
          "debt_max_gpu_seconds": 3, "by": "application",
          "children": {"chat": {"burst_gpu_seconds": 6, "refill_gpu_seconds_per_second": 0.5,
            "by": "class", "children": {"P1": {"burst_gpu_seconds": 1,
              "refill_gpu_seconds_per_second": 0}}}}}},
        {"name": "docs", "queue_max": "unlimited", "bucket": {
          "burst_gpu_seconds": 10, "refill_gpu_seconds_per_hour": 0}}
      ],
      "services": [
        {"name": "chat", "tenant": "acme", "class": "P1", "owner": "team-a",
         "complexity": "simple", "risk": "low", "ladder": [
          {"name": "half", "give": {"devices": {"gpu_milli": 500, "gpu_memory_gib": 40},
            "gpus_max": 2, "expected_runtime": 0.9}},
          {"name": "later", "give": {"lanes": ["shared"], "cpu_milli_max": 500,
            "automation": "answer_only", "asynchronous": true, "wait_max_seconds": 600},
           "when": {"actions": ["send"], "classes": ["P1"], "triggers": ["time", "pressure"],
            "pressure": "saturated", "dependency": "mail"}}]},
        {"name": "write", "class": "P3", "weight": 2.5, "owner": "team-b",
         "approval": {"actions": ["send"], "approvers": ["human:ann", "human:bob"],
          "lapses_after_seconds": 900}}
      ],
      "pressure": [
        {"name": "queue", "pool": "gpu", "reads": "queue_depth", "dwell_seconds": 30,
         "elevated": {"raise": 4, "lower": 2}, "saturated": {"raise": 8, "lower": 4},
         "classes": ["P2", "P3"], "pauses": ["P3"], "pause_from": "saturated"},
        {"name": "burn", "pool": "cpu", "reads": "signal", "measure": "burn", "subject": "chat",
         "emergency": {"raise": 6.5, "lower": 3}, "dwell_seconds": 60}
      ],
      "cost_model": [
        {"action": "plan", "model_class": "large", "base_seconds": 1,
         "per_1000_prompt_tokens_seconds": 0.5, "per_1000_output_tokens_seconds": 2,
         "per_tool_call_seconds": 3, "retry_factor": 1.1}
      ],
      "slos": [
        {"class": "P1", "queue_wait_seconds": 60, "completion_rate_milli": 990,
         "cost_per_success_gpu_seconds": 900.5},
        {"class": "P3", "completion_rate_milli": 900}
      ]
    }
    """

  static let claims = """
    {
      "schema_version": 1, "kind": "claims", "claims": [
        {"name": "c1", "tenant": "acme", "application": "chat", "workflow": "w1",
         "principal": "agent:1", "service": "chat", "action": "plan", "model_class": "large",
         "lanes": ["shared", "own"], "demand": {"cpu_milli": 250, "host_memory_gib": 0.5},
         "runtime_max_seconds": 600}
      ]
    }
    """

  static let node = """
    {
      "schema_version": 1, "kind": "node", "name": "n1", "labels": ["sxm"],
      "cpu_milli": 8000, "host_memory_gib": 64, "enforcement": "cgroup",
      "devices": [
        {"uuid": "cpu0", "kind": "cpu", "profile": "cpu", "milli": 8000, "numa": 0},
        {"uuid": "GPU-1", "kind": "gpu", "profile": "h100", "memory_gib": 79.5},
        {"uuid": "GPU-2", "kind": "gpu", "profile": "h100", "memory_gib": 79.5, "island": 3,
         "mig": [
          {"uuid": "MIG-1", "slice": "1g", "memory_gib": 9.75, "slots": [0, 1]},
          {"uuid": "MIG-2", "slice": "1g", "memory_bytes": 10468982784, "slots": [2]}]}
      ]
    }
    """

  static func policyDocument(_ text: String = policy) throws -> PolicyDocument {
    try PolicyDocument(JSONDocument(text: text))
  }

  static func decode(_ kind: String, _ text: String) throws {
    switch kind {
    case "policy": _ = try policyDocument(text)
    case "node": _ = try NodeDocument(JSONDocument(text: text))
    case "claims":
      _ = try ClaimsDocument(
        JSONDocument(text: text), vocabulary: try policyDocument().vocabulary)
    case "node_message": _ = try NodeTalk.readMessage(text)
    case "node_reply": _ = try NodeTalk.readReply(text)
    default:
      _ = try StreamRequest(
        JSONDocument(text: text), vocabulary: try policyDocument().vocabulary)
    }
  }

  static func text(_ kind: String) -> String {
    switch kind {
    case "policy": policy
    case "node": node
    default: claims
    }
  }

  /// The document with one piece of text replaced; the piece must be there.
  static func changed(_ kind: String, _ old: String, _ new: String) throws -> String {
    let text = text(kind)
    let place = try #require(text.range(of: old), "\(old) is not in the \(kind) document")
    return text.replacingCharacters(in: place, with: new)
  }

  static func errors(_ kind: String, _ text: String) -> [String] {
    do {
      try decode(kind, text)
      return []
    } catch let errors as JSONErrors {
      return errors.errors.map(\.description)
    } catch {
      return ["\(error)"]
    }
  }
}

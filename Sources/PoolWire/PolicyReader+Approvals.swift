internal import PoolAllocator
internal import StrictJSON

/// Who has to approve what claims of a service do, and who may open an emergency.
extension PolicyReader {
  /// Reads the `emergency` of a policy.
  mutating func emergency(_ value: JSONValue) throws -> EmergencyRule {
    try value.object { fields in
      let approvers = fields.array("approvers", min: 2, max: Limits.approvers) {
        try intern(.principal, try $0.name(), at: $0)
      }
      let lasts = fields.span("lasts_max_seconds", atLeast: 1)
      return EmergencyRule(approvers: try approvers.value, lastsMax: try lasts.value)
    }
  }

  /// Reads the `approval` of a service.
  /// - Returns: the index of the rule.
  mutating func approval(_ value: JSONValue) throws -> UInt16 {
    try value.object { fields in
      let actions = fields.optionalArray("actions", min: 1, max: Limits.guardedActions) {
        try intern(.action, try $0.name(), at: $0)
      }
      let approvers = fields.array("approvers", min: 1, max: Limits.approvers) {
        try intern(.principal, try $0.name(), at: $0)
      }
      let lasts = fields.span("lapses_after_seconds", atLeast: 1)
      var rule = ApprovalRule(approvers: try approvers.value, lasts: try lasts.value)
      rule.actions = try actions.value ?? []
      policy.approvals.append(rule)
      return UInt16(policy.approvals.count - 1)
    }
  }
}

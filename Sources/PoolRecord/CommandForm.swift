import PoolAllocator

/// The frozen numbers of commands: new ones are added at the end, none is used again.
enum CommandTag: UInt8, CaseIterable {
  case begin, tick, activate, signal, restrict, reportDependency
  case enrol, advertise, hear, silence, cordon, uncordon, drain, fence, forget
  case delegate, revoke, raiseEmergency
  case submit, quote, cancel, approve, deny
  case confirmStarted, renew, confirmCheckpoint, release, confirmEmpty
}

extension CommandTag: Recorded {
  static var blank: CommandTag { .tick }
}

extension Command: Recorded {
  static var blank: Command { .tick }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else { return write(&coder) }
    let tag: CommandTag = coder.take()
    self = .read(tag, &coder)
  }

  private func write<Coder: FieldCoder>(_ coder: inout Coder) {
    switch self {
    case .begin(let epoch): coder.put(CommandTag.begin, epoch)
    case .tick: coder.put(CommandTag.tick)
    case .activate(let generation, var policy):
      coder.put(CommandTag.activate, generation)
      coder.known(&policy)
    case .signal(let signal): coder.put(CommandTag.signal, signal)
    case .restrict(let kind, let key, let measure):
      coder.put(CommandTag.restrict, kind, key, measure)
    case .reportDependency(let key, let state): coder.put(CommandTag.reportDependency, key, state)
    case .enrol(let enrolment): coder.put(CommandTag.enrol, enrolment)
    case .advertise(let node, let account): coder.put(CommandTag.advertise, node, account)
    case .hear(let node): coder.put(CommandTag.hear, node)
    case .silence(let node): coder.put(CommandTag.silence, node)
    case .cordon(let node): coder.put(CommandTag.cordon, node)
    case .uncordon(let node): coder.put(CommandTag.uncordon, node)
    case .drain(let node, let deadline): coder.put(CommandTag.drain, node, deadline)
    case .fence(let node): coder.put(CommandTag.fence, node)
    case .forget(let node): coder.put(CommandTag.forget, node)
    case .delegate(let spec): coder.put(CommandTag.delegate, spec)
    case .revoke(let key): coder.put(CommandTag.revoke, key)
    case .raiseEmergency(let bucket, let raise): coder.put(CommandTag.raiseEmergency, bucket, raise)
    case .submit(var spec):
      coder.put(CommandTag.submit)
      coder.known(&spec)
    case .quote(let key, var spec, let lasts):
      coder.put(CommandTag.quote, key)
      coder.known(&spec)
      coder.put(lasts)
    case .cancel(let claim): coder.put(CommandTag.cancel, claim)
    case .approve(let claim, let by, let plan): coder.put(CommandTag.approve, claim, by, plan)
    case .deny(let claim, let by): coder.put(CommandTag.deny, claim, by)
    case .confirmStarted(let id, let number): coder.put(CommandTag.confirmStarted, id, number)
    case .renew(let id, let number): coder.put(CommandTag.renew, id, number)
    case .confirmCheckpoint(let id, let number):
      coder.put(CommandTag.confirmCheckpoint, id, number)
    case .release(let id, let number, let outcome):
      coder.put(CommandTag.release, id, number, outcome)
    case .confirmEmpty(let id, let number): coder.put(CommandTag.confirmEmpty, id, number)
    }
  }

  private static func read<Coder: FieldCoder>(_ tag: CommandTag, _ coder: inout Coder) -> Command {
    switch tag {
    case .begin: return .begin(epoch: coder.take())
    case .tick: return .tick
    case .activate:
      let generation: PolicyGeneration = coder.take()
      var policy = CompiledPolicy()
      coder.known(&policy)
      return .activate(generation, policy)
    case .signal: return .signal(coder.take())
    case .restrict: return .restrict(coder.take(), coder.take(), coder.take())
    case .reportDependency: return .reportDependency(coder.take(), coder.take())
    case .enrol: return .enrol(coder.take())
    case .advertise: return .advertise(coder.take(), coder.take())
    case .hear: return .hear(coder.take())
    case .silence: return .silence(coder.take())
    case .cordon: return .cordon(coder.take())
    case .uncordon: return .uncordon(coder.take())
    case .drain: return .drain(coder.take(), deadline: coder.take())
    case .fence: return .fence(coder.take())
    case .forget: return .forget(coder.take())
    case .delegate: return .delegate(coder.take())
    case .revoke: return .revoke(coder.take())
    case .raiseEmergency: return .raiseEmergency(coder.take(), coder.take())
    case .submit:
      var spec = ClaimSpec.blank
      coder.known(&spec)
      return .submit(spec)
    case .quote:
      let key: Key = coder.take()
      var spec = ClaimSpec.blank
      coder.known(&spec)
      return .quote(key, spec, lasts: coder.take())
    case .cancel: return .cancel(coder.take())
    case .approve: return .approve(coder.take(), by: coder.take(), plan: coder.take())
    case .deny: return .deny(coder.take(), by: coder.take())
    case .confirmStarted: return .confirmStarted(coder.take(), coder.take())
    case .renew: return .renew(coder.take(), coder.take())
    case .confirmCheckpoint: return .confirmCheckpoint(coder.take(), coder.take())
    case .release: return .release(coder.take(), coder.take(), coder.take())
    case .confirmEmpty: return .confirmEmpty(coder.take(), coder.take())
    }
  }
}

extension FieldCoder {
  /// A claim that the events of the command may repeat.
  fileprivate mutating func known(_ spec: inout ClaimSpec) {
    let start = position
    field(&spec)
    self.spec = Known(value: spec, range: start..<position)
  }

  /// A policy that the events of the command may repeat.
  fileprivate mutating func known(_ policy: inout CompiledPolicy) {
    let start = position
    field(&policy)
    self.policy = Known(value: policy, range: start..<position)
  }
}

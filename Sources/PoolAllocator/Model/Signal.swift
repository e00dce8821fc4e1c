/// What was learned or measured outside and is recorded here, so that decisions rest on it.
public enum Signal: BitwiseCopyable, Hashable, Sendable {
  /// A value that is kept; gauges of a policy read it.
  case measured(Measurement)
  /// How wrong the estimates of some claims are; read when a claim is submitted.
  case corrected(Correction)
}

/// The last value of one measure of one subject.
public struct Measurement: BitwiseCopyable, Hashable, Sendable {
  /// What was measured, as a key whose name lives outside.
  public var measure: Key
  /// Of what.
  public var subject: Key
  /// The value in thousandths of the measure's unit.
  public var milli: Int64

  /// One key for the two names, so that one index serves all measures.
  static func indexKey(_ measure: Key, _ subject: Key) -> Key {
    var mix = DigestBuilder()
    mix.combine(measure)
    mix.combine(subject)
    return Key(high: mix.digest.high, low: mix.digest.low)
  }

  /// Makes a measurement.
  public init(measure: Key, subject: Key, milli: Int64) {
    self.measure = measure
    self.subject = subject
    self.milli = milli
  }
}

/// The factor by which estimates of some claims are multiplied (SEMANTICS 0).
///
/// It is learned from actual / planned runtimes. It changes what a claim is told and what is
/// expected of it; it changes neither the bill nor `runtimeMax`.
public struct Correction: BitwiseCopyable, Hashable, Sendable {
  /// Which claims are meant.
  public struct Scope: BitwiseCopyable, Hashable, Sendable {
    /// Who pays.
    public var tenant: Key
    /// The service definition.
    public var service: Key
    /// The model class; nil: every model class that has no correction of its own.
    public var modelClass: Key?

    /// Makes a scope; without a model class, one for all of them.
    public init(tenant: Key, service: Key, modelClass: Key? = nil) {
      self.tenant = tenant
      self.service = service
      self.modelClass = modelClass
    }

    /// One key for the three names, so that one index serves all scopes.
    var indexKey: Key {
      var mix = DigestBuilder()
      mix.combine(tenant)
      mix.combine(service)
      mix.combine(modelClass) { $0.combine($1) }
      return Key(high: mix.digest.high, low: mix.digest.low)
    }
  }

  /// The factor of a claim that no correction speaks of: 1.000. Unit: thousandths.
  public static let none: Int32 = 1000

  /// Which claims are meant.
  public var scope: Scope
  /// The factor in thousandths, within `Limits.correctionMilli`; nil forgets the one in force.
  public var milli: Int32?

  /// Makes a correction; `milli` nil forgets the one in force.
  public init(scope: Scope, milli: Int32?) {
    self.scope = scope
    self.milli = milli
  }
}

/// How long a claim says that it runs, and what was known of such claims when it was submitted.
public struct RuntimePlan: BitwiseCopyable, Hashable, Sendable {
  /// The estimate before any correction: what the caller states, or the cost model works out.
  public let planned: Span
  /// The correction that the claim was submitted under, in thousandths.
  public let correctionMilli: Int32
  /// The longest that a lease of the claim may live.
  public let runtimeMax: Span

  /// Makes a plan; the correction is within `Limits.correctionMilli`.
  package init(planned: Span, correctionMilli: Int32, runtimeMax: Span) {
    self.planned = planned
    self.correctionMilli = correctionMilli
    self.runtimeMax = runtimeMax
  }

  /// Whether the claim has an estimate of its own. One that is not below `runtimeMax`, such as the
  /// default, is a bound: nothing is learned from it, and no correction applies to it.
  public var isEstimate: Bool { planned > .zero && planned < runtimeMax }

  /// The expected runtime: estimate × correction, rounded up to a nanosecond, at most `runtimeMax`.
  /// A bound (see `isEstimate`) stays as it is, even where it is longer than `runtimeMax`.
  public var expected: Span {
    guard isEstimate, correctionMilli != Correction.none else { return planned }
    let ns = (Int128(planned.ns) * Int128(correctionMilli) + 999) / 1000
    return ns < Int128(runtimeMax.ns) ? Span(ns: Int64(ns)) : runtimeMax
  }
}

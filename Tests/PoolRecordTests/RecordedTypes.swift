import PoolAllocator

@testable import PoolRecord

/// Every type of the form that has fields or values of its own.
enum RecordedTypes {
  static let all: [RecordedType] = structs + enums + numbers

  /// Types whose fields are counted in `TagTests`.
  static let structs: [RecordedType] = [
    RecordedType(Advertisement.self), RecordedType(ApprovalRule.self),
    RecordedType(ApprovedDevices.self), RecordedType(BucketRule.self), RecordedType(Change.self),
    RecordedType(ClaimFact.self), RecordedType(ClaimShape.self), RecordedType(ClaimSpec.self),
    RecordedType(ClassRule.self), RecordedType(CompiledPolicy.self),
    RecordedType(Correction.self), RecordedType(Correction.Scope.self),
    RecordedType(CostRule.self), RecordedType(Decision.self), RecordedType(DelegationSpec.self),
    RecordedType(Demand.self), RecordedType(DeviceFact.self), RecordedType(DeviceReport.self),
    RecordedType(DeviceUse.self), RecordedType(Digest.self), RecordedType(Downgrade.self),
    RecordedType(EmergencyRaise.self), RecordedType(EmergencyRule.self),
    RecordedType(Enrolment.self), RecordedType(EventLog.self), RecordedType(Fencing.self),
    RecordedType(GaugeRule.self), RecordedType(GaugeRule.Step.self), RecordedType(Grant.self),
    RecordedType(ClaimID.self), RecordedType(Interruption.self), RecordedType(Key.self),
    RecordedType(LaneRule.self), RecordedType(Limits.self), RecordedType(Measurement.self),
    RecordedType(MixKind.self), RecordedType(NodeReport.self), RecordedType(OrderRule.self),
    RecordedType(PinFact.self),
    RecordedType(PlacementRule.self),
    RecordedType(PoolRule.self), RecordedType(Posting.self), RecordedType(PreemptionRule.self),
    RecordedType(ProfileRule.self), RecordedType(Quote.self), RecordedType(QuoteRule.self),
    RecordedType(Reason.self), RecordedType(RedeemedQuote.self), RecordedType(Restriction.self),
    RecordedType(RestrictionFact.self), RecordedType(RungRule.self),
    RecordedType(RuntimePlan.self), RecordedType(ServiceRule.self), RecordedType(SliceRule.self),
    RecordedType(Span32.self), RecordedType(TenantRule.self), RecordedType(AcceptedRungs.self),
  ]

  static let enums: [RecordedType] = [
    RecordedType(BucketMatch.self), RecordedType(Change.Value.self), RecordedType(Command.self),
    RecordedType(Demand.Shape.self), RecordedType(Estimate.self), RecordedType(Event.self),
    RecordedType(GaugeRule.Source.self), RecordedType(Lending.self),
    RecordedType(Reason.Subject.self), RecordedType(Restriction.Measure.self),
    RecordedType(Signal.self), RecordedType(Progress.self),
  ]

  static let numbers: [RecordedType] = [
    RecordedType(Bool.self), RecordedType(Bytes.self), RecordedType(ClassSet.self),
    RecordedType(Credits.self), RecordedType(Instant.self), RecordedType(LaneSet.self),
    RecordedType(MilliCPU.self), RecordedType(MilliGPU.self), RecordedType(ServiceClass.self),
    RecordedType(SlotMask.self), RecordedType(Span.self), RecordedType(TriggerSet.self),
    RecordedType(PolicyGeneration.self), RecordedType(UInt64.self), RecordedType(Int64.self),
    RecordedType(Reason.Code.self), RecordedType(StopCause.self), RecordedType(UInt32?.self),
    RecordedType([Key].self),
  ]
}

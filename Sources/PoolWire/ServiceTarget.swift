public import PoolAllocator
internal import StrictJSON

/// What a class of work is promised over many claims: an objective that is measured and alerted on.
/// The core does not read it, and no decision depends on it.
public struct ServiceTarget: Hashable, Sendable {
  /// The class.
  public let serviceClass: ServiceClass
  /// Of a hundred claims that are granted, 95 wait at most this long for their first lease.
  public let queueWait: Span?
  /// Of a thousand claims that end on their own, at least so many are completed.
  public let completionMilli: Int64?
  /// The class spends at most so much for each claim that is completed.
  public let costPerSuccess: Credits?
}

/// Objectives of the classes.
extension PolicyReader {
  /// Reads an entry of `slos`.
  mutating func target(_ value: JSONValue) throws {
    try value.object { fields in
      let serviceClass = fields.serviceClass("class")
      let wait = fields.optionalSpan("queue_wait_seconds", atLeast: 1)
      let rate = fields.optionalInt64("completion_rate_milli", in: 1...1000)
      let cost = fields.optionalCredits("cost_per_success_gpu_seconds")
      let target = ServiceTarget(
        serviceClass: try serviceClass.value, queueWait: try wait.value,
        completionMilli: try rate.value, costPerSuccess: try cost.value)
      let word = target.serviceClass.word
      if let first = targets.firstIndex(where: { $0.serviceClass == target.serviceClass }) {
        throw value.refuse(
          "the class \(word) has objectives already",
          hint: "slos[\(first)] has them; merge the two")
      }
      if target.queueWait == nil, target.completionMilli == nil, target.costPerSuccess == nil {
        throw value.refuse(
          "the objectives of \(word) say nothing",
          hint: "add queue_wait_seconds, completion_rate_milli or cost_per_success_gpu_seconds")
      }
      targets.append(target)
    }
  }
}

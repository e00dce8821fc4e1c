/// What a wire form needs to name the rows that reasons point at.
extension Pool {
  /// The lane in a row, or nil where the row is empty.
  public func laneID(atRow row: UInt32) -> LaneID? { lanes.id(at: row) }
  /// The bucket in a row, or nil where the row is empty.
  public func bucketID(atRow row: UInt32) -> BucketID? { buckets.id(at: row) }
}

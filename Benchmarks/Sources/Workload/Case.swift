/// Something that cases are measured on, made outside of what is measured.
package protocol Stage: AnyObject, SendableMetatype {
  /// What the size of a cluster is given as.
  static func size(of nodes: Int) -> String
  init(nodes: Int)
}

/// One thing that is measured.
package struct Case<On: Stage>: Sendable {
  /// What is done, in a few words.
  package let name: String
  /// Operations of one round, at most; a cluster of less than 10,000 nodes has a tenth.
  package let operations: Int
  /// Operations that are timed as one.
  package let batch: Int
  /// Sizes of cluster on which it is measured. Unit: nodes.
  package let sizes: [Int]
  /// What it is measured beside; asked after the first round.
  package let floor: @Sendable (On) -> Floor
  /// What has to be done once before it.
  package let prepare: @Sendable (On) -> Void
  /// One operation, the how manieth of this case.
  package let run: @Sendable (On, Int) -> Void

  init(
    _ name: String, operations: Int = 20_000, batch: Int = 1, sizes: [Int],
    floor: @escaping @Sendable (On) -> Floor, prepare: @escaping @Sendable (On) -> Void = { _ in },
    run: @escaping @Sendable (On, Int) -> Void
  ) {
    self.name = name
    self.operations = operations
    self.batch = batch
    self.sizes = sizes
    self.floor = floor
    self.prepare = prepare
    self.run = run
  }
}

internal import AgentCore
internal import PoolAllocator
public import PoolWire
public import StrictJSON

/// A node as it was found, and as it is told to its server.
public struct FoundNode: Sendable {
  /// The node document, without numbers of messages.
  public let document: JSONDocument
  /// What it says.
  public let node: NodeDocument
  /// Whether everything could be listed.
  public let isComplete: Bool

  /// Reads a node document.
  /// - Throws: `JSONErrors` where a server would refuse it.
  public init(_ bytes: [UInt8], isComplete: Bool) throws(JSONErrors) {
    document = try JSONDocument(bytes)
    node = try NodeDocument(document)
    self.isComplete = isComplete
  }

  /// What the agent takes of it.
  var inventory: Inventory {
    let said = node.advertisement
    return Inventory(
      enforcement: said.report.enforcement, cpu: said.report.cpu,
      hostMemory: said.report.hostMemory, isComplete: isComplete && said.isComplete,
      devices: said.devices)
  }
}

/// Whoever knows how to look at the machine.
public protocol NodeWatch: Sendable {
  /// Looks once.
  /// - Parameter name: what the node is called; nil: what the machine calls itself.
  func look(as name: String?) throws(StateError) -> FoundNode

  /// Looks again and again, and tells what changed, the first look too. Runs on a thread of its own
  /// and does not return.
  func watch(as name: String, _ tell: (FoundNode) -> Void)
}

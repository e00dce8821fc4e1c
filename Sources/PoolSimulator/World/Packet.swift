import PoolAllocator
import PoolLoop

/// What goes over the network of a world; in boxes, for it is large and often moved.
indirect enum Packet: Sendable {
  /// An agent to the leader.
  case message(NodeMessage)
  /// The leader to an agent.
  case reply(NodeReply)
  /// A caller to the leader.
  case request(ClientRequest)
  /// The leader to a caller.
  case answer(ClientAnswer)
}

/// What a caller sends.
struct ClientRequest: Sendable {
  /// The caller's number of it.
  var number: Int
  /// The name under which it is repeated; nil: it is sent once.
  var name: RequestName?
  var command: Command
}

/// What a caller gets back.
struct ClientAnswer: Sendable {
  /// The caller's number of the request.
  var number: Int
  var outcome: Reply.Outcome
  /// The record that holds the effect, counted from 1 over the life of the pool; 0: none.
  var record: UInt64
}

import NIOCore

/// Runs the tasks of a connection on its event loop: a request is answered on the thread that reads
/// and writes it, which has no other to wake for either.
///
/// What takes long there holds up the other connections of the loop, so it goes elsewhere.
final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  /// Runs tasks on a loop that goes on for as long as they do.
  init(_ loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

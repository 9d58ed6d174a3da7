import Dispatch

/// A thread for an actor whose methods block, such as one that talks to the kernel or runs programs: the threads that
/// tasks share must not wait for it. What an actor does there isn't ended by cancellation.
///
/// The actor keeps it, and gives it as its `unownedExecutor`.
package final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  package init(_ label: String) { queue = DispatchQueue(label: label) }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}

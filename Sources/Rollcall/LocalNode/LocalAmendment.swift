public import ClusterModel
import Synchronization

/// What something beside its settings adds to what this machine says of itself, such as its part in KubeSpan. It may be
/// another one at any time, and whoever reads what the machine says is notified then.
public final class LocalAmendment: Sendable {
  /// Changes what the machine would say else. Quick; may be called from any task.
  public typealias Amend = @Sendable (inout AffiliateRecord) -> Void

  private struct State {
    var amend: Amend?
    var readers: [UInt64: AsyncStream<Void>.Continuation] = [:]
    var nextReader: UInt64 = 0
  }

  private let state = Mutex(State())

  /// One that adds nothing yet.
  public init() {}

  /// Puts `amend` in place of the one before; nil: nothing is added.
  public func set(_ amend: Amend?) {
    let readers = state.withLock { state in
      state.amend = amend
      return Array(state.readers.values)
    }
    for reader in readers { reader.yield() }
  }

  /// `record` with what is added.
  func applied(to record: AffiliateRecord) -> AffiliateRecord {
    var record = record
    state.withLock { $0.amend }?(&record)
    return record
  }

  /// Lets `reader` yield at each change, until ``remove(_:)``.
  func add(_ reader: AsyncStream<Void>.Continuation) -> UInt64 {
    state.withLock { state in
      state.nextReader += 1
      state.readers[state.nextReader] = reader
      return state.nextReader
    }
  }

  /// The reader that ``add(_:)`` gave that number isn't there any more.
  func remove(_ reader: UInt64) { state.withLock { $0.readers[reader] = nil } }
}

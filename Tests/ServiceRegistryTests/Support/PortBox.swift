import Synchronization

/// A port that is known later.
final class PortBox: Sendable {
  private let value = Mutex(0)

  var port: Int {
    get { value.withLock { $0 } }
    set { value.withLock { $0 = newValue } }
  }
}

import NIOCore

/// What a watcher that can't be written to is owed: the newest state of each affiliate that changed, in the
/// order of the first change. So a slow watcher costs at most one state per affiliate, and those are shared.
struct HeldChanges {
  private var order: [OpaqueID] = []
  private var next = 0
  private var latest: [OpaqueID: EncodedMessage] = [:]

  var isEmpty: Bool { next == order.count }

  var count: Int { order.count - next }

  /// Keeps `change`; says whether it took the place of an older one.
  mutating func hold(_ change: EncodedChange) -> Bool {
    if latest.updateValue(change.message, forKey: change.affiliate) != nil { return true }
    order.append(change.affiliate)
    return false
  }

  /// The next one's size in bytes.
  var nextSize: Int? { isEmpty ? nil : latest[order[next]]?.readableBytes }

  /// Takes the next one out.
  mutating func take() -> EncodedMessage? {
    guard !isEmpty else { return nil }
    let message = latest.removeValue(forKey: order[next])
    next += 1
    if isEmpty {
      self = HeldChanges()
    } else if next > 1024, next > order.count / 2 {
      order.removeFirst(next)
      next = 0
    }
    return message
  }
}

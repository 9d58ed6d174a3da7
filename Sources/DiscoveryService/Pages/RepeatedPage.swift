import NIOCore
import Platform
import Synchronization

/// A page that is dear to make: who asks for it very often gets the one that was made last.
final class RepeatedPage: Sendable {
  private struct State {
    var fresh = TokenBucket(burst: 20, perSecond: 50)
    var last: Page?
  }

  private let state = Mutex(State())

  func page(_ make: () -> Page) -> Page {
    let last = state.withLock { state in
      state.fresh.take(at: NIODeadline.now().uptime) ? nil : state.last
    }
    if let last { return last }
    let page = make()
    state.withLock { $0.last = page }
    return page
  }
}

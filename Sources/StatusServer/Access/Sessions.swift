import Platform
import Synchronization

/// Who has signed in on the page: an EventSource can't send a header, but its cookies.
final class Sessions: Sendable {
  static let cookieName = "rollcall"
  /// For how long one is signed in.
  static let lifetime = Duration.seconds(12 * 3600)
  /// The most at a time; beyond it the oldest ends.
  static let maximumCount = 1024

  private let sessions = Mutex<[(id: [UInt8], end: Duration)]>([])
  private let time: TimeSource

  init(time: TimeSource) { self.time = time }

  /// Begins one.
  ///
  /// - Returns: what its cookie has.
  func begin() -> String {
    var generator = SystemRandomNumberGenerator()
    let id = (0..<4).map { _ in
      let digits = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    let now = time.elapsed
    sessions.withLock { sessions in
      sessions.removeAll { $0.end <= now }
      if sessions.count >= Self.maximumCount { sessions.removeFirst() }
      sessions.append((Array(id.utf8), now + Self.lifetime))
    }
    return id
  }

  /// Whether `id` is one that goes on.
  func has(_ id: String) -> Bool {
    let given = Array(id.utf8)
    let now = time.elapsed
    return sessions.withLock { sessions in
      var isThere = false
      for session in sessions where session.end > now && TokenFile.isSame(session.id, given) {
        isThere = true
      }
      return isThere
    }
  }

  /// Ends the one whose cookie has `id`.
  func end(_ id: String) { sessions.withLock { $0.removeAll { $0.id == Array(id.utf8) } } }
}

import Platform
import Synchronization

/// Who has signed in on the page: an EventSource can't send a header, but its cookies.
final class Sessions: Sendable {
  static let cookieName = "rollcall"
  /// For how long one is signed in.
  static let lifetime = Duration.seconds(12 * 3600)
  /// The most at a time; beyond it the oldest ends.
  static let maximumCount = 1024

  private let sessions = Mutex<[(id: [UInt8], token: String?, end: Duration)]>([])
  private let time: TimeSource

  init(time: TimeSource) { self.time = time }

  /// Begins one.
  ///
  /// - Parameter token: by which one signed in; nil: by a certificate.
  /// - Returns: what its cookie has.
  func begin(_ token: String?) -> String {
    var generator = SystemRandomNumberGenerator()
    let id = (0..<4).map { _ in
      let digits = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    let now = time.elapsed
    sessions.withLock { sessions in
      sessions.removeAll { $0.end <= now }
      if sessions.count >= Self.maximumCount { sessions.removeFirst() }
      sessions.append((Array(id.utf8), token, now + Self.lifetime))
    }
    return id
  }

  /// By which token the one began whose cookie has `id`, nil for a certificate; nil where there is none that goes on.
  func token(of id: String) -> String?? {
    let given = Array(id.utf8)
    let now = time.elapsed
    return sessions.withLock { sessions in
      var found: String??
      for session in sessions where session.end > now && ReaderTokens.isSame(session.id, given) {
        found = .some(session.token)
      }
      return found
    }
  }

  /// Ends the one whose cookie has `id`.
  func end(_ id: String) { sessions.withLock { $0.removeAll { $0.id == Array(id.utf8) } } }
}

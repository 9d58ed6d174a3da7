/// How long a write that failed isn't tried again, in times of the publisher's ``Stopwatch``.
struct WritePause: Sendable {
  private let wish: Wish
  private let retry: Duration
  private let asked: Duration

  /// - Parameters:
  ///   - retry: until when the same isn't tried again.
  ///   - asked: until when the server asks to be left alone, whatever is to be written.
  init(after wish: Wish, retry: Duration, asked: Duration) {
    self.wish = wish
    self.retry = retry
    self.asked = asked
  }

  /// Whether `other` has to wait. What failed was perhaps wrong, so something else is tried at once.
  func holds(_ other: Wish, at now: Duration) -> Bool {
    now < asked || (now < retry && other.hasContent(of: wish))
  }
}

extension Wish {
  /// Whether it is to tell the same as `other`, be it asked for anew.
  fileprivate func hasContent(of other: Wish) -> Bool {
    var same = other
    same.number = number
    return same == self
  }
}

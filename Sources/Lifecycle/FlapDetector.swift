/// Whether a node comes and goes: three returns within ten minutes, until ten minutes without a transition. Not
/// configurable, as nobody tunes such numbers right.
struct FlapDetector: Hashable, Sendable {
  static let window = Duration.seconds(600)
  static let limit = 3

  /// When it last came back, not longer ago than ``window`` at the last time; ``limit`` at most.
  private(set) var returns: [Duration] = []
  /// When it last went from one state to another one.
  private(set) var lastChange: Duration
  private(set) var isFlapping = false

  /// Of a node that never came back there is nothing to detect.
  private init(at now: Duration) { lastChange = now }

  /// The detector of before a restart.
  init(returns: [Duration], lastChange: Duration, isFlapping: Bool) {
    self.returns = returns
    self.lastChange = lastChange
    self.isFlapping = isFlapping
  }

  /// The detector after a transition.
  static func after(
    _ detector: FlapDetector?, from old: NodeState?, to new: NodeState, at now: Duration
  ) -> FlapDetector? {
    let isReturn = new == .ready && (old == .missing || old == .left || old == .notready)
    guard detector != nil || isReturn else { return nil }
    var detector = detector ?? FlapDetector(at: now)
    detector.lastChange = now
    if isReturn {
      detector.returns = detector.returns.suffix(limit - 1).filter { $0 > now - window } + [now]
      if detector.returns.count >= limit { detector.isFlapping = true }
    }
    return detector
  }

  /// When there is nothing to know any more.
  var deadline: Duration { lastChange + Self.window }
}

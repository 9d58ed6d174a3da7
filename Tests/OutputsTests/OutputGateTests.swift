import Testing

@testable import Outputs

@Suite struct OutputGateTests {
  private let minutes = { (count: Int) in Duration.seconds(60 * count) }

  @Test("nothing is written while the world isn't known")
  func unknown() {
    var gate = OutputGate(maxShrink: 0.5, allowEmpty: true)
    #expect(gate.judge(isKnown: false, count: 10, current: nil, at: .zero) == .held(.unsynced, until: nil))
    #expect(gate.judge(isKnown: true, count: 10, current: nil, at: .zero) == .open)
  }

  @Test("an empty list is never written, unless it may be")
  func empty() {
    var gate = OutputGate(maxShrink: 1, allowEmpty: false)
    for current in [nil, 0, 1, 100] {
      #expect(gate.judge(isKnown: true, count: 0, current: current, at: .zero) == .held(.empty, until: nil))
    }
    #expect(gate.judge(isKnown: true, count: 0, current: 1, at: minutes(60)) == .held(.empty, until: nil))
    var allowing = OutputGate(maxShrink: 0.5, allowEmpty: true)
    #expect(allowing.judge(isKnown: true, count: 0, current: nil, at: .zero) == .open)
    #expect(
      allowing.judge(isKnown: true, count: 0, current: 4, at: .zero) == .held(.shrink, until: minutes(10)))
    #expect(allowing.judge(isKnown: true, count: 0, current: 4, at: minutes(10)) == .open)
  }

  @Test(
    "a list may lose its share at once and no more",
    arguments: [
      (0.5, 10, 5, true), (0.5, 10, 4, false), (0.5, 2, 1, true), (0.5, 3, 1, false), (0.5, 1, 1, true),
      (0, 10, 9, false),
      (0, 10, 10, true), (1, 10, 1, true), (0.1, 10, 9, true), (0.1, 11, 9, false), (0.5, 0, 3, true),
    ] as [(Double, Int, Int, Bool)])
  func shares(maxShrink: Double, current: Int, count: Int, isOpen: Bool) {
    var gate = OutputGate(maxShrink: maxShrink, allowEmpty: false)
    #expect((gate.judge(isKnown: true, count: count, current: current, at: .zero) == .open) == isOpen)
  }

  @Test("a world that stays small is believed after ten minutes, also where it grows a little meanwhile")
  func patience() {
    var gate = OutputGate(maxShrink: 0.5, allowEmpty: false)
    func judge(_ count: Int, _ minute: Int) -> OutputGate.Verdict {
      gate.judge(isKnown: true, count: count, current: 10, at: minutes(minute))
    }
    #expect(judge(3, 0) == .held(.shrink, until: minutes(10)))
    #expect(judge(4, 5) == .held(.shrink, until: minutes(10)))
    #expect(judge(3, 9) == .held(.shrink, until: minutes(10)))
    #expect(judge(4, 10) == .open)
    // Where it can't be written then, it isn't held again.
    #expect(judge(4, 11) == .open)
  }

  @Test("a world that shrinks on, or was whole in between, is waited for anew")
  func anew() {
    var gate = OutputGate(maxShrink: 0.5, allowEmpty: false)
    func judge(_ count: Int, _ minute: Int) -> OutputGate.Verdict {
      gate.judge(isKnown: true, count: count, current: 10, at: minutes(minute))
    }
    #expect(judge(3, 0) == .held(.shrink, until: minutes(10)))
    #expect(judge(2, 9) == .held(.shrink, until: minutes(19)))
    #expect(judge(10, 12) == .open)
    #expect(judge(2, 18) == .held(.shrink, until: minutes(28)))
  }
}

import Testing

@testable import ServiceRegistry

@Suite("The wait before another attempt")
struct RetryDelayTests {
  @Test("grows by half from half a second to a minute")
  func grows() {
    var delay = RetryDelay()
    let waits = (0..<20).map { _ in delay.next(random: 0.5) }
    #expect(waits.prefix(3) == [.milliseconds(500), .milliseconds(750), .milliseconds(1125)])
    #expect(waits.last == .seconds(60))
    #expect(waits == waits.sorted())
  }

  @Test("is spread by half to either side")
  func spread() {
    for random in [0, 0.25, 0.999] {
      var delay = RetryDelay()
      let wait = delay.next(random: random)
      #expect(wait >= .milliseconds(250) && wait < .milliseconds(750))
    }
  }

  @Test("begins again after success")
  func succeeded() {
    var delay = RetryDelay()
    for _ in 0..<9 { _ = delay.next(random: 0.5) }
    delay.succeeded()
    #expect(delay.next(random: 0.5) == .milliseconds(500))
  }

  @Test("is none after a refresh that failed, but only once until success")
  func atOnce() {
    var delay = RetryDelay()
    #expect(delay.next(atOnce: true, random: 0.5) == .zero)
    #expect(delay.next(atOnce: true, random: 0.5) == .milliseconds(500))
    delay.succeeded()
    #expect(delay.next(atOnce: true, random: 0.5) == .zero)
  }
}

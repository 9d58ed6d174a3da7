import ClusterModel
import Testing

@testable import DiscoveryService

@Suite("The account of what clients hold")
struct ResourceLedgerTests {
  private let one = IPAddress(v4: 1)
  private let other = IPAddress(v4: 2)

  private func ledger() -> ResourceLedger {
    var limits = SharedLimits()
    limits[.heldBytes] = .init(perClient: 10, total: 15)
    return ResourceLedger(limits: limits)
  }

  @Test(
    "one client gets no more than its share, all together no more than there is, and refusals book nothing")
  func bounds() throws {
    let ledger = ledger()
    try ledger.take(10, .heldBytes, for: one)
    #expect(throws: ServiceError.self) { try ledger.take(1, .heldBytes, for: one) }
    #expect(throws: ServiceError.self) { try ledger.take(6, .heldBytes, for: other) }
    #expect(ledger.level(.heldBytes, of: other) == 0 && ledger.clientCount == 1)
    try ledger.take(5, .heldBytes, for: other)
    #expect(throws: ServiceError.self) { try ledger.take(1, .heldBytes, for: nil) }
    #expect(ledger.level(.heldBytes) == 15 && ledger.largestShare(.heldBytes) == 10)
    ledger.give(10, .heldBytes, for: one)
    ledger.give(5, .heldBytes, for: other)
    #expect(ledger.level(.heldBytes) == 0 && ledger.clientCount == 0)
  }

  @Test("a refusal says what there is too much of, and is counted by that")
  func status() {
    let ledger = ledger()
    do throws(ServiceError) {
      try ledger.take(11, .heldBytes, for: one)
      Issue.record("it was taken")
    } catch {
      #expect(error.code == .resourceExhausted && error.reason == "client_held_bytes")
      #expect(error.message == "too many bytes of answers that wait for slow clients of one address")
    }
  }

  @Test("a booking follows what it stands for")
  func booking() throws {
    let ledger = ledger()
    var booking = Booking(.heldBytes, of: one, in: ledger)
    try booking.set(7)
    try booking.set(3)
    #expect(throws: ServiceError.self) { try booking.set(11) }
    #expect(booking.amount == 3 && ledger.level(.heldBytes, of: one) == 3)
    booking.force(40)
    #expect(ledger.level(.heldBytes) == 40)
    booking.clear()
    #expect(ledger.level(.heldBytes) == 0 && ledger.clientCount == 0)
  }

  @Test("connections fit the descriptors that there are, one client never has all, and pages keep some")
  func descriptors() {
    for count in [16, 64, 256, 1024, 4096, 20_000, 1 << 20] {
      let (limits, pages) = DescriptorLimit.fit(SharedLimits(), descriptors: count, pages: 1000)
      let bound = limits[.connections]
      #expect(bound.total + pages < count && bound.total > 0 && pages > 0)
      #expect(bound.perClient <= bound.total - bound.total / 4 && bound.perClient > 0)
    }
    #expect(DescriptorLimit.raise() >= 256)
  }
}

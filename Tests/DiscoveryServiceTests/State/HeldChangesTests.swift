import NIOCore
import Testing

@testable import DiscoveryService

@Suite("Changes held for a slow watcher")
struct HeldChangesTests {
  private func change(_ id: String, _ text: String) -> EncodedChange {
    EncodedChange(affiliate: OpaqueID(id), message: ByteBuffer(string: text))
  }

  @Test("the newest state of each affiliate is kept, in the order of the first change")
  func newestWins() {
    var held = HeldChanges()
    let replaced = [
      held.hold(change("a", "a1")), held.hold(change("b", "b1")), held.hold(change("a", "a2")),
    ]
    #expect(replaced == [false, false, true])
    #expect(held.count == 2)
    var taken = [held.take()]
    let isReplaced = held.hold(change("a", "a3"))
    #expect(!isReplaced)
    taken += [held.take(), held.take(), held.take()]
    #expect(taken.map { $0.map { String(buffer: $0) } } == ["a2", "b1", "a3", nil])
    #expect(held.isEmpty)
  }

  @Test("a million changes of a few affiliates keep a few states")
  func bounded() {
    var held = HeldChanges()
    for index in 0..<1_000_000 {
      _ = held.hold(change("a\(index % 10)", "x"))
      if index % 3 == 0 { _ = held.take() }
    }
    #expect(held.count <= 10)
  }
}

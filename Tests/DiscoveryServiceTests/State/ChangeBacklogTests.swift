import NIOCore
import Testing

@testable import DiscoveryService

@Suite("Changes that slow watchers haven't been sent")
struct ChangeBacklogTests {
  private func change(_ id: String, _ text: String) -> EncodedChange {
    EncodedChange(affiliate: OpaqueID(id), message: ByteBuffer(string: text))
  }

  /// A watcher that is behind.
  private final class Reader {
    var position: UInt64
    init(_ position: UInt64) { self.position = position }

    func take(_ backlog: Backlog, room: Int = 1000) -> String? {
      let (bytes, reached) = backlog.value.take(after: position, room: room) { _ in true }
      position = reached
      return bytes.map { String(buffer: $0) }
    }
  }

  private final class Backlog {
    var value = ChangeBacklog()
    var end: UInt64 { value.end }
    func append(_ change: EncodedChange) -> Bool { value.append(change) }
  }

  @Test("the newest state of each affiliate is kept, in the order of the first change")
  func newestWins() {
    let backlog = Backlog()
    let reader = Reader(backlog.end)
    let replaced = [
      backlog.append(change("a", "a1 ")), backlog.append(change("b", "b1 ")),
      backlog.append(change("a", "a2 ")),
    ]
    #expect(replaced == [false, false, true])
    #expect(reader.take(backlog, room: 3) == "a2 ")
    _ = backlog.append(change("a", "a3 "))
    _ = backlog.append(change("b", "b2 "))
    #expect(reader.take(backlog) == "b2 a3 ")
    #expect(reader.position == backlog.end)
    #expect(reader.take(backlog) == nil)
  }

  @Test("each watcher is told what came after its own position")
  func positions() {
    let backlog = Backlog()
    let early = Reader(backlog.end)
    _ = backlog.append(change("a", "a1 "))
    let late = Reader(backlog.end)
    _ = backlog.append(change("b", "b1 "))
    #expect(late.take(backlog) == "b1 ")
    _ = backlog.append(change("a", "a2 "))
    #expect(late.take(backlog) == "a2 ")
    #expect(early.take(backlog) == "b1 a2 ")
    backlog.value.drop(upTo: backlog.end)
    #expect(backlog.value.count == 0 && backlog.value.bytes == 0)
  }

  @Test("a message that no room is enough for is handed over whole if it may be booked")
  func large() {
    let backlog = Backlog()
    _ = backlog.append(change("a", "large"))
    let refused = backlog.value.take(after: 0, room: 2) { _ in false }
    #expect(refused.bytes == nil && refused.reached == 0)
    let taken = backlog.value.take(after: 0, room: 2) { $0 == 5 }
    #expect(taken.bytes?.readableBytes == 5 && taken.reached == 1)
  }

  @Test("a million changes of a few affiliates keep a few states, with one who never reads and one who does")
  func bounded() {
    let backlog = Backlog()
    let reader = Reader(backlog.end)
    for index in 0..<1_000_000 {
      _ = backlog.append(change("a\(index % 10)", "x"))
      if index % 3 == 0 { _ = reader.take(backlog, room: 1) }
    }
    #expect(backlog.value.count == 10 && backlog.value.bytes < 10_000)
    let stalled = Reader(0)
    #expect(stalled.take(backlog) == "xxxxxxxxxx")
  }
}

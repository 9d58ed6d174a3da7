import Platform
import Testing

@Suite("A stream of server-sent events")
struct EventStreamTests {
  private static let stream = """
    retry: 50

    : a comment
    id: q7f3k.1841
    event: MODIFIED
    data: {"a":
    data: 1}

    data
    unknown: field

    id: q7f3k.1842
    event:SYNCED
    data:  x

    id
    data: y


    """

  private static let expected: [ServerSentEvent] = [
    ServerSentEvent(name: "MODIFIED", data: Array("{\"a\":\n1}".utf8), id: "q7f3k.1841"),
    ServerSentEvent(name: "message", data: [], id: "q7f3k.1841"),
    ServerSentEvent(name: "SYNCED", data: Array(" x".utf8), id: "q7f3k.1842"),
    ServerSentEvent(name: "message", data: Array("y".utf8), id: ""),
  ]

  @Test(
    "is the same whatever pieces it comes in, and however its lines end", arguments: [1, 2, 3, 7, 4096],
    ["\n", "\r\n", "\r"])
  func pieces(size: Int, end: String) throws {
    let bytes = Array(Self.stream.replacing("\n", with: end).utf8)
    var stream = EventStream()
    var events: [ServerSentEvent] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      events += try stream.take(rest.prefix(size))
      rest = rest.dropFirst(size)
    }
    #expect(events == Self.expected)
    #expect(stream.retry == 50)
  }

  @Test("an event that hasn't ended isn't there yet, and a mark at the beginning doesn't count")
  func unfinished() throws {
    var stream = EventStream(id: "old.1")
    #expect(try stream.take([0xEF, 0xBB, 0xBF] + Array("data: a\n".utf8)) == [])
    #expect(
      try stream.take(Array("\n".utf8)) == [ServerSentEvent(name: "message", data: [0x61], id: "old.1")])
    #expect(try stream.take(Array("retry: -5\nretry: soon\nid: a\0b\n\n".utf8)) == [])
    #expect(stream.retry == nil)
    #expect(try stream.take(Array("data: a\n\n".utf8)).first?.id == "old.1")
  }

  @Test("an endless line or event is refused", arguments: [false, true])
  func endless(hasLines: Bool) {
    var stream = EventStream()
    let piece = Array(
      (hasLines
        ? "data: \(String(repeating: "x", count: 1 << 20))\n" : String(repeating: "x", count: 1 << 20)).utf8)
    #expect(throws: EventTooLong.self) {
      for _ in 0..<20 { _ = try stream.take(piece) }
    }
  }
}

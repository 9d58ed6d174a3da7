import KubernetesRegistry
import NodeFixtures
import Testing

@Suite("Limits of the decoders")
struct DecodingLimitTests {
  @Test("an event of 16 MiB in one line is read")
  func longLine() throws {
    let line = Self.event(padding: 16 << 20)
    var decoder = NodeWatchDecoder()
    var events: [NodeWatchEvent] = []
    for piece in pieces(of: line, length: 1 << 16) { events += try decoder.feed(Array(piece)) }
    try decoder.finish()
    #expect(events == [.added(NodeObject(name: "a"))])
  }

  @Test("a longer event is refused before it is complete, and named by where it began")
  func tooLongEvent() throws {
    var decoder = NodeWatchDecoder(maximumObjectBytes: 1000)
    let first = Self.event(padding: 1000)
    #expect(try decoder.feed(first) == [.added(NodeObject(name: "a"))])
    let second = Self.event(padding: 1100)
    let error = #expect(throws: NodeDecodeError.self) { try decoder.feed(Array(second.dropLast(2))) }
    #expect(error?.code == .tooLong)
    #expect(error?.offset == first.count)
    #expect(error?.message == "an event is longer than 1000 bytes")
  }

  @Test("a Node of a list that is too long is refused, the Nodes before it aren't lost")
  func tooLongNode() throws {
    var decoder = NodeListDecoder(maximumObjectBytes: 100)
    let long = String(repeating: "x", count: 100)
    let list = #"{"items":[{"metadata":{"name":"a"}},{"spec":""# + long + #""},{"metadata":{"name":"b"}}]}"#
    #expect(try decoder.feed(Array(list.utf8)) == [NodeObject(name: "a")])
    let error = #expect(throws: NodeDecodeError.self) { try decoder.finish() }
    #expect(error?.code == .tooLong)
    #expect(error?.message == "a Node is longer than 100 bytes")
  }

  @Test("what is long but not needed may be as long as it likes beside the items")
  func longBesideItems() throws {
    var decoder = NodeListDecoder(maximumObjectBytes: 100)
    let long = String(repeating: "é\\n", count: 10_000)
    let list =
      "{\"x\":\"\(long)\",\"items\":[{\"metadata\":{\"name\":\"a\"}}],\"metadata\":{\"resourceVersion\":\"1\"}}"
    #expect(try decoder.feed(Array(list.utf8)) == [NodeObject(name: "a")])
    #expect(try decoder.finish() == NodeListEnd(resourceVersion: "1"))
  }

  /// A Node whose texts use up all that is kept of one object, to the last byte, and ask for more.
  private func greedy(_ name: String) -> String {
    let half = String(repeating: "v", count: 256 << 10)
    return #"{"metadata":{"name":"\#(name)","annotations":{"cluster.talos.dev/node-id":"\#(half)","#
      + #""networking.talos.dev/self-ips":"\#(half.dropLast(name.utf8.count))","networking.talos.dev/kubespan-ip":"x"}}}"#
  }

  @Test("a Node that has more text than is kept of one takes nothing from the next event")
  func greedyEvent() throws {
    let stream =
      NodeListJSON.event("ADDED", greedy("a"))
      + NodeListJSON.event("DELETED", #"{"metadata":{"name":"b","resourceVersion":"7"}}"#)
    var decoder = NodeWatchDecoder()
    let events = try decoder.feed(Array(stream.utf8))
    try decoder.finish()
    #expect(events.last == .deleted(NodeObject(name: "b", resourceVersion: "7")))
    #expect(events.count == 2 && decoder.skipped == 0 && decoder.dropped > 0)
  }

  @Test("a Node that has more text than is kept of one takes nothing from its list")
  func greedyNode() throws {
    let list =
      #"{"items":[\#(greedy("a"))],"metadata":{"continue":"p2","resourceVersion":"7"},"kind":"NodeList"}"#
    var decoder = NodeListDecoder()
    #expect(try decoder.feed(Array(list.utf8)).count == 1)
    #expect(decoder.dropped > 0)
    #expect(try decoder.finish() == NodeListEnd(resourceVersion: "7", continueToken: "p2"))
  }

  @Test("a needed text of 256 KiB is kept, one byte more counts as missing", arguments: [false, true])
  func textLimit(isEscaped: Bool) throws {
    for extra in [0, 1] {
      let value = String(repeating: "v", count: 256 << 10)
      let text = (isEscaped ? "\\u0076" + value.dropFirst() : value) + String(repeating: "v", count: extra)
      for length in [1 << 20, 1000] {
        let node = #"{"metadata":{"annotations":{"cluster.talos.dev/node-id":"\#(text)"},"name":"a"}}"#
        let event = Array(NodeListJSON.event("ADDED", node).utf8)
        var decoder = NodeWatchDecoder()
        var events: [NodeWatchEvent] = []
        for piece in pieces(of: event, length: length) { events += try decoder.feed(Array(piece)) }
        let annotations = extra == 0 ? ["cluster.talos.dev/node-id": value] : [:]
        #expect(events == [.added(NodeObject(name: "a", annotations: annotations))])
        #expect(decoder.dropped == extra)
      }
    }
  }

  @Test("all texts of an object together are bounded, and the next object is read as any other")
  func objectLimit() throws {
    let value = String(repeating: "v", count: 200 << 10)
    let names = ["node-id", "node-id", "node-id"]
    let annotations = names.map { "\"cluster.talos.dev/\($0)\":\"\(value)\"" }.joined(separator: ",")
    let node = #"{"metadata":{"name":"a","annotations":{\#(annotations)}}}"#
    let event = Array(NodeListJSON.event("ADDED", node).utf8)
    var decoder = NodeWatchDecoder()
    #expect(try decoder.feed(event) == [.added(NodeObject(name: "a"))])
    #expect(decoder.dropped == 1)
    let next = NodeListJSON.event("ADDED", #"{"metadata":{"name":"b","uid":"u"}}"#)
    #expect(try decoder.feed(Array(next.utf8)) == [.added(NodeObject(name: "b", uid: "u"))])
  }

  @Test("labels count with their keys, so that many small ones are bounded too")
  func manyLabels() throws {
    let labels = (0..<20_000).map { #""x/\#($0)":"""# }.joined(separator: ",")
    let event = Array(NodeListJSON.event("ADDED", #"{"metadata":{"name":"a","labels":{\#(labels)}}}"#).utf8)
    var decoder = NodeWatchDecoder(prefixes: LabelPrefixes(["x/"]))
    let events = try decoder.feed(event)
    guard case .added(let node) = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect((5000..<8000).contains(node.labels.count))
    #expect(node.labels.count + decoder.dropped == 20_000)
    #expect(node.unusable.count == decoder.dropped)
  }

  @Test("a label's key may be as long as Kubernetes lets it", arguments: [317, 321])
  func longKey(length: Int) throws {
    let key = String(repeating: "k", count: length)
    for piece in [1 << 20, 100] {
      let event = Array(
        NodeListJSON.event("ADDED", #"{"metadata":{"name":"a","labels":{"\#(key)":"v"}}}"#).utf8)
      var decoder = NodeWatchDecoder(prefixes: LabelPrefixes(["k"]))
      var events: [NodeWatchEvent] = []
      for piece in pieces(of: event, length: piece) { events += try decoder.feed(Array(piece)) }
      #expect(events == [.added(NodeObject(name: "a", labels: length == 317 ? [key: "v"] : [:]))])
    }
  }

  @Test("after an error every further call throws the same one")
  func errorStays() throws {
    var decoder = NodeWatchDecoder()
    let first = #expect(throws: NodeDecodeError.self) { try decoder.feed(Array("<".utf8)) }
    let second = #expect(throws: NodeDecodeError.self) { try decoder.feed(Array("{}".utf8)) }
    let third = #expect(throws: NodeDecodeError.self) { try decoder.finish() }
    #expect(first != nil && first == second && second == third)
  }

  @Test("an error comes after the events before it")
  func errorAfterEvents() throws {
    var decoder = NodeWatchDecoder()
    let event = NodeListJSON.event("ADDED", #"{"metadata":{"name":"a"}}"#)
    #expect(try decoder.feed(Array((event + event + "?").utf8)).count == 2)
    let error = #expect(throws: NodeDecodeError.self) { try decoder.feed([]) }
    #expect(error?.offset == event.utf8.count * 2)
  }

  /// An event of Node `a` with exactly `padding` bytes up to its closing brace.
  private static func event(padding: Int) -> [UInt8] {
    let head = Array(#"{"type":"ADDED","object":{"metadata":{"name":"a"},"x":""#.utf8)
    let tail = Array("\"}}".utf8)
    return head + [UInt8](repeating: UInt8(ascii: "x"), count: padding - head.count - tail.count) + tail
  }
}

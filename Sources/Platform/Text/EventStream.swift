/// One event of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).
package struct ServerSentEvent: Hashable, Sendable {
  /// What happened: `message` where the stream doesn't say.
  package var name: String
  /// The lines of its data.
  package var data: [UInt8]
  /// The last id of the stream up to it; nil where there was none yet.
  package var id: String?

  package init(name: String, data: [UInt8], id: String?) {
    self.name = name
    self.data = data
    self.id = id
  }
}

/// Takes a stream of server-sent events apart, whatever pieces it comes in. What a line and an event may have is
/// bounded.
package struct EventStream {
  /// How long to wait before connecting again, in milliseconds, where the stream says so.
  package private(set) var retry: Int?
  private var line: [UInt8] = []
  private var name = ""
  private var data: [UInt8]?
  private var id: String?
  private var wasCarriageReturn = false
  private var isFirstLine = true

  /// The most bytes of an event.
  package static let maximumEvent = 16 << 20

  /// - Parameter id: the last id that is known.
  package init(id: String? = nil) { self.id = id }

  /// The events that are complete with `bytes`.
  ///
  /// - Throws: ``EventTooLong`` where a line or an event is too long.
  package mutating func take(_ bytes: some Collection<UInt8>) throws(EventTooLong) -> [ServerSentEvent] {
    var events: [ServerSentEvent] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      if wasCarriageReturn {
        wasCarriageReturn = false
        if rest.first == 0x0A {
          rest = rest.dropFirst()
          continue
        }
      }
      guard let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
        try append(rest)
        break
      }
      try append(rest[..<end])
      wasCarriageReturn = rest[end] == 0x0D
      rest = rest[rest.index(after: end)...]
      if let event = endLine() { events.append(event) }
    }
    return events
  }

  private mutating func append(_ bytes: some Collection<UInt8>) throws(EventTooLong) {
    guard line.count + (data?.count ?? 0) + bytes.count <= Self.maximumEvent else {
      throw EventTooLong()
    }
    line.append(contentsOf: bytes)
  }

  private mutating func endLine() -> ServerSentEvent? {
    defer { line.removeAll(keepingCapacity: true) }
    if isFirstLine {
      isFirstLine = false
      if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    }
    guard !line.isEmpty else {
      defer { (name, data) = ("", nil) }
      return data.map { ServerSentEvent(name: name.isEmpty ? "message" : name, data: $0, id: id) }
    }
    let colon = line.firstIndex(of: UInt8(ascii: ":"))
    let field = String(decoding: line[..<(colon ?? line.endIndex)], as: UTF8.self)
    var value = colon.map { line[($0 + 1)...] } ?? []
    if value.first == 0x20 { value = value.dropFirst() }
    switch field {
    case "event": name = String(decoding: value, as: UTF8.self)
    case "data":
      if data == nil { data = [] } else { data?.append(0x0A) }
      data?.append(contentsOf: value)
    case "id": if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
    case "retry": retry = Int(String(decoding: value, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil } ?? retry
    default: break
    }
    return nil
  }
}

/// A line or an event of a stream has more bytes than are read.
package struct EventTooLong: Error, Hashable, CustomStringConvertible {
  package var description: String { "an event of the stream has more than \(EventStream.maximumEvent) bytes" }
}

/// One way in which a client may do harm: what each of its connections sends, and whether it reads what comes back.
struct SoakAttack: Sendable {
  let name: String
  /// How many connections it has open at once.
  let connections: Int
  /// What a connection sends first.
  var opening: [UInt8] = SoakBytes.opening
  /// What it sends then, over and over; empty for nothing.
  var cycle: [UInt8] = []
  /// How many bytes it writes at once at most.
  var pieces = 65_536
  /// Whether it takes in what comes.
  var reads = true
  /// Whether a connection that is closed is opened anew.
  var reconnects = true
  /// Whether it is the pages that are attacked.
  var isForPages = false

  static let all: [SoakAttack] = [
    SoakAttack(
      name: "unknown frames, cut anywhere", connections: 8, cycle: SoakBytes.unknown, pieces: 16_000),
    SoakAttack(
      name: "refused calls", connections: 40, cycle: SoakBytes.calls("Nothing", 2000), reconnects: true),
    SoakAttack(
      name: "window updates, 245 watches waiting", connections: 4,
      opening: SoakBytes.opening(window: 0) + SoakBytes.calls("Watch", 245), cycle: SoakBytes.windowUpdates),
    SoakAttack(
      name: "pings", connections: 20,
      cycle: SoakBytes.repeated(SoakBytes.frame(6, .init(repeating: 0, count: 8)))),
    SoakAttack(name: "settings", connections: 20, cycle: SoakBytes.repeated(SoakBytes.frame(4, []))),
    SoakAttack(name: "calls reset at once", connections: 20, cycle: SoakBytes.resets),
    SoakAttack(
      name: "headers that never end", connections: 20,
      opening: SoakBytes.opening + SoakBytes.frame(1, flags: 0, stream: 1, [0x82]),
      cycle: SoakBytes.repeated(SoakBytes.frame(9, stream: 1, [0x84]))),
    SoakAttack(
      name: "empty content", connections: 20, opening: SoakBytes.opening + SoakBytes.begin(1, "List"),
      cycle: SoakBytes.repeated(SoakBytes.frame(0, stream: 1, []))),
    SoakAttack(
      name: "large calls that wait for their turn", connections: 40,
      opening: SoakBytes.opening + SoakBytes.largeHellos, reconnects: false),
    SoakAttack(
      name: "large answers that nobody reads", connections: 300, opening: SoakBytes.unread, reads: false),
    SoakAttack(
      name: "changes for watchers without a window", connections: 60,
      opening: SoakBytes.opening(window: 5) + SoakBytes.calls("Watch", 100) + SoakBytes.updates, reads: true),
    SoakAttack(name: "idle connections", connections: 4000, reconnects: false),
    SoakAttack(
      name: "frames that are never whole", connections: 2000,
      opening: SoakBytes.opening + SoakBytes.begin(1, "List")
        + SoakBytes.frame(0, stream: 1, .init(repeating: 0, count: 16_000)).dropLast(900), reconnects: false),
    SoakAttack(
      name: "connections that come and go", connections: 50, opening: Array("GET / HTTP/1.1\r\n\r\n".utf8)),
    SoakAttack(
      name: "slow pages", connections: 1500, opening: Array("GET /metrics HTTP/1.1\r\nhost: x\r\n".utf8),
      isForPages: true),
    SoakAttack(
      name: "pages that nobody reads", connections: 300,
      opening: (0..<50).flatMap { _ in Array("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".utf8) }, reads: false,
      isForPages: true),
  ]
}

/// What the attacks send.
enum SoakBytes {
  static let opening = opening(window: 65_535)

  static func opening(window: UInt32) -> [UInt8] {
    var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    var settings: [UInt8] = [0, 4]
    settings.appendBigEndian(window)
    bytes.appendFrame(FrameType.settings, settings)
    return bytes
  }

  static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendFrame(type, flags: flags, stream: stream, payload)
    return bytes
  }

  static func repeated(_ frame: [UInt8]) -> [UInt8] { (0..<2000).flatMap { _ in frame } }

  /// HEADERS of a call, without any table.
  static func begin(_ stream: UInt32, _ method: String) -> [UInt8] {
    var block: [UInt8] = [0x83, 0x86]
    let path = "/sidero.discovery.server.Cluster/\(method)"
    block += [0x04, UInt8(path.utf8.count)] + path.utf8
    block += [0x0F, 0x10, 16] + "application/grpc".utf8
    return frame(FrameType.headers, flags: Frame.endHeaders, stream: stream, block)
  }

  static func call(_ stream: UInt32, _ method: String, _ message: [UInt8]) -> [UInt8] {
    begin(stream, method) + frame(FrameType.data, flags: Frame.endStream, stream: stream, .framed(message))
  }

  static func cluster(_ name: String) -> [UInt8] {
    var message: [UInt8] = []
    message.appendField(1, Array(name.utf8))
    return message
  }

  /// So many calls about one cluster, on streams one after another.
  static func calls(_ method: String, _ count: UInt32) -> [UInt8] {
    let message = cluster("attacked")
    return (0..<count).flatMap { call(2 * $0 + 1, method, message) }
  }

  static let unknown = (0..<50).flatMap { _ in frame(77, .init(repeating: 1, count: 16_384)) }

  static let windowUpdates: [UInt8] = {
    var bytes: [UInt8] = []
    for _ in 0..<4000 { bytes.appendWindowUpdate(stream: 0, 1) }
    return bytes
  }()

  static let resets = (0..<2000 as Range<UInt32>).flatMap { index in
    begin(2 * index + 1, "Watch") + frame(FrameType.rstStream, stream: 2 * index + 1, [0, 0, 0, 8])
  }

  /// Calls of which each has 50 kB that nobody needs.
  static let largeHellos = (0..<200 as Range<UInt32>).flatMap { index in
    var message = cluster("attacked")
    message.appendField(2, [UInt8](repeating: 0x76, count: 9000))
    return call(2 * index + 1, "Hello", message)
  }

  static let updates = (0..<40 as Range<UInt32>).flatMap { index in
    call(2 * index + 301, "AffiliateUpdate", affiliate("a\(index)"))
  }

  private static func affiliate(_ id: String) -> [UInt8] {
    var message = cluster("attacked")
    message.appendField(2, Array(id.utf8))
    message.appendField(3, [UInt8](repeating: 9, count: 2048))
    message.appendField(5, [0x08, 0x88, 0x0E])
    for index in 0..<60 as Range<UInt8> { message.appendField(4, [UInt8](repeating: index, count: 32)) }
    return message
  }

  /// Fills a cluster as fast as may be, and lists it again and again with windows that have no end.
  static let unread: [UInt8] = {
    var bytes = opening(window: 0x7FFF_FFFF)
    bytes.appendWindowUpdate(stream: 0, 0x7FFE_0000)
    for index in 0..<20 as Range<UInt32> {
      bytes += call(2 * index + 1, "AffiliateUpdate", affiliate("b\(index)"))
      bytes += call(2 * index + 101, "List", cluster("attacked"))
    }
    return bytes
  }()
}

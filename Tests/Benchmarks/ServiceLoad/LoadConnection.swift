import NIOCore
import NIOHPACK

/// One HTTP/2 connection of the load: a writer or a watcher, as cheap as can be.
final class LoadConnection {
  static let window = 1 << 30
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  let socket: Socket
  var watcher: WatcherRole?
  var writer: WriterRole?
  private let pings: Bool
  private var rest: [UInt8] = []
  private var output: [UInt8] = []
  private var received = 0
  private var pingIsOut = false
  private var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
  private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())

  var isClosed: Bool { socket.isClosed }

  init(host: String, port: Int, pings: Bool) throws {
    self.pings = pings
    socket = try Socket(host: host, port: port)
    output = Self.preface
    var settings: [UInt8] = []
    settings.appendBigEndian(4 as UInt16)  // SETTINGS_INITIAL_WINDOW_SIZE
    settings.appendBigEndian(UInt32(Self.window))
    output.appendFrame(FrameType.settings, settings)
    output.appendWindowUpdate(stream: 0, Self.window)
    flush()
  }

  /// Sends a whole call.
  func call(_ stream: UInt32, _ headers: HPACKHeaders, _ message: [UInt8]) throws {
    var block = ByteBuffer()
    try encoder.encode(headers: headers, to: &block)
    output.appendFrame(FrameType.headers, flags: Frame.endHeaders, stream: stream, block.readableBytesView)
    output.appendFrame(FrameType.data, flags: Frame.endStream, stream: stream, message)
    flush()
  }

  private func flush() {
    guard !output.isEmpty else { return }
    socket.write(output)
    output.removeAll(keepingCapacity: true)
  }

  /// Reads once and acts on every whole frame.
  func readable(_ buffer: UnsafeMutableRawBufferPointer) throws {
    guard let bytes = socket.read(into: buffer) else {
      if isClosed { writer?.closed() }
      return
    }
    if rest.isEmpty {
      let used = try take(bytes)
      if used < bytes.count { rest.append(contentsOf: bytes[used...]) }
    } else {
      rest.append(contentsOf: bytes)
      let used = try rest.withUnsafeBytes(take)
      rest.removeFirst(used)
    }
    if received >= Self.window / 2 {
      output.appendWindowUpdate(stream: 0, received)
      if watcher != nil { output.appendWindowUpdate(stream: 1, received) }
      received = 0
    }
    flush()
  }

  private func take(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    var used = 0
    while let frame = Frame(UnsafeRawBufferPointer(rebasing: bytes[used...])) {
      used += Frame.headLength + frame.payload.count
      try take(frame)
    }
    return used
  }

  private func take(_ frame: Frame) throws {
    switch frame.type {
    case FrameType.data:
      received += frame.payload.count
      // As grpc-go does: with the first content while no PING is out, which is asked before an acknowledgement that
      // comes behind the content is seen.
      if pings, !pingIsOut {
        pingIsOut = true
        output.appendFrame(FrameType.ping, [UInt8](repeating: 1, count: 8))
      }
      watcher?.receive(frame.payload)
    case FrameType.headers:
      // The services that this measures neither pad nor continue their small header blocks.
      guard frame.flags & (Frame.endHeaders | Frame.padded) == Frame.endHeaders else {
        throw SystemError("a header block in a form that the load doesn't read", code: 0)
      }
      var block = ByteBuffer(bytes: frame.payload)
      let headers = try decoder.decodeHeaders(from: &block)
      if frame.flags & Frame.endStream != 0 { try ended(ok: headers.first(name: "grpc-status") == "0") }
    case FrameType.rstStream: try ended(ok: false)
    case FrameType.settings:
      if frame.flags & Frame.ack == 0 { output.appendFrame(FrameType.settings, flags: Frame.ack, []) }
    case FrameType.ping:
      if frame.flags & Frame.ack != 0 {
        pingIsOut = false
      } else {
        output.appendFrame(FrameType.ping, flags: Frame.ack, frame.payload)
      }
    default: break
    }
  }

  private func ended(ok: Bool) throws {
    if let watcher { watcher.isEnded = true } else { try writer?.answered(ok: ok) }
  }
}

/// What a call begins with.
enum LoadHeaders {
  static func make(_ method: String, address: String) -> HPACKHeaders {
    HPACKHeaders([
      (":method", "POST"), (":scheme", "http"), (":path", "/sidero.discovery.server.Cluster/\(method)"),
      (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"),
      ("x-real-ip", address),
    ])
  }
}

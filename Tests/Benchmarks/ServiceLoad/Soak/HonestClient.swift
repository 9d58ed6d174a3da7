import Glibc

/// Clients of several addresses that do what clients do, one after another, and note how long they are kept waiting: a
/// call on a connection that stays, a call on a new one, a page.
final class HonestClient {
  /// Each makes fewer calls than the rate limit allows.
  private static let addresses = (0..<24).map { "127.0.0.\(9 + $0)" }
  private let host: String
  private let port: Int
  private let pages: Int
  private var kept: [String: (socket: Socket, nextStream: UInt32)] = [:]
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
  private(set) var failures: [String] = []
  private(set) var waits: [Int64] = []

  init(host: String, port: Int, pages: Int) {
    self.host = host
    self.port = port
    self.pages = pages
  }

  deinit { buffer.deallocate() }

  /// The longest wait of 99 in 100, in milliseconds.
  var p99: Double {
    guard !waits.isEmpty else { return 0 }
    let sorted = waits.sorted()
    return Double(sorted[min(sorted.count - 1, sorted.count * 99 / 100)]) / 1e6
  }

  func run(until end: Int64) {
    var round = 0
    while steadyNanoseconds() < end {
      let address = Self.addresses[round % Self.addresses.count]
      let start = steadyNanoseconds()
      do {
        switch round / Self.addresses.count % 4 {
        case 0: try page(address)
        case 1: try callOnNewConnection(address)
        default: try call(address)
        }
        waits.append(steadyNanoseconds() - start)
      } catch {
        failures.append("\(error)")
        kept[address] = nil
      }
      round += 1
      usleep(5000)
    }
  }

  private func call(_ address: String) throws {
    let known = kept[address]
    let socket = try known?.socket ?? Socket(host: host, port: port, from: address)
    let stream = known?.nextStream ?? 1
    if stream == 1 { socket.write(SoakBytes.opening) }
    try list(socket, stream)
    kept[address] = (socket, stream + 2)
  }

  private func callOnNewConnection(_ address: String) throws {
    let socket = try Socket(host: host, port: port, from: address)
    socket.write(SoakBytes.opening)
    try list(socket, 1)
  }

  private func list(_ socket: Socket, _ stream: UInt32) throws {
    socket.write(SoakBytes.call(stream, "List", SoakBytes.cluster("honest")))
    var bytes: [UInt8] = []
    let end = steadyNanoseconds() + 5_000_000_000
    while steadyNanoseconds() < end, !socket.isClosed {
      guard let read = socket.wait(into: buffer, milliseconds: 100) else { continue }
      bytes += read
      var rest = bytes[...]
      while let frame = rest.withUnsafeBytes({ raw in
        Frame(raw).map { ($0.type, $0.flags, $0.stream, $0.payload.count) }
      }) {
        if frame.2 == stream, frame.0 == FrameType.headers, frame.1 & Frame.endStream != 0 { return }
        rest = rest.dropFirst(Frame.headLength + frame.3)
      }
    }
    throw SystemError("a call of an honest client", code: socket.isClosed ? ECONNRESET : ETIMEDOUT)
  }

  private func page(_ address: String) throws {
    let socket = try Socket(host: host, port: pages, from: address)
    socket.write(Array("GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".utf8))
    let end = steadyNanoseconds() + 5_000_000_000
    while steadyNanoseconds() < end, !socket.isClosed {
      guard let read = socket.wait(into: buffer, milliseconds: 100) else { continue }
      if String(decoding: read, as: UTF8.self).hasPrefix("HTTP/1.1 200") { return }
    }
    throw SystemError("/readyz for an honest client", code: socket.isClosed ? ECONNRESET : ETIMEDOUT)
  }
}

import Glibc

/// Carries out an attack from one address, on a thread of its own, until it is told to stop.
final class AttackRun {
  private struct Connection {
    var socket: Socket
    var sent = 0
  }

  private let attack: SoakAttack
  private let host: String
  private let port: Int
  private let end: Int64
  private var connections: [Connection] = []
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
  private(set) var sentBytes = 0
  private(set) var opened = 0

  init(_ attack: SoakAttack, host: String, port: Int, until end: Int64) {
    self.attack = attack
    self.host = host
    self.port = port
    self.end = end
  }

  deinit { buffer.deallocate() }

  func run() {
    while steadyNanoseconds() < end {
      if connections.count < attack.connections { open() }
      var didSomething = false
      for index in connections.indices where step(&connections[index]) { didSomething = true }
      if attack.reconnects { connections.removeAll { $0.socket.isClosed } }
      if !didSomething { usleep(1000) }
    }
  }

  /// Opens a few more.
  private func open() {
    for _ in 0..<min(50, attack.connections - connections.count) {
      guard let socket = try? Socket(host: host, port: port) else { return }
      connections.append(Connection(socket: socket))
      opened += 1
    }
  }

  /// Sends the next piece, as far as there is room for it, and takes in what came; says whether it did either.
  private func step(_ connection: inout Connection) -> Bool {
    guard !connection.socket.isClosed else { return false }
    var didSomething = false
    if attack.reads, connection.socket.read(into: buffer) != nil { didSomething = true }
    let piece = next(connection.sent)
    guard !piece.isEmpty else { return didSomething }
    let count = connection.socket.sendSome(piece)
    connection.sent += count
    sentBytes += count
    return count > 0 || didSomething
  }

  private func next(_ sent: Int) -> ArraySlice<UInt8> {
    if sent < attack.opening.count { return attack.opening[sent...].prefix(attack.pieces) }
    guard !attack.cycle.isEmpty else { return [] }
    return attack.cycle[((sent - attack.opening.count) % attack.cycle.count)...].prefix(attack.pieces)
  }
}

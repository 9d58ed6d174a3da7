import ClusterModel
import Foundation
import Glibc
import KubeSpan
import TestSupport
import Testing

@testable import WireGuard

@Suite("The socket of a userspace device")
struct ConfigurationSocketTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path("wg0.sock") }

  init() throws { folder = try TemporaryFolder() }

  /// Serves one connection: what it is asked is read away, and `piece` is written so many times; then it is closed.
  private func serve(_ piece: String, times: Int = 1) throws {
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0 && listen(listener, 1) == 0)
    Thread.detachNewThread {
      let connection = accept(listener, nil, nil)
      var buffer = [UInt8](repeating: 0, count: 4096)
      _ = recv(connection, &buffer, buffer.count, 0)
      let bytes = Array(piece.utf8)
      for _ in 0..<times {
        guard Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { break }
      }
      // In this order, so that who sees the end of the answer finds nobody there.
      close(listener)
      close(connection)
    }
  }

  private func ask(patience: Duration = .seconds(10)) throws -> [UInt8] {
    try #require(try ConfigurationSocket(path: path)).ask(ConfigurationText.get, patience: patience)
  }

  @Test("the process that serves it is known, and an answer is read up to its empty line")
  func answer() throws {
    try serve("listen_port=1\nerrno=0\n\n")
    let socket = try #require(try ConfigurationSocket(path: path))
    #expect(socket.processID == getpid())
    #expect(try socket.ask(ConfigurationText.get) == Array("listen_port=1\nerrno=0\n\n".utf8))
  }

  @Test("no file, and one that nobody serves, are no device and no error")
  func nobody() throws {
    #expect(try ConfigurationSocket(path: path) == nil)
    #expect(try !ConfigurationSocket.isServed(path))
    try serve("")
    _ = try? ask()
    #expect(try ConfigurationSocket(path: path) == nil)
    #expect(throws: DeviceError.self) {
      try ConfigurationSocket(path: "/" + String(repeating: "x", count: 200))
    }
  }

  @Test("a connection that is closed before the end of an answer is a device that is gone")
  func closed() throws {
    try serve("private_key=5ec5e7\n")
    #expect {
      try ask()
    } throws: { error in
      (error as? DeviceError)?.code == .gone && !"\(error)".contains("5ec5e7")
    }
  }

  @Test("an answer without an end is bounded, in bytes and in time")
  func endless() throws {
    let line = String(repeating: "x=5ec5e7\n", count: 4096)
    try serve(line, times: ConfigurationText.maximumAnswer / line.utf8.count + 2)
    #expect {
      try ask(patience: .seconds(600))
    } throws: { error in
      "\(error)".contains("more than \(ConfigurationText.maximumAnswer) bytes")
    }
    unlink(path)
    try serve(line, times: 1000)
    #expect {
      try ask(patience: .zero)
    } throws: { error in
      (error as? DeviceError)?.code == .failed && "\(error)".contains("no whole answer within")
    }
  }
}

import Foundation
import Glibc
import TestSupport
import Testing

@testable import StatusServer

@Suite("The Unix socket", .timeLimit(.minutes(2)))
struct SocketTests {
  private func mode(_ path: String) throws -> mode_t {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw NotInTime(description: "\(path): \(errno)") }
    return status.st_mode & 0o7777
  }

  @Test("has its mode and its folder's from the beginning, and is unlinked at the end")
  func modes() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run/rollcall.sock")
    try await TestDaemon.run { options, _ in
      options.socket = .path(path, mode: 0o600)
    } _: { _ in
      let modes = [try mode(path), try mode(folder.path("run"))]
      #expect(modes == [0o600, 0o750])
    }
    #expect(access(path, F_OK) != 0)
  }

  @Test("a dead socket is replaced")
  func dead() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("rollcall.sock")
    let first = try UnixSocketFile(path)
    close(first.descriptor)
    #expect(access(path, F_OK) == 0)
    let second = try UnixSocketFile(path)
    // The first one's end doesn't take away the second one's file.
    first.remove()
    #expect(access(path, F_OK) == 0)
    close(second.descriptor)
    second.remove()
    #expect(access(path, F_OK) != 0)
  }

  @Test("one at which somebody answers isn't touched, nor what isn't a socket, nor a path that is too long")
  func refused() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("rollcall.sock")
    let living = try UnixSocketFile(path)
    defer { close(living.descriptor) }
    let failure = #expect(throws: UnixSocketFile.Failure.self) { _ = try UnixSocketFile(path) }
    #expect(failure?.description.contains("somebody answers at socket '\(path)'") == true)
    #expect(access(path, F_OK) == 0)
    let file = try folder.write("mine", to: "file")
    let other = #expect(throws: UnixSocketFile.Failure.self) { _ = try UnixSocketFile(file) }
    #expect(other?.description.contains("isn't a socket") == true)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
    let long = folder.path(String(repeating: "x", count: 120))
    let third = #expect(throws: UnixSocketFile.Failure.self) { _ = try UnixSocketFile(long) }
    #expect(third?.description.contains("1 to 107") == true)
  }

  @Test("a socket that the daemon was started with is served")
  func inherited() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("given.sock")
    let given = try UnixSocketFile(path)
    try await TestDaemon.run { options, _ in
      options.socket = .inherited(given.descriptor)
    } _: { _ in
      let answer = try await TestDaemon.curl(["--unix-socket", path, "http://any.host.name/healthz"])
      #expect(answer.status == 200 && answer.body == "ok\n")
    }
    #expect(access(path, F_OK) == 0)
  }

  @Test("whose log levels are set by the daemon's own user, and nothing else is taken for levels")
  func logLevels() async throws {
    let seen = SeenLevels()
    try await TestDaemon.run { options, _ in
      options.setLogLevels = { levels in seen.note(levels.mapValues { $0?.rawValue ?? "default" }) }
    } _: { daemon in
      func put(_ body: String) async throws -> TestDaemon.Answer {
        try await daemon.get("/v1/log-level", "-X", "PUT", "-d", body)
      }
      #expect(try await put(#"{"*": "info", "registry.service": "debug", "x": "default"}"#).status == 204)
      #expect(seen.all == [["*": "info", "registry.service": "debug", "x": "default"]])
      for (body, text) in [
        (#"{"*": "inof"}"#, "did you mean 'info'?"), ("[]", "object"), ("{}", "no module"), ("{", "JSON"),
        (#"{"*": 1}"#, "text"), (#"{"*": "info"} x"#, "follows"), ("", "JSON"),
      ] {
        let answer = try await put(body)
        #expect(answer.status == 400, "\(body)")
        #expect(try answer.text("detail")?.contains(text) == true, "\(body): \(answer.body)")
      }
      #expect(try await put(String(repeating: " ", count: 20_000)).status == 413)
      #expect(seen.all.count == 1)
    }
  }

  @Test("a reader that asks for much and takes nothing holds up nobody, and not the end")
  func stuckReader() async throws {
    let records = try (0..<2000).map { try record("node-\($0)", address: "10.0.\($0 / 250).\($0 % 250)") }
    let clock = ContinuousClock()
    var end = clock.now
    try await TestDaemon.run(knowing: records) { daemon in
      let stuck = try StuckClient(daemon.socket, "GET /v1/members?watch=true HTTP/1.1\r\nHost: x\r\n\r\n")
      defer { stuck.close() }
      try await eventually("it watches") { daemon.server.watcherCount == 1 }
      #expect(try await daemon.get("/v1/members").ids.count == 2000)
      end = clock.now
    }
    #expect(clock.now - end < .seconds(4))
  }
}

/// What a test's hook was given.
private final class SeenLevels: @unchecked Sendable {
  private let lock = NSLock()
  private var levels: [[String: String]] = []

  func note(_ new: [String: String]) { lock.withLock { levels.append(new) } }
  var all: [[String: String]] { lock.withLock { levels } }
}

/// Sends a request and never reads.
struct StuckClient {
  private let descriptor: Int32

  init(_ path: String, _ request: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw NotInTime(description: "connect: \(errno)") }
    let bytes = Array(request.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
      throw NotInTime(description: "write: \(errno)")
    }
  }

  func close() { Glibc.close(descriptor) }
}

import ClusterModel
import DiscoveryProtocol
import Foundation
import GRPCCore
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("A hostile service", .timeLimit(.minutes(3)))
struct HostileServiceTests {
  let cluster: Cluster
  let recorder = SessionRecorder()

  init() throws { cluster = try Cluster() }

  /// Runs a registry against `service` while `body` runs.
  private func facing(
    _ service: any RegistrableRPCService,
    _ body: @escaping @Sendable (_ endpoint: String) async throws -> Void
  ) async throws {
    let recorder = recorder
    try await withServer([service]) { port in
      let endpoint = "http://127.0.0.1:\(port)"
      try await running(try LiveServiceTests.registry(ServiceOptions(endpoint: endpoint)), recorder) {
        try await body(endpoint)
      }
    }
  }

  /// A service whose watches begin with `answer` and have no more.
  private func answering(_ answer: WireWatchResponse) -> MemoryService {
    MemoryService(watchScript: { writer in
      try await writer.write(answer)
      try await Task.sleep(for: .seconds(3600))
    })
  }

  /// HTTP/2's empty SETTINGS.
  static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]

  /// Bytes and what they are.
  static let greetings: [(String, [UInt8], Bool)] = [
    ("hangs up", [], true),
    ("speaks HTTP/1", Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8), true),
    ("speaks HTTP/1 and stays", Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8), false),
    ("speaks SSH", Array("SSH-2.0-OpenSSH_9.2p1\r\n".utf8), false),
    ("is noise", (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }, false),
    ("cuts a frame off", settings + [0, 1, 0, 1, 4, 0, 0, 0, 1, 0x88], true),
    ("has a frame beyond all sizes", settings + [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1], false),
    ("has headers that are none", settings + [0, 0, 4, 1, 4, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF], false),
    ("has headers of no stream", settings + [0, 0, 1, 1, 4, 0, 0, 0, 0, 0x88], false),
    ("goes away", settings + [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], false),
  ]

  @Test(
    "at the transport is survived, with its address in the status, whether TLS is expected or not",
    arguments: greetings, ["http", "https"])
  func transport(service: (name: String, greeting: [UInt8], hangsUp: Bool), scheme: String) async throws {
    let clock = ManualClock()
    try await withRawServer(greeting: service.greeting, hangsUp: service.hangsUp) { port in
      let endpoint = "\(scheme)://127.0.0.1:\(port)"
      let settings = try TestSettings.settings(ServiceOptions(endpoint: endpoint))
      let registry = ServiceRegistry(
        settings,
        connector: GRPCDiscoveryConnector(settings, keepAlive: .seconds(10)),
        random: { 0.5 })
      try await running(registry, recorder, clock: clock) {
        // What says nothing that can be refused is given up at Hello's deadline; the clock moves on
        // meanwhile.
        try await eventually("a status") {
          clock.advance(by: .milliseconds(50))
          return !recorder.status.isEmpty
        }
        #expect(recorder.status.contains(endpoint), "\(recorder.status)")
        try await eventually("another attempt") {
          clock.advance(by: .milliseconds(50))
          return recorder.now.batches.flatMap(\.reports).count > 1 || !clock.deadlines.isEmpty
        }
      }
    }
    #expect(recorder.snapshots == 0)
  }

  @Test("that never answers is given up at the deadline, and named")
  func silent() async throws {
    let clock = ManualClock()
    try await withRawServer(greeting: [], hangsUp: false) { port in
      let settings = try TestSettings.settings(ServiceOptions(endpoint: "http://127.0.0.1:\(port)"))
      let registry = ServiceRegistry(
        settings,
        connector: GRPCDiscoveryConnector(settings, keepAlive: .seconds(10)),
        random: { 0.5 })
      try await running(registry, recorder, clock: clock) {
        // The limit of connecting is as long, and ends before.
        try await eventually("reported") {
          clock.advance(by: .milliseconds(50))
          return !recorder.status.isEmpty
        }
      }
      #expect(recorder.status == "http://127.0.0.1:\(port) didn't answer Hello within 10 s")
    }
  }

  @Test("whose messages are garbage is survived", arguments: [0, 1, 2])
  func garbage(which: Int) async throws {
    let garbage: [UInt8] = [0x0A, 0xFF, 0xFF, 0xFF, 0x7F, 1]
    let service =
      switch which {
      case 0: BytesService(hello: garbage, watch: [])
      case 1: BytesService(hello: [], watch: [garbage])
      default: BytesService(hello: [], watch: [[], garbage])
      }
    try await facing(service) { endpoint in
      try await eventually("reported") { recorder.status.contains(endpoint) }
    }
  }

  @Test("that redirects in a circle is reported, with the way")
  func redirectLoop() async throws {
    let recorder = recorder
    let there = PortBox()
    try await withServer([MemoryService(redirect: { "http://127.0.0.1:\(there.port)" })]) { first in
      try await withServer([MemoryService(redirect: { "127.0.0.1:\(first)" })]) { second in
        there.port = second
        try await running(
          try LiveServiceTests.registry(ServiceOptions(endpoint: "http://127.0.0.1:\(first)")), recorder
        ) {
          try await eventually("reported") { !recorder.status.isEmpty }
        }
        let (a, b) = ("http://127.0.0.1:\(first)", "http://127.0.0.1:\(second)")
        #expect(recorder.status == "redirect loop: \(a) to \(b) to \(a)")
      }
    }
  }

  @Test("that redirects to nonsense is reported")
  func redirectNonsense() async throws {
    try await facing(MemoryService(redirect: { "\u{1b}[2J:x" })) { _ in
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("isn't a discovery service's URL"))
    #expect(!recorder.status.contains("\u{1b}"))
  }

  @Test("that swaps ciphertexts between nodes is reported, and no node becomes another")
  func swaps() async throws {
    var (a, b) = (try cluster.wire("a"), try cluster.wire("b"))
    (a.data, b.data) = (b.data, a.data)
    let snapshot = cluster.answer(a, b, try cluster.wire("c"))
    let service = answering(snapshot)
    try await facing(service) { _ in
      try await eventually("reported") { !recorder.status.isEmpty }
      #expect(recorder.nodes() == ["c"])
    }
    #expect(recorder.status.contains("2 affiliates can't be used as sent: 'a': its data is of another node"))
  }

  @Test("that answers 100,000 affiliates is taken within the limits")
  func flood() async throws {
    let junk = Data(repeating: 7, count: 40)
    let good = try (0..<50).map { try cluster.wire("good\($0)") }
    let snapshot = WireWatchResponse.with {
      $0.affiliates = (0..<100_000).map { index in
        .with {
          $0.id = "node\(index)"
          $0.data = junk
        }
      }
      $0.affiliates += good
    }
    let service = answering(snapshot)
    try await facing(service) { _ in
      try await eventually("taken", within: .seconds(60)) { !recorder.status.isEmpty }
      #expect(recorder.nodes().count == 50)
    }
    #expect(recorder.status.contains("100000 affiliates can't be used as sent"), "\(recorder.status)")
    #expect(recorder.status.utf8.count < 1200)
  }

  @Test("that answers 100,000 affiliates well sealed is taken up to the bound, and the others are counted")
  func sealedFlood() async throws {
    let cipher = cluster.cipher
    let snapshot = try WireWatchResponse.with {
      $0.affiliates = try (0..<100_000).map { index in
        let data = try cipher.seal(.with { $0.nodeID = "n\(index)" })
        return .with {
          $0.id = "n\(index)"
          $0.data = Data(data)
        }
      }
    }
    let service = answering(snapshot)
    try await facing(service) { _ in
      try await eventually("taken", within: .seconds(60)) { !recorder.status.isEmpty }
      #expect(recorder.nodes().count == EndpointWatcher.maximumNodes)
    }
    #expect(recorder.status.contains("90000"), "\(recorder.status)")
  }

  @Test("that answers more than an answer may have is reported")
  func oversized() async throws {
    let snapshot = WireWatchResponse.with {
      $0.affiliates = [
        .with {
          $0.id = "a"
          $0.data = Data(repeating: 7, count: GRPCDiscoveryClient.maximumAnswerLength)
        }
      ]
    }
    let service = MemoryService(watchScript: { writer in try await writer.write(snapshot) })
    try await facing(service) { endpoint in
      try await eventually("reported") { recorder.status.contains(endpoint) }
    }
    #expect(recorder.snapshots == 0)
  }

  @Test("that cuts each watch off is watched again, and its nodes stay")
  func cuts() async throws {
    let snapshot = cluster.answer(try cluster.wire("a"))
    let service = MemoryService(watchScript: { writer in
      try await writer.write(snapshot)
      throw RPCError(code: .aborted, message: "lost update")
    })
    try await facing(service) { _ in
      try await eventually("watched again") { recorder.snapshots >= 3 }
      #expect(recorder.nodes() == ["a"])
    }
    #expect(recorder.now.errors.contains { $0.message.contains("lost update") })
    #expect(recorder.removed.isEmpty)
  }

  @Test("that ends each watch politely is watched again")
  func ends() async throws {
    let snapshot = cluster.answer(try cluster.wire("a"))
    let service = MemoryService(watchScript: { writer in try await writer.write(snapshot) })
    try await facing(service) { _ in
      try await eventually("watched again") { recorder.snapshots >= 2 }
    }
    #expect(recorder.now.errors.contains { $0.message.contains("ended the watch") })
  }
}

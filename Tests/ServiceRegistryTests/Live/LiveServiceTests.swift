import ClusterModel
import DiscoveryProtocol
import Foundation
import GRPCCore
import KubernetesTestSupport
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("Against a service over loopback", .timeLimit(.minutes(2)))
struct LiveServiceTests {
  let cluster: Cluster

  init() throws { cluster = try Cluster() }

  static func registry(
    _ options: ServiceOptions, local: String = "local", base: String = "."
  ) throws -> ServiceRegistry {
    try ServiceRegistry(options: options, context: try TestSettings.context(base: base, local: local))
  }

  @Test("two nodes find each other, and one that leaves is gone")
  func find() async throws {
    let service = MemoryService()
    let cluster = cluster
    let labels = try NodeLabels(["rack": "r7", "zone": "b"])
    let machineID = "6a0eceb4cf8de176bd24abff87481ec9"
    try await withServer([service]) { port in
      let options = ServiceOptions(endpoint: "http://127.0.0.1:\(port)")
      let one = try Self.registry(options, local: "one")
      let two = try Self.registry(options, local: "two")
      let oneHost = SessionRecorder()
      let twoHost = SessionRecorder()
      try await running(one, oneHost) {
        try await running(two, twoHost) {
          try await oneHost.published(
            Publication(
              local: try cluster.affiliate("one", endpoints: ["1.2.3.4:5"]), labels: labels,
              machineID: machineID))
          try await twoHost.published(
            Publication(
              local: try cluster.affiliate("two"),
              seenEndpoints: [try NodeIdentity("one"): [try IPEndpoint("6.7.8.9:10")]]))
          try await eventually("they see each other") {
            oneHost.nodes() == ["two"] && twoHost.nodes() == ["one"]
          }
          try await eventually("endpoints of both are there") {
            twoHost.now.record("one")?.affiliate.kubeSpan?.endpoints.map(\.description)
              == ["1.2.3.4:5", "6.7.8.9:10"]
          }
          #expect(twoHost.now.record("one")?.affiliate.nodename == "node-one")
          #expect(twoHost.now.record("one")?.labels == labels)
          #expect(twoHost.now.record("one")?.machineID == machineID)
          #expect(oneHost.now.record("two")?.labels.isEmpty == true)
          #expect(oneHost.addresses == ["127.0.0.1"])
          try await oneHost.published(nil)
          try await eventually("one is gone") { twoHost.nodes().isEmpty }
        }
      }
      #expect(oneHost.status == "" && twoHost.status == "")
      #expect(twoHost.removed == ["remove one withdrawn"])
    }
  }

  @Test("a service that is killed and comes back empty loses no node")
  func killed() async throws {
    let cluster = cluster
    let hosts = [SessionRecorder(), SessionRecorder(), SessionRecorder()]
    let port = try LoopbackPort.free()
    let options = ServiceOptions(endpoint: "http://127.0.0.1:\(port)")
    let nodes = try ["a", "b", "c"].map { try Self.registry(options, local: $0) }
    @Sendable func allSeen() -> Bool {
      hosts[0].nodes() == ["b", "c"] && hosts[1].nodes() == ["a", "c"] && hosts[2].nodes() == ["a", "b"]
    }
    try await running(nodes[0], hosts[0]) {
      try await running(nodes[1], hosts[1]) {
        try await running(nodes[2], hosts[2]) {
          for round in 0..<2 {
            try await withServer([MemoryService()], port: port) { _ in
              // The first outcome may be that the service wasn't there yet.
              for (host, id) in zip(hosts, ["a", "b", "c"]) where round == 0 {
                host.publish(Publication(local: try cluster.affiliate(id)))
              }
              try await eventually("all see each other") { allSeen() }
            }
            try await eventually("the outage is seen") { hosts.allSatisfy { $0.problem(.reading) != nil } }
            #expect(hosts.allSatisfy { $0.nodes().count == 2 })
          }
        }
      }
    }
    #expect(hosts.allSatisfy { $0.removed.isEmpty })
    #expect(hosts[0].status.contains("http://127.0.0.1:\(port)"))
  }

  @Test("a redirect is followed")
  func redirect() async throws {
    let target = MemoryService()
    target.put(try cluster.wire("a"))
    try await withServer([target]) { targetPort in
      try await withServer([MemoryService(redirect: { "127.0.0.1:\(targetPort)" })]) { port in
        let recorder = SessionRecorder()
        try await running(
          try Self.registry(ServiceOptions(endpoint: "http://127.0.0.1:\(port)")), recorder
        ) {
          try await eventually("it arrives") { recorder.nodes() == ["a"] }
        }
      }
    }
  }

  @Test("a token is sent from its file, and one that is refused is reported")
  func token() async throws {
    let folder = try TemporaryFolder()
    try folder.write("good\n", to: "token")
    let check = TokenCheck(token: "good")
    try await withServer([MemoryService()], interceptors: [check]) { port in
      let endpoint = "http://127.0.0.1:\(port)"
      let recorder = SessionRecorder()
      let options = ServiceOptions(endpoint: endpoint, tokenFile: "token")
      try await running(try Self.registry(options, base: folder.path), recorder) {
        try await eventually("synced") { recorder.snapshots == 1 }
      }
      #expect(Set(check.seen) == ["Bearer good"])
      let refused = SessionRecorder()
      try await running(try Self.registry(ServiceOptions(endpoint: endpoint)), refused) {
        try await eventually("reported") { refused.problem(.credentials) != nil }
      }
      #expect(refused.status.contains("no token that is known"))
      #expect(refused.problem(.reading)?.code == .permissionDenied)
    }
  }

  @Test("a token isn't sent where a redirect points, unless that is configured too")
  func redirectedToken() async throws {
    let folder = try TemporaryFolder()
    try folder.write("good\n", to: "token")
    let (first, second) = (TokenCheck(token: "good"), TokenCheck(token: "good"))
    try await withServer([MemoryService()], interceptors: [second]) { targetPort in
      let redirecting = MemoryService(redirect: { "127.0.0.1:\(targetPort)" })
      try await withServer([redirecting], interceptors: [first]) { port in
        let recorder = SessionRecorder()
        var options = ServiceOptions(endpoint: "http://127.0.0.1:\(port)", tokenFile: "token")
        try await running(try Self.registry(options, base: folder.path), recorder) {
          try await eventually("reported") { recorder.problem(.credentials) != nil }
        }
        #expect(Set(first.seen) == ["Bearer good"])
        #expect(second.seen.isEmpty)
        #expect(
          recorder.status.contains("the token isn't sent where a redirect points"), "\(recorder.status)")
        options.endpoint = nil
        options.endpoints = [port, targetPort].map { "http://127.0.0.1:\($0)" }
        let both = SessionRecorder()
        try await running(try Self.registry(options, base: folder.path), both) {
          try await eventually("both are read") { both.snapshots == 2 }
        }
        #expect(Set(second.seen) == ["Bearer good"])
      }
    }
  }

  @Test("a token file that can't be used is named")
  func badTokenFile() async throws {
    let recorder = SessionRecorder()
    let options = ServiceOptions(endpoint: "http://127.0.0.1:1", tokenFile: "/nonexistent/token")
    try await running(try Self.registry(options), recorder) {
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("/nonexistent/token"))
  }

  @Test("where nothing listens is reported with the address")
  func refusedConnection() async throws {
    let recorder = SessionRecorder()
    let port = try LoopbackPort.free()
    try await running(try Self.registry(ServiceOptions(endpoint: "http://127.0.0.1:\(port)")), recorder) {
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("http://127.0.0.1:\(port)"))
    #expect(recorder.status.lowercased().contains("refused"))
  }

  private func settings(_ endpoint: String) throws -> ServiceSettings {
    try TestSettings.settings(ServiceOptions(endpoint: endpoint))
  }

  @Test("the proxy of the environment is gone through, and named where it doesn't lead there")
  func proxy() async throws {
    let service = MemoryService()
    service.put(try cluster.wire("a"))
    try await withServer([service]) { port in
      let heads = Mutex<[String]>([])
      try await Relay.run(to: port, asked: { head in heads.withLock { $0.append(head) } }) { proxyPort in
        let proxy = "http://me:hush@\(Relay.host):\(proxyPort)"
        // Nobody is there: only the proxy knows the way.
        let settings = try self.settings("http://service.invalid:3000")
        let connector = GRPCDiscoveryConnector(settings, environment: ["HTTP_PROXY": proxy])
        let recorder = SessionRecorder()
        try await running(ServiceRegistry(settings, connector: connector), recorder) {
          try await eventually("it arrives") { recorder.nodes() == ["a"] }
        }
        let direct = GRPCDiscoveryConnector(
          settings, environment: ["HTTP_PROXY": proxy, "NO_PROXY": ".invalid"])
        let alone = SessionRecorder()
        try await running(ServiceRegistry(settings, connector: direct), alone) {
          try await eventually("reported") { !alone.status.isEmpty }
        }
        #expect(alone.status.hasSuffix("http://service.invalid:3000: the name 'service.invalid' isn't known"))
      }
      let head = try #require(heads.withLock { $0.first })
      #expect(head.hasPrefix("CONNECT service.invalid:3000 HTTP/1.1\r\n"))
      #expect(head.contains("Proxy-Authorization: Basic bWU6aHVzaA==\r\n"))
    }
    let silent = try SilentPort()
    let settings = try settings("https://service.invalid")
    let proxy = "http://127.0.0.1:\(silent.number)"
    let recorder = SessionRecorder()
    let connector = GRPCDiscoveryConnector(settings, environment: ["https_proxy": proxy])
    try await running(ServiceRegistry(settings, connector: connector), recorder) {
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(
      recorder.status
        == "no connection to https://service.invalid: the proxy \(proxy) can't be reached: Connection refused"
    )
    withExtendedLifetime(silent) {}
  }

  @Test(
    "an address that answers nobody is given up after 10 s of connecting, and cancellation ends it at once")
  func blackHole() async throws {
    let hole = try BlackHole(isIPv6: false)
    let clock = ManualClock()
    let recorder = SessionRecorder()
    let registry = try Self.registry(ServiceOptions(endpoint: "http://127.0.0.1:\(hole.port)"))
    let start = ContinuousClock.now
    try await running(registry, recorder, clock: clock) {
      try await eventually("it connects") { clock.deadlines.contains(.seconds(10)) }
      clock.advance(by: .seconds(10))
      try await eventually("reported") { !recorder.status.isEmpty }
      try await eventually("it connects again") {
        clock.advance(by: .milliseconds(50))
        return clock.pending.contains { $0 > .seconds(9) }
      }
    }
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(recorder.status == "no connection to http://127.0.0.1:\(hole.port): no connection within 10s")
    withExtendedLifetime(hole) {}
  }
}

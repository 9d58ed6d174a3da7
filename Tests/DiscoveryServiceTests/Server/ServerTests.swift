import ClusterModel
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import DiscoveryService

/// A whole service in a service group of its own.
struct RunningServer {
  let addresses: DiscoveryServer.Addresses
  let group: ServiceGroup

  static func configuration() -> ServiceConfiguration {
    var configuration = ServiceConfiguration()
    configuration.address = ListenAddress(host: "127.0.0.1", port: 0)
    configuration.landingAddress = ListenAddress(host: "127.0.0.1", port: 0)
    configuration.metricsAddress = nil
    configuration.reloadInterval = .milliseconds(20)
    return configuration
  }

  /// A configuration with `tokens` as the lines of the file of that name in `folder`.
  static func configuration(tokens: String, in folder: TemporaryFolder) throws -> ServiceConfiguration {
    var configuration = configuration()
    configuration.tokensPath = try folder.write("\(tokens)\n", to: "tokens")
    return configuration
  }

  /// Runs `body` against a service, then shuts it down gracefully and waits for its end.
  static func with(
    _ configuration: ServiceConfiguration, _ body: @Sendable @escaping (RunningServer) async throws -> Void
  ) async throws {
    let (started, continuation) = AsyncStream.makeStream(of: DiscoveryServer.Addresses.self)
    let server = DiscoveryServer(configuration: configuration, logger: Logger(label: "test")) {
      continuation.yield($0)
      continuation.finish()
    }
    let services = ServiceGroup(
      configuration: .init(
        services: [.init(service: server, failureTerminationBehavior: .gracefullyShutdownGroup)],
        logger: Logger(label: "test")))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { continuation.finish() }
        try await services.run()
      }
      tasks.addTask {
        var iterator = started.makeAsyncIterator()
        guard let addresses = await iterator.next() else { return }
        let result: Result<Void, any Error>
        do {
          result = .success(try await body(RunningServer(addresses: addresses, group: services)))
        } catch {
          result = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try result.get()
      }
      try await tasks.waitForAll()
    }
  }
}

extension OverTheNetwork {
  @Suite("The whole service")
  struct ServerTests {
    @Test("an address that is taken is told in words, by its own name")
    func taken() async throws {
      try await RunningServer.with(RunningServer.configuration()) { first in
        var configuration = RunningServer.configuration()
        configuration.address = first.addresses.service
        let error = await #expect(throws: ServiceConfigurationError.self) {
          try await RunningServer.with(configuration) { _ in }
        }
        let port = first.addresses.service.port
        #expect(error?.description == "can't listen on 127.0.0.1:\(port): Address already in use")
      }
    }

    @Test("state survives a restart through the snapshot that is written at the end")
    func restart() async throws {
      let folder = try TemporaryFolder()
      var configuration = RunningServer.configuration()
      configuration.snapshotPath = folder.path("state")
      try await RunningServer.with(configuration) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          let answer = try await client.call(
            "AffiliateUpdate", Request.update("c", "a", data: [1], ttl: 600))
          #expect(answer.status == 0)
        }
      }
      try await RunningServer.with(configuration) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          let list = try await client.call("List", Request.cluster("c"))
          #expect(try DecodedResponse(list.messages[0]).ids == ["a"])
        }
      }
    }

    @Test("snapshots are written at the interval, not only at the end")
    func interval() async throws {
      let folder = try TemporaryFolder()
      var configuration = RunningServer.configuration()
      configuration.snapshotPath = folder.path("state")
      configuration.snapshotInterval = .milliseconds(20)
      try await RunningServer.with(configuration) { _ in
        try await eventually("the file is there") { folder.names.contains("state") }
      }
    }

    @Test(
      "a watcher is told within a fraction of a second that a node has expired, however seldom all is looked over"
    )
    func expiresOnTime() async throws {
      var configuration = RunningServer.configuration()
      configuration.collectInterval = .seconds(60)
      try await RunningServer.with(configuration) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the empty snapshot") { client.answer(watch).messages.count == 1 }
          let clock = ContinuousClock()
          let before = clock.now
          _ = try await client.call("AffiliateUpdate", Request.update("c", "a", data: [1], ttl: 2))
          let after = clock.now
          try await eventually("it is dropped") { client.answer(watch).messages.count == 3 }
          let dropped = clock.now
          #expect(try client.watched(watch)[2].deleted)
          #expect(dropped - before >= .seconds(2))
          #expect(dropped - after <= .milliseconds(2500))
        }
      }
    }

    @Test("a watcher is ended with a status when the service ends")
    func gracefulEnd() async throws {
      let record = Mutex<TestClient?>(nil)
      let stream = Mutex<Int>(0)
      try await RunningServer.with(RunningServer.configuration()) { server in
        let client = try await TestClient.connect(server.addresses.service.port)
        let watch = client.begin("Watch", Request.cluster("c"))
        try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
        record.withLock { $0 = client }
        stream.withLock { $0 = Int(watch) }
      }
      let client = try #require(record.withLock { $0 })
      try await eventually("the status") { client.answer(.init(stream.withLock { $0 })).status == 14 }
      try await eventually("the connection is closed") { client.isClosed }
    }

    @Test("TLS serves the new certificate after the files have changed, and the old one while they don't fit")
    func certificateReload() async throws {
      let one = try await Certificates()
      let two = try await Certificates()
      let first = try await one.make("one", names: "DNS:localhost")
      let second = try await two.make("two", names: "DNS:localhost")
      let folder = try TemporaryFolder()
      try folder.replace("live.crt", withFile: first.certificate)
      try folder.replace("live.key", withFile: first.key)
      let certificate = try ServerCertificate(
        certificatePath: folder.path("live.crt"), keyPath: folder.path("live.key"))
      try await TestServer.with(certificate: certificate) { server in
        func works(_ certificates: Certificates) async throws -> Bool {
          var configuration = TLSConfiguration.makeClientConfiguration()
          configuration.trustRoots = .file(certificates.authority)
          configuration.applicationProtocols = ["h2"]
          let context = try NIOSSLContext(configuration: configuration)
          let client = try await TestClient.connect(server.port, tls: context)
          defer { client.close() }
          let call = client.begin("List", Request.cluster("c"))
          try await eventually("an answer or an end") { client.answer(call).isOver || client.isClosed }
          return client.answer(call).status == 0
        }
        let before = [try await works(one), try await works(two)]
        #expect(before == [true, false])
        #expect(try !certificate.reloadIfChanged())
        try folder.replace("live.key", withFile: second.key)
        #expect(throws: (any Error).self) { try certificate.reloadIfChanged() }
        let between = try await works(one)
        #expect(between)
        try folder.replace("live.crt", withFile: second.certificate)
        #expect(try certificate.reloadIfChanged())
        let after = [try await works(one), try await works(two)]
        #expect(after == [false, true])
      }
    }

    @Test("errors in certificate files name the file")
    func certificateErrors() async throws {
      let certificates = try await Certificates()
      let good = try await certificates.make("one", names: "DNS:localhost")
      let junk = try certificates.folder.write("junk", to: "junk")
      let missing = certificates.folder.path("missing")
      for (certificate, key, named) in [
        (junk, good.key, junk), (good.certificate, junk, junk), (missing, good.key, missing),
      ] {
        let error = #expect(throws: (any Error).self) {
          try ServerCertificate(certificatePath: certificate, keyPath: key)
        }
        #expect(error.map { "\($0)".contains(named) } == true)
      }
    }

    @Test(
      "tokens are taken over when their file changes, also for open watches; a broken file leaves the old ones"
    )
    func tokenReload() async throws {
      let folder = try TemporaryFolder()
      let configuration = try RunningServer.configuration(tokens: "0123456789abcdef c", in: folder)
      try await RunningServer.with(configuration) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          func status(_ token: String) async throws -> Int? {
            try await client.call(
              "List", Request.cluster("c"), headers: ["authorization": "Bearer \(token)"]
            ).status
          }
          let first = try await status("0123456789abcdef")
          #expect(first == 0)
          let watch = client.begin(
            "Watch", Request.cluster("c"), headers: ["authorization": "Bearer 0123456789abcdef"])
          try await eventually("the watch is open") { client.answer(watch).messages.count == 1 }
          try folder.replace("tokens", with: "broken\n")
          let still = try await status("0123456789abcdef")
          #expect(still == 0)
          try folder.replace("tokens", with: "fedcba9876543210 c\n")
          try await eventually("the new token works") { try await status("fedcba9876543210") == 0 }
          let old = try await status("0123456789abcdef")
          #expect(old == 16)
          let ended = try await client.finished(watch)
          #expect(ended.status == 16)
        }
      }
    }

    @Test("what can't be served is said before it is tried")
    func badConfigurations() async throws {
      var taken = RunningServer.configuration()
      var halfTLS = taken
      halfTLS.certificatePath = "/somewhere"
      var noLoops = taken
      noLoops.eventLoops = 0
      for configuration in [halfTLS, noLoops] {
        await #expect(throws: ServiceConfigurationError.self) {
          try await DiscoveryServer(configuration: configuration, logger: Logger(label: "test")).run()
        }
      }
      taken.address.host = "192.0.2.77"
      let wrong = taken
      let error = await #expect(throws: ServiceConfigurationError.self) {
        try await DiscoveryServer(configuration: wrong, logger: Logger(label: "test")).run()
      }
      #expect(error?.description.contains("192.0.2.77") == true)
    }

    @Test("listen addresses are read as operators write them")
    func addresses() {
      #expect(ListenAddress(":3000") == ListenAddress(port: 3000))
      #expect(ListenAddress("127.0.0.1:1") == ListenAddress(host: "127.0.0.1", port: 1))
      #expect(ListenAddress("[::1]:1") == ListenAddress(host: "::1", port: 1))
      for text in ["", "3000", ":", ":x", ":70000", "::1:3000"] { #expect(ListenAddress(text) == nil) }
    }
  }
}

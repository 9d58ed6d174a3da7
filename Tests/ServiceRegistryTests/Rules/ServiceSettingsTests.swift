import RegistryKit
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("The options")
struct ServiceSettingsTests {
  @Test("without any are the cluster's, and the service that everybody uses")
  func defaults() throws {
    let settings = try TestSettings.settings(ServiceOptions())
    #expect(settings.services.map(\.url.description) == ["https://discovery.talos.dev"])
    #expect(settings.services.map(\.source) == [.only])
    #expect(settings.clusterID == Cluster.id)
    #expect(settings.ttl == .seconds(1800))
    #expect(settings.keepAlive == .seconds(180))
  }

  @Test("several endpoints are sources named after their hosts, and doubles are one")
  func sources() throws {
    let settings = try TestSettings.settings(
      ServiceOptions(endpoints: ["https://a/", "http://b:1", "http://b:2", "https://A:443"]))
    #expect(settings.services.map(\.source.name) == ["a", "b:1", "b:2"])
  }

  @Test("a keep-alive is never more often than a service allows")
  func keepAlive() throws {
    #expect(try TestSettings.settings(ServiceOptions(ttl: "5s")).keepAlive == .seconds(10))
  }

  @Test("a secret may be in a file, relative to the configuration")
  func secretFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("\(Cluster.secret)\n", to: "secret")
    var context = try TestSettings.context(base: folder.path)
    context.clusterSecret = nil
    _ = try ServiceSettings(ServiceOptions(secretFile: "secret"), context)
  }

  @Test(
    "that can't work are refused, without the secret",
    arguments: [
      (ServiceOptions(endpoint: "nowhere"), "nowhere"),
      (ServiceOptions(secret: "c2VjcmV0"), "32"),
      (ServiceOptions(secret: Cluster.secret, secretFile: "x"), "either secret or secretFile"),
      (ServiceOptions(secretFile: "/nonexistent"), "/nonexistent"),
      (ServiceOptions(ttl: "31m"), "31m"),
      (ServiceOptions(ttl: "0s"), "0s"),
      (ServiceOptions(ttl: "soon"), "soon"),
      (ServiceOptions(clientCertFile: "a.pem"), "go together"),
      (ServiceOptions(clusterID: String(repeating: "x", count: 257)), "257"),
      (ServiceOptions(clusterID: ""), "no cluster id"),
    ])
  func refused(options: ServiceOptions, part: String) throws {
    let error = try #require(throws: RegistryError.self) { try TestSettings.settings(options) }
    #expect(error.message.contains(part))
    #expect(!error.message.contains(Cluster.secret) && !error.message.contains("c2VjcmV0"))
  }
}

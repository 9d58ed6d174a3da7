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
    #expect(try TestSettings.settings(ServiceOptions { $0.ttl = .seconds(5) }).keepAlive == .seconds(10))
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
      (#"{"endpoint":"nowhere"}"#, "option 'endpoint' isn't a URL"),
      (#"{"endpoint":"ftp://a"}"#, "'ftp://a' isn't a discovery service's URL"),
      (#"{"endpoints":[]}"#, "at least 1 item"),
      (#"{"secret":"c2VjcmV0"}"#, "32"),
      (#"{"secret":"c2VjcmV0!"}"#, "option 'secret' isn't base64 text"),
      (#"{"secret":"\#(Cluster.secret)","secretFile":"x"}"#, "either secret or secretFile"),
      (#"{"secretFile":"/nonexistent"}"#, "/nonexistent"),
      (#"{"ttl":"31m"}"#, "option 'ttl' must be at most 30m, not 31m"),
      (#"{"ttl":"0s"}"#, "option 'ttl' must be at least 1s, not 0s"),
      (#"{"ttl":"soon"}"#, "soon"),
      (#"{"ttl":60}"#, "write 60s"),
      (#"{"missingGrace":"1m"}"#, "unknown key 'missingGrace'"),
      (#"{"clientCertFile":"a.pem"}"#, "go together"),
      (#"{"clusterID":"\#(String(repeating: "x", count: 257))"}"#, "257"),
      (#"{"clusterID":"\#(String(repeating: "ä", count: 129))"}"#, "258"),
      (#"{"clusterID":""}"#, "option 'clusterID' must have at least 1 character"),
    ])
  func refused(options: String, part: String) throws {
    let error = try #require(throws: RegistryError.self) {
      try TestSettings.settings(ServiceOptions(json: options))
    }
    #expect(error.message.contains(part), "\(error.message)")
    #expect(!error.message.contains(Cluster.secret) && !error.message.contains("c2VjcmV0"))
  }

  @Test("without a cluster's id or secret say where to write them")
  func missing() throws {
    var context = try TestSettings.context()
    context.clusterSecret = nil
    let secret = #expect(throws: RegistryError.self) { try ServiceSettings(ServiceOptions(), context) }
    #expect(secret?.message.contains("there is no cluster secret: write cluster.secret") == true)
    context.clusterID = nil
    let id = #expect(throws: RegistryError.self) { try ServiceSettings(ServiceOptions(), context) }
    #expect(id?.message.contains("there is no cluster id: write cluster.id") == true)
    context.clusterID = "c"
    _ = try ServiceSettings(ServiceOptions(json: #"{"secret":"\#(Cluster.secret)"}"#), context)
  }
}

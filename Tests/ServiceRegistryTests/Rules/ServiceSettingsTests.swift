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
    #expect(settings.keepAlive == .seconds(40))
  }

  @Test("several endpoints are sources named after their hosts, and doubles are one")
  func sources() throws {
    let settings = try TestSettings.settings(
      ServiceOptions(endpoints: ["https://a/", "http://b:1", "http://b:2", "https://A:443"]))
    #expect(settings.services.map(\.source.name) == ["a", "b:1", "b:2"])
  }

  @Test("a keep-alive is never more often than a service allows")
  func keepAlive() throws {
    #expect(try TestSettings.settings(ServiceOptions(json: #"{"ttl":"5s"}"#)).keepAlive == .seconds(10))
  }

  @Test(
    "pings are half as frequent each time that a service objects, up to 10 minutes, at that service alone")
  func pingPace() throws {
    let (one, two) = (try ServiceURL("http://one"), try ServiceURL("http://two"))
    let pace = PingPace(.seconds(40))
    pace.slow(one)
    #expect(pace.interval(one) == .seconds(80) && pace.interval(two) == .seconds(40))
    for _ in 0..<9 { pace.slow(one) }
    #expect(pace.interval(one) == .seconds(600))
  }

  @Test("a secret may be written in lines")
  func lines() throws {
    let (start, end) = (Cluster.secret.prefix(20), Cluster.secret.dropFirst(20))
    _ = try TestSettings.settings(ServiceOptions(json: #"{"secret":"\#(start)\n\#(end)\n"}"#))
  }

  @Test("a secret may be in a file, relative to the configuration")
  func secretFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("\(Cluster.secret)\n", to: "secret")
    var context = try TestSettings.context(base: folder.path)
    context.clusterSecret = nil
    _ = try ServiceSettings(ServiceOptions { $0.secretFile = "secret" }, context)
  }

  @Test(
    "that can't work are refused, without the secret",
    arguments: [
      (#"{"endpoint":"ftp://nowhere"}"#, "ftp://nowhere"),
      (#"{"secret":"c2VjcmV0"}"#, "32"),
      (#"{"secret":"\#(Cluster.secret)","secretFile":"x"}"#, "either secret or secretFile"),
      (#"{"secretFile":"/nonexistent"}"#, "secretFile /nonexistent can't be read"),
      (#"{"ttl":"31m"}"#, "31m"),
      (#"{"ttl":"0s"}"#, "0s"),
      (#"{"ttl":"soon"}"#, "soon"),
      (#"{"missingGrace":"1m"}"#, "missingGrace"),
      (#"{"clientCertFile":"a.pem"}"#, "go together"),
      (#"{"clusterID":"\#(String(repeating: "x", count: 257))"}"#, "256"),
      (#"{"clusterID":""}"#, "clusterID"),
    ])
  func refused(json: String, part: String) throws {
    let error = try #require(throws: RegistryError.self) {
      try TestSettings.settings(try ServiceOptions(json: json))
    }
    #expect(error.message.contains(part))
    #expect(!error.message.contains(Cluster.secret) && !error.message.contains("c2VjcmV0"))
  }

  @Test("need a cluster id and a secret")
  func missing() throws {
    var context = try TestSettings.context()
    context.clusterID = nil
    var error = #expect(throws: RegistryError.self) { try ServiceSettings(ServiceOptions(), context) }
    #expect(error?.message.contains("no cluster id") == true)
    context.clusterID = Cluster.id
    context.clusterSecret = nil
    error = #expect(throws: RegistryError.self) { try ServiceSettings(ServiceOptions(), context) }
    #expect(error?.message.contains("no cluster secret") == true)
  }
}

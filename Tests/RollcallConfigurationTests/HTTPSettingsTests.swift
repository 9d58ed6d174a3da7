import ClusterModel
import Testing

@testable import RollcallConfiguration

@Suite("The key http")
struct HTTPSettingsTests {
  private func read(_ yaml: String) throws(ConfigurationErrors) -> HTTPSettings? {
    try ConfigurationFile.parse(Array(yaml.utf8), file: "/etc/rollcall/rollcall.yaml").http
  }

  @Test("is only there where it is written, listens on loopback, and has a page")
  func defaults() throws {
    #expect(try read("node: {}\n") == nil)
    let http = try #require(try read("http: {hosts: [Cluster.Example]}\n"))
    #expect(http.listen.description == "127.0.0.1:7655")
    #expect(http.hosts == ["cluster.example"])
    #expect(http.page && http.tls == nil && http.tokensFile == nil)
    #expect(try read("http: {listen: \"[::1]:80\", page: false}\n")?.page == false)
    #expect(try read("http: {listen: localhost:80}\n")?.listen.description == "127.0.0.1:80")
  }

  @Test("off loopback it has TLS, and tokens or clients' certificates; paths are relative to the file")
  func offLoopback() throws {
    let both = try read(
      "http: {listen: 0.0.0.0:7655, tls: {certFile: a.pem, keyFile: a.key}, tokensFile: tokens}\n")
    #expect(both?.tls?.certFile == "/etc/rollcall/a.pem")
    #expect(both?.tokensFile == "/etc/rollcall/tokens")
    let authority = try read(
      "http: {listen: 10.0.0.1:7655, tls: {certFile: a.pem, keyFile: a.key, clientCAFile: /ca.pem}}\n")
    #expect(authority?.tls?.clientCAFile == "/ca.pem")
  }

  @Test(
    "what can't be meant is an error that says what would be right",
    arguments: [
      ("http: {listen: 0.0.0.0:7655}", "needs http.tls and"),
      ("http: {listen: 10.0.0.1:7655, tokensFile: t}", "needs http.tls and"),
      (
        "http: {listen: 10.0.0.1:7655, tls: {certFile: a, keyFile: b}}",
        "needs http.tokensFile or http.tls.clientCAFile"
      ),
      ("http: {listen: 7655}", "http.listen"), ("http: {listen: \"127.0.0.1\"}", "127.0.0.1:7655"),
      ("http: {listen: example.org:80}", "127.0.0.1:7655"),
      ("http: {hosts: [\"a b\"]}", "isn't a host's name"), ("http: {hosts: [\"a:80\"]}", "no port"),
      ("http: {tls: {certFile: a}}", "http.tls needs keyFile"),
      ("http: {tls: {}}", "http.tls needs certFile"),
      ("http: {liste: 127.0.0.1:1}", "listen"), ("listen: 127.0.0.1:80", "http"),
      ("http: {page: maybe}", "http.page"), ("http: [1]", "http"),
    ])
  func errors(yaml: String, text: String) throws {
    let errors = #expect(throws: ConfigurationErrors.self) { _ = try read(yaml + "\n") }
    #expect(errors?.errors.contains { "\($0)".contains(text) } == true, "\(String(describing: errors))")
  }
}

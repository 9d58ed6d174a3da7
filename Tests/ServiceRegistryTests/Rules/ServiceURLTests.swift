import RegistryKit
import Testing

@testable import ServiceRegistry

@Suite("A service's URL")
struct ServiceURLTests {
  @Test(
    "is read in each of its forms",
    arguments: [
      ("https://discovery.talos.dev/", "discovery.talos.dev", 443, true),
      ("https://discovery.talos.dev:443/", "discovery.talos.dev", 443, true),
      ("https://Host:8443", "host", 8443, true),
      ("grpc://host:3000", "host", 3000, true),
      ("http://10.5.0.1:3000", "10.5.0.1", 3000, false),
      ("HTTP://host", "host", 80, false),
      ("https://[fd00::1]:3000/", "fd00::1", 3000, true),
    ] as [(String, String, UInt16, Bool)])
  func forms(text: String, host: String, port: UInt16, isSecure: Bool) throws {
    #expect(try ServiceURL(text) == ServiceURL(host: host, port: port, isSecure: isSecure))
  }

  @Test(
    "that is none is refused by its text",
    arguments: [
      "", "host:3000", "https://", "https://:443", "ftp://host", "grpc://host", "https://host:0",
      "https://host:65536", "https://host:x", "https://host/path", "https://host?x", "https://user@host",
      "https://fd00::1", "https://[fd00::1", "https://[host]", "https://[fd00::1]x", "https://ho st",
      "https://host:+1", "http://a\u{0}b",
    ])
  func refused(text: String) throws {
    let error = try #require(throws: RegistryError.self) { try ServiceURL(text) }
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains("isn't a discovery service's URL"))
  }

  @Test("is written so that it can be read again")
  func roundTrip() throws {
    for text in ["https://host", "http://host:3000", "https://[fd00::1]:3000", "http://10.0.0.1"] {
      #expect(try ServiceURL(text).description == text)
    }
  }

  @Test("of a redirect may be a host and port, with TLS as before")
  func redirect() throws {
    let secure = try ServiceURL("https://a")
    #expect(try ServiceURL("b:3000", redirectedFrom: secure).description == "https://b:3000")
    #expect(try ServiceURL("b:1", redirectedFrom: try ServiceURL("http://a")).description == "http://b:1")
    #expect(try ServiceURL("https://b/", redirectedFrom: try ServiceURL("http://a")).isSecure)
  }

  @Test("of a redirect never gives TLS up")
  func downgrade() throws {
    let error = try #require(throws: RegistryError.self) {
      try ServiceURL("http://b", redirectedFrom: try ServiceURL("https://a"))
    }
    #expect(error.message.contains("TLS"))
  }
}

import ClusterModel
import Testing

@testable import DiscoveryService

@Suite("The client's address")
struct ClientAddressTests {
  let proxy = IPAddress(v4: 0x0A00_0001)
  let client = IPAddress(v4: 0xC000_0201)

  private func resolver(_ trusted: String...) throws -> ClientAddress {
    ClientAddress(trusted: try trusted.map { try IPPrefix($0) })
  }

  @Test("headers of somebody who isn't a trusted proxy mean nothing")
  func untrusted() throws {
    for resolver in [try resolver(), try resolver("192.168.0.0/16")] {
      #expect(resolver.resolve(peer: proxy, realIP: "192.0.2.1", forwardedFor: "192.0.2.1") == proxy)
    }
  }

  @Test("a trusted proxy's headers are believed; x-real-ip only without the other, as clients can make it up")
  func trusted() throws {
    let resolver = try resolver("10.0.0.0/8")
    #expect(resolver.resolve(peer: proxy, realIP: "192.0.2.9", forwardedFor: "192.0.2.1") == client)
    #expect(resolver.resolve(peer: proxy, realIP: "192.0.2.1", forwardedFor: nil) == client)
    #expect(resolver.resolve(peer: proxy, realIP: nil, forwardedFor: "192.0.2.1") == client)
    #expect(resolver.resolve(peer: proxy, realIP: "nonsense", forwardedFor: nil) == proxy)
  }

  @Test("of forwarded addresses the rightmost that is no proxy of ours counts: those left of it are its word")
  func chain() throws {
    let resolver = try resolver("10.0.0.0/8")
    #expect(
      resolver.resolve(peer: proxy, realIP: nil, forwardedFor: "8.8.8.8, 192.0.2.1, 10.0.0.7") == client)
    #expect(resolver.resolve(peer: proxy, realIP: nil, forwardedFor: "junk, 192.0.2.1") == client)
    #expect(
      resolver.resolve(peer: proxy, realIP: nil, forwardedFor: "8.8.8.8, junk, 10.0.0.7")
        == IPAddress(v4: 0x0A00_0007))
  }

  @Test("ports and brackets around addresses are understood")
  func forms() throws {
    let resolver = try resolver("10.0.0.0/8")
    #expect(resolver.resolve(peer: proxy, realIP: "192.0.2.1:4711", forwardedFor: nil) == client)
    let six = try IPAddress("2001:db8::1")
    for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443"] {
      #expect(resolver.resolve(peer: proxy, realIP: text, forwardedFor: nil) == six)
    }
  }

  @Test("limits count an IPv4 address, and the /64 of an IPv6 one")
  func clients() throws {
    let address = { (text: String) in try IPAddress(text).client }
    #expect(try address("192.0.2.1") == IPAddress("192.0.2.1"))
    #expect(try address("::ffff:192.0.2.1") == IPAddress("192.0.2.1"))
    #expect(try address("2001:db8:1:2:aaaa::1") == address("2001:db8:1:2:bbbb::2"))
    #expect(try address("2001:db8:1:2::1") != address("2001:db8:1:3::1"))
  }

  @Test("a proxy is recognized when its address comes mapped into IPv6")
  func mapped() throws {
    let resolver = try resolver("10.0.0.0/8")
    let mapped = try IPAddress("::ffff:10.0.0.1")
    #expect(resolver.resolve(peer: mapped, realIP: "192.0.2.1", forwardedFor: nil) == client)
  }
}

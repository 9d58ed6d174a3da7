import ClusterModel
import DiscoveryProtocol
import Foundation
import Sealing
import Testing

@Suite("Seal and open")
struct AffiliateCipherTests {
  let cipher: AffiliateCipher
  let nodeID: NodeIdentity

  init() throws {
    cipher = AffiliateCipher(key: try ClusterKey(bytes: 0..<32))
    nodeID = try NodeIdentity("joSJAPTZXi3zz9PA38dxayJdR35kTbfkE64v7lCcgOE")
  }

  func wire(_ message: PlainAffiliate, endpoints: [[UInt8]] = []) throws -> WireAffiliate {
    let data = try cipher.seal(message)
    return .with {
      $0.id = nodeID.text
      $0.data = Data(data)
      $0.endpoints = endpoints.map { Data($0) }
    }
  }

  func message(_ change: (inout PlainAffiliate) -> Void) -> PlainAffiliate {
    .with {
      $0.nodeID = nodeID.text
      change(&$0)
    }
  }

  @Test("an affiliate with everything survives")
  func roundTrip() throws {
    let affiliate = Affiliate(
      nodeID: nodeID, addresses: [try IPAddress("10.5.0.2"), try IPAddress("fd00::2")],
      hostname: "host-ä", nodename: "node", operatingSystem: "Talos (v1.15.0)", machineType: .controlplane,
      kubeSpan: KubeSpanAffiliate(
        publicKey: "R4aGj9jDMC0o9cdJZBmL8B99Dyl7IY+MhQ00Ok3vYP0=", address: try IPAddress("fd83::1"),
        additionalAddresses: [try IPPrefix("10.244.0.1/24")],
        endpoints: [try IPEndpoint("1.2.3.4:51820"), try IPEndpoint("[2001:db8::1]:51820")]),
      controlPlane: ControlPlane(apiServerPort: 6443))
    let endpoints = try affiliate.kubeSpan?.endpoints.map { try cipher.seal($0) } ?? []
    let opened = try #require(try cipher.open(try wire(PlainAffiliate(affiliate), endpoints: endpoints)))
    #expect(opened.affiliate == affiliate)
    #expect(opened.skipped == [])
  }

  @Test("an affiliate is other bytes each time, an endpoint the same")
  func nonces() throws {
    let affiliate = Affiliate(nodeID: nodeID)
    #expect(try cipher.seal(affiliate) != cipher.seal(affiliate))
    let endpoint = try IPEndpoint("[2001:db8::1]:65535")
    #expect(try cipher.seal(endpoint) == cipher.seal(endpoint))
  }

  @Test("an affiliate without data is none")
  func withoutData() throws {
    #expect(try cipher.open(.with { $0.id = nodeID.text }) == nil)
  }

  @Test("an affiliate that is too big for a service is told before it is sent")
  func tooBig() throws {
    let affiliate = Affiliate(nodeID: nodeID, addresses: (0..<200).map { IPAddress(v6High: 1, low: $0) })
    let error = try #require(throws: SealError.self) { try cipher.seal(affiliate) }
    guard case .tooBig(let byteCount, 2048) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(byteCount > 2048)
  }

  @Test(
    "data of too few or too many bytes is refused", arguments: [1, 11, 12, 27, 1 << 16 + 1, 1 << 20])
  func length(count: Int) throws {
    let error = try #require(throws: OpenError.self) {
      try cipher.openMessage([UInt8](repeating: 1, count: count))
    }
    #expect(error.kind == .length)
  }

  @Test("every flipped bit of the data is seen")
  func tampered() throws {
    let sealed = try cipher.seal(Affiliate(nodeID: nodeID, hostname: "host"))
    for bit in 0..<(sealed.count * 8) {
      var changed = sealed
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      let error = try #require(throws: OpenError.self) { try cipher.openMessage(changed) }
      #expect(error.kind == .notTheKey)
    }
  }

  @Test("sealed garbage is malformed, not an affiliate")
  func malformed() throws {
    // Field 1 with a length beyond the end, and text that isn't UTF-8: both well sealed.
    for plain: [UInt8] in [[0x0A, 0xFF, 0x01], [0x1A, 0x02, 0xC3, 0x28], [0xFF]] {
      let sealed = try RawSeal.seal(plain)
      let error = try #require(throws: OpenError.self) { try cipher.openMessage(sealed) }
      #expect(error.kind == .malformed)
    }
  }

  @Test("a bad item is left out and the others stay")
  func badItems() throws {
    let opened = try #require(
      try cipher.open(
        try wire(
          message {
            $0.addresses = [
              Data([10, 0, 0, 1]), Data([1, 2, 3, 4, 5]), Data(),
              Data([0xFE, 0x80] + [UInt8](repeating: 0, count: 14) + Array("eth0".utf8)),
              Data([10, 0, 0, 2]), Data([10, 0, 0, 1]),
            ]
            $0.hostname = "a\u{0}b"
            $0.nodename = String(repeating: "n", count: 513)
            $0.machineType = "toaster"
            $0.controlPlane.apiServerPort = 65536
            $0.kubespan.address = Data([1])
            $0.kubespan.publicKey = "key"
            $0.kubespan.additionalAddresses = [
              .with {
                $0.ip = Data([10, 0, 0, 0])
                $0.bits = 33
              },
              .with {
                $0.ip = Data([10, 0, 0, 0])
                $0.bits = 8
              },
              .with {
                $0.ip = Data([10, 0, 0])
                $0.bits = .max
              },
            ]
          })))
    let affiliate = opened.affiliate
    #expect(affiliate.addresses.map(\.description) == ["10.0.0.1", "10.0.0.2"])
    #expect(affiliate.hostname == "")
    #expect(affiliate.nodename == "")
    #expect(affiliate.machineType == .unknown)
    #expect(affiliate.controlPlane == nil)
    #expect(affiliate.kubeSpan?.publicKey == "key")
    #expect(affiliate.kubeSpan?.address == nil)
    #expect(affiliate.kubeSpan?.additionalAddresses.map(\.description) == ["10.0.0.0/8"])
    var tally = OpenTally()
    tally.add(contentsOf: opened.skipped)
    #expect(tally.description == "4 address, 1 zone, 1 prefix, 1 port, 2 text, 1 machine-type")
    #expect(tally.total == 10)
  }

  @Test("addresses at which no node is reached are left out, and one mapped into IPv6 is the IPv4 address")
  func unreachableAddresses() throws {
    let mapped = Data([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 10, 0, 0, 1])
    let opened = try #require(
      try cipher.open(
        try wire(
          message {
            $0.addresses = [
              Data([127, 0, 0, 1]), Data([10, 0, 0, 1]), mapped, Data([0, 0, 0, 0]),
              Data([UInt8](repeating: 0, count: 16)), Data([224, 0, 0, 1]),
            ]
          })))
    #expect(opened.affiliate.addresses.map(\.description) == ["10.0.0.1"])
    #expect(opened.skipped.map(\.kind) == [.address, .address, .address, .address])
  }

  @Test("lists end at what is taken")
  func longLists() throws {
    // More than a service would take, so it is read without being sealed.
    let opened = OpenedAffiliate(
      message { $0.addresses = (0..<10_000).map { Data(IPAddress(v4: UInt32($0)).bytes) } }, nodeID: nodeID)
    #expect(opened.affiliate.addresses.count == 512)
    #expect(opened.skipped.map(\.kind) == [.count])
  }

  @Test("an id that is no node identity is refused", arguments: ["", "a/b", "a b", "\u{e9}"])
  func badIdentity(id: String) throws {
    var wire = try wire(message { $0.nodeID = id })
    wire.id = id
    let error = try #require(throws: OpenError.self) { try cipher.open(wire) }
    #expect(error.kind == .identity)
  }

  @Test("a message never has control characters of what came from others")
  func quoting() throws {
    let error = try #require(throws: OpenError.self) { try cipher.open(.with { $0.id = "\u{1b}[2J\n" }) }
    #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }
}

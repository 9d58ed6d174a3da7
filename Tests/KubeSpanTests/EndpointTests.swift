import ClusterModel
import KubeSpan
import Testing

@Suite("Endpoints that are announced")
struct OwnEndpointsTests {
  private struct Case: Decodable {
    let name: String
    let currentAddresses: [IPAddress]
    let kubespanAddress: IPAddress
    let publicAddresses: [IPAddress]
    let endpointFilters: [String]?
    let extraAnnouncedEndpoints: [IPEndpoint]
    let expectedEndpoints: [IPEndpoint]
    let expectedError: Bool
  }

  @Test("are the existing system's")
  func vectorsPass() throws {
    let cases = try vectors("own-endpoints", as: Case.self)
    #expect(cases.count == 12)
    for item in cases {
      guard !item.expectedError else {
        #expect(throws: ModelError.self) { try AddressFilter(item.endpointFilters ?? []) }
        continue
      }
      let own = OwnEndpoints(
        currentAddresses: item.currentAddresses, kubeSpanAddress: item.kubespanAddress,
        publicAddresses: item.publicAddresses, filter: try item.endpointFilters.map { try AddressFilter($0) },
        extra: item.extraAnnouncedEndpoints)
      #expect(own.endpoints == item.expectedEndpoints, "\(item.name)")
    }
  }

  @Test("leave out pods, services and SideroLink")
  func foreignNetworks() throws {
    let own = OwnEndpoints(
      currentAddresses: try ["10.244.1.1", "10.0.0.5", "fd01:2:3:403::1"].map { try IPAddress($0) },
      kubeSpanAddress: nil, clusterNetworks: try prefixes("10.244.0.0/16", "10.96.0.0/12"), port: 7000)
    #expect(own.endpoints.map(\.description) == ["10.0.0.5:7000"])
  }

  @Test("of an empty filter, or of negations alone, are none")
  func emptyFilter() throws {
    let address = try IPAddress("10.0.0.5")
    #expect(try AddressFilter([]).select([address]).isEmpty)
    #expect(try AddressFilter(["!10.1.0.0/16"]).select([address]).isEmpty)
    #expect(try AddressFilter(["10.0.0.5"]).select([address]) == [address])
  }

  @Test("pass a filter one by one as they do together")
  func allows() throws {
    let filter = try AddressFilter(["10.0.0.0/8", "!10.0.1.0/24", "10.0.1.5", "::/0", "!fd00::/8"])
    let addresses = try ["10.0.0.1", "10.0.1.4", "10.0.1.5", "11.0.0.1", "2001:db8::1", "fd00::1"].map {
      try IPAddress($0)
    }
    #expect(Set(filter.select(addresses)) == Set(addresses.filter(filter.allows)))
  }
}

@Suite("Endpoints that are tried")
struct EndpointChoiceTests {
  private struct Case: Decodable {
    let name: String
    let endpoints: [IPEndpoint]
    let lastUsedEndpoint, currentEndpoint, expectedPick: String
  }

  @Test("follow each other as in the existing system")
  func vectorsPass() throws {
    let cases = try vectors("endpoint-pick", as: Case.self)
    #expect(cases.count == 10)
    for item in cases {
      let pick = EndpointRotation.next(
        in: item.endpoints, after: try endpoint(item.lastUsedEndpoint),
        current: try endpoint(item.currentEndpoint))
      #expect(pick == (try endpoint(item.expectedPick)), "\(item.name)")
    }
  }

  @Test("are the last good one first, then those nearby, then those of a family that this node has")
  func order() throws {
    let ranking = EndpointRanking(ownAddresses: try prefixes("192.168.1.7/24"))
    let listed = try ["[2001:db8::1]:51820", "203.0.113.5:51820", "192.168.1.9:51820", "203.0.113.5:51820"]
      .map {
        try IPEndpoint($0)
      }
    let last = try IPEndpoint("198.51.100.9:4444")
    #expect(ranking.candidates(of: listed) == [listed[2], listed[1], listed[0]])
    #expect(ranking.candidates(of: listed, lastGood: last) == [last, listed[2], listed[1], listed[0]])
    #expect(ranking.candidates(of: listed, lastGood: listed[0]) == [listed[0], listed[2], listed[1]])
  }

  @Test("aren't those that can't answer, and it is said why")
  func refusals() throws {
    let ranking = EndpointRanking(
      filter: try AddressFilter(["0.0.0.0/0", "!10.9.0.0/16"]),
      tunnel: try IPPrefix("fd7f:175a:b97c:5602::/64"),
      ownAddresses: try prefixes("172.17.0.1/16"))
    func refusal(_ text: String) throws -> EndpointRanking.Refusal? {
      let endpoint = try IPEndpoint(text)
      let refusal = ranking.refusal(of: endpoint)
      #expect(ranking.candidates(of: [endpoint], lastGood: endpoint).isEmpty == (refusal != nil))
      return refusal
    }
    #expect(try refusal("10.0.0.1:51820") == nil)
    #expect(try refusal("10.9.0.1:51820") == .filtered)
    #expect(try refusal("[fd7f:175a:b97c:5602::1]:51820") == .insideTunnel)
    #expect(try refusal("172.17.0.1:51820") == .ownAddress)
    #expect(try refusal("172.17.0.2:51820") == nil)
    for text in ["10.0.0.1:0", "0.0.0.0:1", "[fe80::1]:51820", "224.0.0.1:1", "127.0.0.1:51820"] {
      #expect(try refusal(text) == .unusable, "\(text)")
    }
  }
}

@Suite("The marked set")
struct MarkedSetTests {
  private struct Case: Decodable {
    struct Peer: Decodable {
      let state: String
      let allowedIPs: [IPPrefix]
    }

    let name: String
    let allowDownPeerBypass: Bool
    let peers: [Peer]
    let expectedIPv4, expectedIPv6: [IPPrefix]
  }

  @Test("is the existing system's")
  func vectorsPass() throws {
    let cases = try vectors("routed-set", as: Case.self)
    #expect(cases.count == 5)
    for item in cases {
      let peers = try item.peers.map {
        (state: try #require(PeerState(rawValue: $0.state)), allowedIPs: $0.allowedIPs)
      }
      let marked = MarkedSet(peers: peers, allowsBypass: item.allowDownPeerBypass)
      #expect(marked.v4 == item.expectedIPv4, "\(item.name)")
      #expect(marked.v6 == item.expectedIPv6, "\(item.name)")
      #expect(MarkedSet(peers: peers.reversed(), allowsBypass: item.allowDownPeerBypass) == marked)
    }
  }

  @Test("keeps what only joins with a KubeSpan network to a larger prefix")
  func neighbour() throws {
    let peers = [(state: PeerState.up, allowedIPs: try prefixes("fd00:0:0:2::/64", "fd00:0:0:3::/64"))]
    #expect(MarkedSet(peers: peers, allowsBypass: false).v6 == (try prefixes("fd00:0:0:3::/64")))
  }
}

import ClusterModel
import DiscoveryProtocol
import Sealing
import Testing

@Suite("What the existing Go client sealed")
struct VectorTests {
  @Test("there are vectors")
  func present() { #expect(SealedVector.all.count == 16) }

  @Test("every affiliate opens, nothing of it left out", arguments: SealedVector.all)
  func affiliateOpens(vector: SealedVector) throws {
    let opened = try #require(try vector.cipher().open(vector.wire))
    #expect(opened.skipped == [])
    #expect(opened.affiliate.nodeID.text == vector.affiliateID)
    #expect(opened.affiliate.kubeSpan?.endpoints.map(\.description) == vector.plainEndpoints)
  }

  @Test("what is inside is byte for byte what we write", arguments: SealedVector.all)
  func plainIsEqual(vector: SealedVector) throws {
    let cipher = try vector.cipher()
    let message = try cipher.openMessage(vector.data)
    #expect(try message.serializedBytes() as [UInt8] == Array(vector.plain))
    // By way of the model too: it loses nothing that the message has.
    let opened = try #require(try cipher.open(vector.wire))
    #expect(try PlainAffiliate(opened.affiliate).serializedBytes() as [UInt8] == Array(vector.plain))
  }

  @Test("our endpoints are byte for byte the Go client's", arguments: SealedVector.all)
  func endpointsAreEqual(vector: SealedVector) throws {
    let cipher = try vector.cipher()
    for (text, sealed) in zip(vector.plainEndpoints, vector.endpoints) {
      let endpoint = try IPEndpoint(text)
      #expect(try cipher.seal(endpoint) == Array(sealed))
      #expect(try cipher.openEndpoint(sealed) == endpoint)
    }
  }

  @Test("no affiliate opens with another cluster's secret", arguments: SealedVector.all)
  func wrongKey(vector: SealedVector) throws {
    let other = AffiliateCipher(key: try ClusterKey(bytes: [UInt8](repeating: 7, count: 32)))
    let error = try #require(throws: OpenError.self) { try other.open(vector.wire) }
    #expect(error.kind == .notTheKey)
  }

  @Test("an affiliate under another's id is refused")
  func swapped() throws {
    var wire = SealedVector.all[0].wire
    wire.id = SealedVector.all[1].affiliateID
    let error = try #require(throws: OpenError.self) { try SealedVector.all[0].cipher().open(wire) }
    #expect(error.kind == .identityMismatch)
    #expect(error.message.contains(SealedVector.all[0].affiliateID))
  }
}

import ClusterModel
import RegistryKit
import Testing

@testable import ServiceRegistry

@Suite("What a service is told")
struct PublicationPlanTests {
  var plan = PublicationPlan(refresh: .seconds(900))

  static func item(_ id: String, _ data: UInt8?, _ endpoints: [UInt8] = []) -> SealedPublication.Item {
    .init(affiliateID: id, data: data.map { [$0] }, endpoints: endpoints.map { [$0] })
  }

  let mine = item("me", 1, [1])
  let other = item("other", nil, [2])

  @Test("is everything at first, this node before others, and again after the refresh time")
  mutating func order() {
    plan.replace(with: SealedPublication(items: [mine, other]))
    #expect(plan.next(at: .zero) == .update(mine))
    plan.accepted(.update(mine), at: .zero)
    #expect(plan.next(at: .zero) == .update(other))
    #expect(!plan.isSettled)
    plan.accepted(.update(other), at: .seconds(1))
    #expect(plan.isSettled)
    #expect(plan.nextDue == .seconds(900))
    #expect(plan.next(at: .seconds(899)) == nil)
    #expect(plan.next(at: .seconds(900)) == .update(mine))
    // A refresh doesn't make it new.
    #expect(plan.isSettled)
  }

  @Test("is only what changed")
  mutating func changed() {
    plan.replace(with: SealedPublication(items: [mine, other]))
    plan.accepted(.update(mine), at: .zero)
    plan.accepted(.update(other), at: .zero)
    let changed = Self.item("other", nil, [2, 3])
    plan.replace(with: SealedPublication(items: [mine, changed]))
    #expect(plan.next(at: .seconds(5)) == .update(changed))
    plan.accepted(.update(changed), at: .seconds(5))
    #expect(plan.next(at: .seconds(5)) == nil)
  }

  @Test("isn't settled by the answer to what was replaced meanwhile")
  mutating func replacedMeanwhile() {
    plan.replace(with: SealedPublication(items: [mine]))
    let newer = Self.item("me", 2)
    plan.replace(with: SealedPublication(items: [newer]))
    plan.accepted(.update(mine), at: .zero)
    #expect(plan.next(at: .zero) == .update(newer))
  }

  @Test("is everything again in a new session, as the service may have forgotten")
  mutating func session() {
    plan.replace(with: SealedPublication(items: [mine]))
    plan.accepted(.update(mine), at: .zero)
    plan.sessionStarted()
    #expect(!plan.isSettled)
    #expect(plan.next(at: .seconds(1)) == .update(mine))
  }

  @Test("is tried again later where it was refused, and others go on")
  mutating func refused() {
    plan.replace(with: SealedPublication(items: [mine, other]))
    plan.refused(.update(mine), until: .seconds(1))
    #expect(plan.next(at: .zero) == .update(other))
    plan.accepted(.update(other), at: .zero)
    #expect(plan.nextDue == .seconds(1))
    #expect(plan.next(at: .seconds(1)) == .update(mine))
  }

  @Test("is a withdrawal, once, where this node was published")
  mutating func withdrawal() {
    plan.replace(with: SealedPublication(withdraws: true))
    #expect(plan.isSettled)
    plan.replace(with: SealedPublication(items: [mine]))
    plan.accepted(.update(mine), at: .zero)
    plan.replace(with: SealedPublication(withdraws: true))
    #expect(plan.next(at: .zero) == .delete(affiliateID: "me"))
    plan.sessionStarted()
    #expect(plan.next(at: .zero) == .delete(affiliateID: "me"))
    plan.accepted(.delete(affiliateID: "me"), at: .zero)
    #expect(plan.isSettled)
    #expect(plan.nextDue == nil)
  }

  @Test("keeps its bytes where nothing changed")
  func sealing() throws {
    let cluster = try Cluster()
    var sealer = PublicationSealer(cipher: cluster.cipher)
    var affiliate = try cluster.affiliate("me", endpoints: ["1.2.3.4:5"])
    let first = try sealer.seal(Publication(local: affiliate))
    let seen = [try NodeIdentity("b"): [try IPEndpoint("5.6.7.8:9")], try NodeIdentity("me"): []]
    let second = try sealer.seal(Publication(local: affiliate, seenEndpoints: seen))
    #expect(second.items.map(\.affiliateID) == ["me", "b"])
    #expect(second.items[0] == first.items[0])
    #expect(first.items[0].endpoints == [try cluster.cipher.seal(try IPEndpoint("1.2.3.4:5"))])
    affiliate.hostname = "new"
    #expect(try sealer.seal(Publication(local: affiliate)).items[0].data != first.items[0].data)
  }

  @Test("has no more endpoints of a node than a service takes, and counts the others")
  func manyEndpoints() throws {
    var sealer = PublicationSealer(cipher: try Cluster().cipher)
    let endpoints = (0..<70).map { IPEndpoint(address: IPAddress(v4: $0), port: 1) }
    let sealed = try sealer.seal(Publication(local: nil, seenEndpoints: [try NodeIdentity("b"): endpoints]))
    #expect(sealed.items.first?.endpoints.count == 64)
    #expect(sealed.omittedEndpoints == 6)
  }
}

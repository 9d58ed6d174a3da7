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
  let no = RegistryError(.failed, "no")

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
    plan.refused(.update(mine), no, at: .zero, random: 0.5)
    #expect(plan.next(at: .zero) == .update(other))
    #expect(!plan.isAnswered)
    plan.accepted(.update(other), at: .zero)
    #expect(plan.isAnswered && !plan.isSettled && plan.problem == no)
    #expect(plan.nextDue == .milliseconds(500))
    #expect(plan.next(at: .milliseconds(500)) == .update(mine))
    plan.accepted(.update(mine), at: .milliseconds(500))
    #expect(plan.isSettled && plan.problem == nil)
  }

  @Test(
    "is settled with endpoints of another that are refused, which are tried again at the refresh at the latest"
  )
  mutating func refusedForeign() {
    plan = PublicationPlan(refresh: .seconds(1))
    plan.replace(with: SealedPublication(items: [mine, other]))
    plan.accepted(.update(mine), at: .zero)
    for _ in 0..<10 { plan.refused(.update(other), no, isExhausted: true, at: .zero, random: 0.5) }
    #expect(plan.isSettled && plan.problem == no)
    #expect(plan.next(at: .milliseconds(999)) == nil)
    plan.accepted(.update(mine), at: .seconds(1))
    #expect(plan.next(at: .seconds(1)) == .update(other))
    plan.sessionStarted()
    #expect(!plan.isAnswered && plan.problem == nil)
  }

  @Test("is the data alone, then the endpoints, where the service has too many of those")
  mutating func tooManyEndpoints() {
    plan.replace(with: SealedPublication(items: [mine, other]))
    let (data, endpoints) = (Self.item("me", 1), Self.item("me", nil, [1]))
    plan.refused(.update(mine), no, isExhausted: true, at: .zero, random: 0.5)
    // Nothing is refused yet that can't be told otherwise.
    #expect(plan.problem == nil)
    #expect(plan.next(at: .zero) == .update(data))
    plan.accepted(.update(data), at: .zero)
    #expect(plan.next(at: .zero) == .update(endpoints))
    plan.refused(.update(endpoints), no, isExhausted: true, at: .zero, random: 0.5)
    plan.accepted(.update(other), at: .zero)
    #expect(plan.isSettled && plan.problem == no)
    #expect(plan.next(at: .milliseconds(500)) == .update(endpoints))
    // The same once more changes nothing; new data go out whatever the service says to endpoints.
    plan.replace(with: SealedPublication(items: [mine, other]))
    #expect(plan.next(at: .milliseconds(499)) == nil)
    let newer = Self.item("me", 2, [1])
    plan.replace(with: SealedPublication(items: [newer, other]))
    #expect(plan.problem == no)
    plan.refused(.update(newer), no, isExhausted: true, at: .seconds(1), random: 0.5)
    plan.accepted(.update(Self.item("me", 2)), at: .seconds(1))
    plan.accepted(.update(endpoints), at: .seconds(2))
    #expect(plan.isSettled && plan.problem == nil)
    // Both are in: the next time it goes out whole.
    #expect(plan.next(at: .seconds(900)) == .update(other))
    plan.accepted(.update(other), at: .seconds(900))
    #expect(plan.next(at: .seconds(900)) == nil)
    #expect(plan.next(at: .seconds(901)) == .update(newer))
  }

  @Test("stays whole where the data alone are refused as well")
  mutating func exhausted() {
    plan.replace(with: SealedPublication(items: [mine]))
    plan.refused(.update(mine), no, isExhausted: true, at: .zero, random: 0.5)
    plan.refused(.update(Self.item("me", 1)), no, isExhausted: true, at: .zero, random: 0.5)
    #expect(plan.next(at: .zero) == nil)
    #expect(plan.isAnswered && !plan.isSettled)
    #expect(plan.next(at: .milliseconds(500)) == .update(mine))
    // The trouble stays visible while it is told in parts again.
    plan.refused(.update(mine), no, isExhausted: true, at: .milliseconds(500), random: 0.5)
    #expect(plan.problem == no)
    plan.sessionStarted()
    #expect(plan.next(at: .zero) == .update(mine))
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

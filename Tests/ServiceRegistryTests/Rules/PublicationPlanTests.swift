import ClusterModel
import RegistryKit
import Testing

@testable import ServiceRegistry

@Suite("What is sent to a service")
struct PublicationPlanTests {
  var plan = PublicationPlan(ttl: .seconds(1800), localID: nil)

  static func item(_ id: String, _ data: UInt8?, _ endpoints: [UInt8] = []) -> SealedPublication.Item {
    .init(affiliateID: id, data: data.map { [$0] }, endpoints: endpoints.map { [$0] })
  }

  let mine = item("me", 1, [1])
  let other = item("other", nil, [2])
  let no = RegistryError(.failed, "no")
  let away = RegistryError(.unavailable, "away")

  /// Whether the service has this node's data and has answered all else, some time in the first seconds.
  var isAccepted: Bool { plan.status(at: .seconds(1)) == .accepted }

  @Test("is everything at first, this node before others, and again after the refresh time")
  mutating func order() {
    plan.replace(with: SealedPublication(items: [mine, other]))
    #expect(plan.next(at: .zero) == .update(mine))
    plan.accepted(.update(mine), at: .zero)
    #expect(plan.next(at: .zero) == .update(other))
    #expect(!isAccepted)
    plan.accepted(.update(other), at: .seconds(1))
    #expect(isAccepted)
    #expect(plan.nextDue == .seconds(900))
    #expect(plan.next(at: .seconds(899)) == nil)
    #expect(plan.next(at: .seconds(900)) == .update(mine))
    // A refresh doesn't make it new.
    #expect(isAccepted)
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
    #expect(!isAccepted)
    #expect(plan.next(at: .seconds(1)) == .update(mine))
  }

  @Test("is tried again later where it was refused, and others go on")
  mutating func refused() {
    plan.replace(with: SealedPublication(items: [mine, other]))
    plan.refused(.update(mine), no, at: .zero, random: 0.5)
    #expect(plan.next(at: .zero) == .update(other))
    #expect(!plan.isAnswered)
    plan.accepted(.update(other), at: .zero)
    #expect(plan.isAnswered && !isAccepted && plan.problem == no)
    #expect(plan.nextDue == .milliseconds(500))
    #expect(plan.next(at: .milliseconds(500)) == .update(mine))
    plan.accepted(.update(mine), at: .milliseconds(500))
    #expect(isAccepted && plan.problem == nil)
  }

  @Test(
    "is settled with endpoints of another that are refused, which are tried again at the refresh at the latest"
  )
  mutating func refusedForeign() {
    plan = PublicationPlan(ttl: .seconds(2), localID: nil)
    plan.replace(with: SealedPublication(items: [mine, other]))
    plan.accepted(.update(mine), at: .zero)
    for _ in 0..<10 { plan.refused(.update(other), no, isExhausted: true, at: .zero, random: 0.5) }
    #expect(isAccepted && plan.problem == no)
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
    // Nothing is refused yet that can't be sent otherwise.
    #expect(plan.problem == nil)
    #expect(plan.next(at: .zero) == .update(data))
    plan.accepted(.update(data), at: .zero)
    #expect(plan.next(at: .zero) == .update(endpoints))
    plan.refused(.update(endpoints), no, isExhausted: true, at: .zero, random: 0.5)
    plan.accepted(.update(other), at: .zero)
    #expect(isAccepted && plan.problem == no)
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
    #expect(isAccepted && plan.problem == nil)
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
    #expect(plan.isAnswered && !isAccepted)
    #expect(plan.next(at: .milliseconds(500)) == .update(mine))
    // The trouble stays visible while it is sent in parts again.
    plan.refused(.update(mine), no, isExhausted: true, at: .milliseconds(500), random: 0.5)
    #expect(plan.problem == no)
    plan.sessionStarted()
    #expect(plan.next(at: .zero) == .update(mine))
  }

  @Test("is a withdrawal, once, where this node was published")
  mutating func withdrawal() {
    plan.replace(with: SealedPublication())
    #expect(isAccepted)
    plan.replace(with: SealedPublication(items: [mine]))
    plan.accepted(.update(mine), at: .zero)
    plan.replace(with: SealedPublication())
    #expect(plan.next(at: .zero) == .delete(affiliateID: "me"))
    plan.sessionStarted()
    #expect(plan.next(at: .zero) == .delete(affiliateID: "me"))
    plan.accepted(.delete(affiliateID: "me"), at: .zero)
    #expect(isAccepted)
    #expect(plan.nextDue == nil)
  }

  @Test("is a withdrawal of what an earlier run may have published, once")
  mutating func earlierRun() {
    plan = PublicationPlan(ttl: .seconds(1800), localID: "me")
    #expect(plan.next(at: .zero) == nil)
    for _ in 0..<2 { plan.replace(with: SealedPublication()) }
    #expect(plan.next(at: .zero) == .delete(affiliateID: "me"))
    plan.accepted(.delete(affiliateID: "me"), at: .zero)
    plan.replace(with: SealedPublication())
    #expect(isAccepted && plan.next(at: .zero) == nil)
  }

  @Test("is the withdrawal again where it was refused, further and further apart")
  mutating func withdrawalRefused() {
    plan.replace(with: SealedPublication(items: [mine]))
    plan.accepted(.update(mine), at: .zero)
    plan.replace(with: SealedPublication())
    #expect(plan.status(at: .zero) == .pending)
    #expect(plan.status(at: .zero, unreachable: away) == .failed(away))
    plan.refused(.delete(affiliateID: "me"), no, at: .zero, random: 0.5)
    #expect(plan.status(at: .zero) == .failed(no) && plan.problem == no)
    // Asked for again it keeps its time.
    plan.replace(with: SealedPublication())
    #expect(plan.next(at: .zero) == nil)
    #expect(plan.next(at: .milliseconds(500)) == .delete(affiliateID: "me"))
    // Published again it is no withdrawal any more.
    plan.replace(with: SealedPublication(items: [mine]))
    #expect(plan.next(at: .milliseconds(500)) == .update(mine))
  }

  @Test("has failed while its service is away, but for what the service accepted less than a ttl ago")
  mutating func serviceAway() {
    plan.replace(with: SealedPublication(items: [mine]))
    #expect(plan.status(at: .zero) == .pending)
    #expect(plan.status(at: .zero, unreachable: away) == .failed(away))
    plan.accepted(.update(mine), at: .seconds(10))
    plan.sessionStarted()
    #expect(plan.status(at: .seconds(1809)) == .pending)
    #expect(plan.status(at: .seconds(1809), unreachable: away) == .accepted)
    #expect(plan.status(at: .seconds(1810), unreachable: away) == .failed(away))
    // New content it doesn't have.
    plan.replace(with: SealedPublication(items: [Self.item("me", 2)]))
    #expect(plan.status(at: .seconds(11), unreachable: away) == .failed(away))
    // Who isn't published needs no service.
    plan = PublicationPlan(ttl: .seconds(1800), localID: nil)
    plan.replace(with: SealedPublication())
    #expect(plan.status(at: .zero, unreachable: away) == .accepted)
  }

  @Test("has been refused where new content is, not before that is answered")
  mutating func refusedBefore() {
    plan.replace(with: SealedPublication(items: [mine]))
    plan.refused(.update(mine), no, at: .zero, random: 0.5)
    #expect(plan.status(at: .zero) == .failed(no))
    plan.replace(with: SealedPublication(items: [Self.item("me", 2)]))
    #expect(plan.status(at: .zero) == .pending)
    // The same again is neither sent before its time, nor is it news.
    plan.refused(.update(Self.item("me", 2)), no, at: .zero, random: 0.5)
    plan.replace(with: SealedPublication(items: [Self.item("me", 2)]))
    #expect(plan.next(at: .zero) == nil && plan.status(at: .zero) == .failed(no))
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
    let sealed = try sealer.seal(
      Publication(
        local: try Cluster().affiliate("me"), seenEndpoints: [try NodeIdentity("b"): endpoints]))
    #expect(sealed.items.last?.endpoints.count == 64)
    #expect(sealed.omittedEndpoints == 6)
  }
}

import NIOCore
import SwiftProtobuf

#if !FUZZING
  import DiscoveryProtocol
  @testable import DiscoveryService
#endif

/// What our reader takes for a message, SwiftProtobuf takes for the same one.
///
/// Not the other way round: a known field of a wrong kind is an unknown one there and a mistake here.
enum FuzzedMessages {
  private static func theirs<Message: SwiftProtobuf.Message>(_ bytes: [UInt8]) throws -> Message {
    do {
      return try Message(serializedBytes: bytes)
    } catch {
      throw ServiceFuzz.Broken(what: "SwiftProtobuf doesn't read what we do: \(error)")
    }
  }

  /// The request that was read from `bytes`.
  static func check(_ request: ServiceRequest, _ bytes: [UInt8]) throws {
    let isSame: Bool
    switch request {
    case .hello(let cluster, let version):
      let wire: WireHelloRequest = try theirs(bytes)
      isSame = cluster == OpaqueID(wire.clusterID) && version.utf8.elementsEqual(wire.clientVersion.utf8)
    case .update(let update):
      let wire: WireAffiliateUpdateRequest = try theirs(bytes)
      let ttl = wire.hasTtl ? Duration.seconds(wire.ttl.seconds) + .nanoseconds(wire.ttl.nanos) : nil
      isSame =
        update
        == AffiliateUpdate(
          cluster: OpaqueID(wire.clusterID), affiliate: OpaqueID(wire.affiliateID),
          data: wire.hasAffiliateData ? Array(wire.affiliateData) : nil,
          endpoints: wire.affiliateEndpoints.map { Array($0) }, timeToLive: ttl)
    case .delete(let cluster, let affiliate):
      let wire: WireAffiliateDeleteRequest = try theirs(bytes)
      isSame = cluster == OpaqueID(wire.clusterID) && affiliate == OpaqueID(wire.affiliateID)
    case .list(let cluster):
      let wire: WireListRequest = try theirs(bytes)
      isSame = cluster == OpaqueID(wire.clusterID)
    case .watch(let cluster):
      let wire: WireWatchRequest = try theirs(bytes)
      isSame = cluster == OpaqueID(wire.clusterID)
    }
    try ServiceFuzz.require(isSame, "SwiftProtobuf reads another request")
  }

  /// The clusters that were read from a snapshot's `bytes`.
  static func check(
    _ clusters: [(cluster: OpaqueID, affiliates: [AffiliateSnapshot])], _ bytes: [UInt8]
  ) throws {
    let state: StoredStateSnapshot = try theirs(bytes)
    let isSame =
      state.clusters.map { OpaqueID($0.id) } == clusters.map(\.cluster)
      && zip(state.clusters, clusters).allSatisfy { theirs, ours in
        theirs.affiliates.count == ours.affiliates.count
          && zip(theirs.affiliates, ours.affiliates).allSatisfy(same)
      }
    try ServiceFuzz.require(isSame, "SwiftProtobuf reads another snapshot")
  }

  private static func same(_ theirs: StoredAffiliateSnapshot, _ ours: AffiliateSnapshot) -> Bool {
    ours.id == OpaqueID(theirs.id) && ours.data == Array(theirs.data)
      && ours.endpoints.map(\.data) == theirs.endpoints.map { Array($0.data) }
      && (!theirs.hasTtl || ours.timeToLive == left(theirs.ttl))
      && zip(ours.endpoints, theirs.endpoints).allSatisfy { !$1.hasTtl || $0.timeToLive == left($1.ttl) }
  }

  private static func left(_ time: Google_Protobuf_Duration) -> Int64 {
    max(0, (Duration.seconds(time.seconds) + .nanoseconds(time.nanos)).nanoseconds)
  }
}

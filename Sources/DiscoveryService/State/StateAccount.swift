import ClusterModel

/// Who is charged for what the store keeps.
///
/// A cluster is charged to the client that brought its first affiliate, an affiliate to the one that last sent its
/// data, with all that others add to it. What a snapshot file brings is nobody's until its node is back.
struct StateAccount {
  let ledger: ResourceLedger

  /// Charges `client` for what an update adds, or nothing where that led above a bound.
  ///
  /// - Parameter bytes: How much more it takes than before; less is given back.
  func charge(
    _ client: IPAddress?, clusters: Int = 0, affiliates: Int = 0, bytes: Int
  ) throws(ServiceError) {
    if clusters > 0 { try ledger.take(clusters, .clusters, for: client) }
    do throws(ServiceError) {
      if affiliates > 0 { try ledger.take(affiliates, .affiliates, for: client) }
      do throws(ServiceError) {
        if bytes > 0 { try ledger.take(bytes, .stateBytes, for: client) }
      } catch {
        ledger.give(affiliates, .affiliates, for: client)
        throw error
      }
    } catch {
      ledger.give(clusters, .clusters, for: client)
      throw error
    }
    if bytes < 0 { ledger.give(-bytes, .stateBytes, for: client) }
  }

  /// `affiliate` becomes `client`'s, if it can be.
  func move(_ affiliate: StoredAffiliate, to client: IPAddress?) throws(ServiceError) {
    guard affiliate.owner != client else { return }
    try charge(client, affiliates: 1, bytes: affiliate.bytes)
    release(affiliate)
    affiliate.owner = client
  }

  func release(_ affiliate: StoredAffiliate) {
    ledger.give(1, .affiliates, for: affiliate.owner)
    ledger.give(affiliate.bytes, .stateBytes, for: affiliate.owner)
  }

  /// The last affiliate of `cluster` is gone.
  func release(_ cluster: StoredCluster) {
    ledger.give(1, .clusters, for: cluster.owner)
    cluster.owner = nil
  }
}

import ClusterModel
import DiscoveryProtocol
import RegistryKit

/// What a service tells.
extension EndpointRunner {
  func tellAddress(_ bytes: [UInt8], _ output: Output) throws(HostRefusal) {
    guard var address = IPAddress(bytes: bytes), !address.isUnspecified else { return }
    // A service on a socket for both protocols sees IPv4 mapped into IPv6.
    if bytes.count == 16, bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
      address = IPAddress(bytes: bytes.suffix(4)) ?? address
    }
    guard address != publicAddress else { return }
    publicAddress = address
    try telling { () throws(RegistryError) in try output.updates.publicAddress(address) }
  }

  func watch(
    _ connection: any ServiceConnection, _ here: ServiceURL, _ output: Output
  ) async throws -> Never {
    let clusterID = settings.clusterID
    try await connection.watch(.with { $0.clusterID = clusterID }) { answer in
      try await self.hear(answer, here, output)
    }
    throw RegistryError(.unavailable, "\(here) ended the watch")
  }

  func hear(_ answer: WireWatchResponse, _ here: ServiceURL, _ output: Output) throws {
    if hasSnapshot {
      try tell(book.change(answer.affiliates, deleted: answer.deleted), output)
    } else {
      guard !answer.deleted else {
        throw RegistryError(.failed, "\(here) doesn't begin the watch with what there is")
      }
      hasSnapshot = true
      try tell(book.snapshot(answer.affiliates, at: clock.now()), output)
      silenceSignal.raise()
      try telling { () throws(RegistryError) in try output.status.set(nil, .connection, of: number) }
      succeedIfAllIsWell()
    }
    let problem = book.problems.message.map { RegistryError(.failed, "\(url): \($0)") }
    try telling { () throws(RegistryError) in try output.status.set(problem, .items, of: number) }
    dropSignal.raise()
  }

  func tell(_ changes: [AffiliateBook.Change], _ output: Output) throws(HostRefusal) {
    for change in changes {
      try telling { () throws(RegistryError) in
        switch change {
        case .snapshot(let records): try output.updates.snapshot(records, source: source)
        case .upsert(let record): try output.updates.upsert(record, source: source)
        case .remove(let nodeID): try output.updates.remove(nodeID, source: source)
        case .confirm(let nodeID):
          toConfirm.insert(nodeID)
          confirmSignal.raise()
        }
      }
    }
  }

  func expectSnapshot(_ here: ServiceURL) async throws -> Never {
    try await clock.sleep(Self.callLimit)
    guard hasSnapshot else {
      throw RegistryError(.deadlineExceeded, "\(here) didn't answer Watch within 30 s")
    }
    while true { try await clock.sleep(.seconds(3600)) }
  }
}

import ClusterModel
import Synchronization

/// What each client's address has of what all share, so that one of them can't have it all: bytes of answers that
/// it leaves lying, and open watches.
///
/// Only addresses that have something are in the table, so it needs no bound of its own.
final class ClientShares: Sendable {
  private struct Share {
    var heldBytes = 0
    var watches = 0
    var isEmpty: Bool { heldBytes == 0 && watches == 0 }
  }

  private let shares = Mutex<[IPAddress: Share]>([:])

  /// Books `count` more bytes unless that led above `limit`; says whether it did.
  func hold(_ count: Int, for address: IPAddress, upTo limit: Int) -> Bool {
    add(count, to: address, \.heldBytes, upTo: limit)
  }

  func release(_ count: Int, of address: IPAddress) { subtract(count, from: address, \.heldBytes) }

  /// Counts one more watch unless there are `limit` already; says whether it did.
  func openWatch(for address: IPAddress, upTo limit: Int) -> Bool {
    add(1, to: address, \.watches, upTo: limit)
  }

  func closeWatch(of address: IPAddress) { subtract(1, from: address, \.watches) }

  /// Addresses that have something now.
  var count: Int { shares.withLock { $0.count } }

  private func add(
    _ amount: Int, to address: IPAddress, _ part: WritableKeyPath<Share, Int>, upTo limit: Int
  ) -> Bool {
    shares.withLock { shares in
      var share = shares[address] ?? Share()
      guard share[keyPath: part] + amount <= limit else { return false }
      share[keyPath: part] += amount
      shares[address] = share
      return true
    }
  }

  private func subtract(_ amount: Int, from address: IPAddress, _ part: WritableKeyPath<Share, Int>) {
    shares.withLock { shares in
      guard var share = shares[address] else { return }
      share[keyPath: part] -= amount
      shares[address] = share.isEmpty ? nil : share
    }
  }
}

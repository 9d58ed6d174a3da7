import ClusterModel
import ClusterResources
import Platform
import Rollcall

/// Finds the node that a person means.
enum NodeLookup {
  /// The node that `name` means: an identity, nodename, hostname or address, else the beginning of an
  /// identity. What is named exactly goes before what only begins so.
  ///
  /// - Throws: ``CommandError`` where there is none, or more than one.
  static func find(_ name: String, in snapshot: ClusterSnapshot) throws -> NodeIdentity {
    let affiliates = snapshot.affiliates.map(\.value)
    let address = try? IPAddress(name)
    let ways: [(String, (Affiliate) -> Bool)] = [
      ("identity", { $0.nodeID.text == name }),
      ("nodename", { $0.nodename == name }),
      ("hostname", { $0.hostname == name }),
      (
        "address",
        { affiliate in
          address.map { affiliate.addresses.contains($0) || affiliate.kubeSpan?.address == $0 } ?? false
        }
      ),
      ("identity that begins so", { $0.nodeID.text.hasPrefix(name) }),
    ]
    for (way, isMeant) in ways {
      let found = affiliates.filter(isMeant)
      if found.count > 1 { throw ambiguous(name, way, found) }
      if let only = found.first { return only.nodeID }
    }
    let known = affiliates.flatMap { [$0.nodename, $0.hostname] }.filter { !$0.isEmpty }
    let advice = didYouMean(name, among: Array(known.prefix(10_000)))
    throw CommandError(
      "no node has the identity, nodename, hostname or address '\(name)'"
        + (advice.map { ": \($0)" } ?? ""))
  }

  private static func ambiguous(_ name: String, _ way: String, _ found: [Affiliate]) -> CommandError {
    let listed = found.prefix(10).map { affiliate in
      affiliate.nodename.isEmpty ? affiliate.nodeID.text : "\(affiliate.nodeID) (\(affiliate.nodename))"
    }
    let more = found.count > listed.count ? " and \(found.count - listed.count) more" : ""
    return CommandError(
      "\(found.count) nodes have '\(name)' as \(way): \(listed.joined(separator: ", "))\(more); name one by its identity"
    )
  }
}

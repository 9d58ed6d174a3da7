import ClusterModel
import ClusterResources
import Platform
import Rollcall

/// Finds the node that a person means.
struct NodeLookup {
  /// The node that is meant.
  let identity: NodeIdentity
  /// Others that `name` might mean as well, and by what.
  let others: [(identity: NodeIdentity, way: Way)]

  /// By what a node is found.
  enum Way: String {
    case nodename, identity, hostname, address
    case prefix = "identity that begins so"
  }

  /// The most others that are named.
  private static let maximumOthers = 10

  /// The node that `name` means: the member of that name, else an identity, hostname or address, else the beginning
  /// of an identity. `identity/ID` and `member/NAME` mean just that.
  ///
  /// - Throws: ``CommandError`` where there is none, or more than one that none is the member of.
  init(_ name: String, in snapshot: ClusterSnapshot) throws {
    let affiliates = snapshot.affiliates.map(\.value)
    // A registry may be called as one of the two kinds is, and raw ids of nodes start with a registry's name.
    let isWhole = affiliates.contains { $0.nodeID.text == name }
    let kind = isWhole ? nil : ["identity/", "member/"].first { name.hasPrefix($0) }
    let text = kind.map { String(name.dropFirst($0.count)) } ?? name
    let address = (try? IPAddress(text)).map(NodeAddress.plain)
    let ways: [(Way, (Affiliate) -> Bool)] = [
      (.nodename, { $0.nodename == text }),
      (.identity, { $0.nodeID.text == text }),
      (.hostname, { $0.hostname == text }),
      (
        .address,
        { affiliate in
          address.map { affiliate.addresses.contains($0) || affiliate.kubeSpan?.address == $0 } ?? false
        }
      ),
      (.prefix, { $0.nodeID.text.hasPrefix(text) }),
    ].filter { kind == nil || kind == ($0.0 == .nodename ? "member/" : $0.0 == .identity ? "identity/" : "") }
    let member = snapshot.merge.member(text)?.value.nodeID
    var found: [(identity: NodeIdentity, way: Way)] = []
    for (way, isMeant) in ways {
      // What is named exactly goes before what only begins so.
      if way == .prefix, !found.isEmpty { break }
      let nodes = affiliates.filter(isMeant).map(\.nodeID)
      for node in nodes where !found.contains(where: { $0.identity == node }) { found.append((node, way)) }
      if way != .nodename, found.count > 1, found[0].way == way, found[1].way == way {
        throw Self.ambiguous(name, way, nodes, in: snapshot)
      }
    }
    guard let first = found.first else {
      let known = affiliates.flatMap { [$0.nodename, $0.hostname] }.filter { !$0.isEmpty }
      let advice = didYouMean(text, among: Array(known.prefix(10_000)))
      throw CommandError(
        "no node has the identity, nodename, hostname or address '\(name)'"
          + (advice.map { ": \($0)" } ?? ""))
    }
    identity = first.way == .nodename ? member ?? first.identity : first.identity
    others = found.filter { [identity] in $0.identity != identity }
  }

  /// What a person is told of the others; nil where there are none.
  func othersText(_ name: String, in snapshot: ClusterSnapshot) -> String? {
    guard !others.isEmpty else { return nil }
    let named = others.prefix(Self.maximumOthers).map { other in
      "identity/\(other.identity) (\(other.way.rawValue)\(Self.names(other.identity, in: snapshot)))"
    }
    let more = others.count > named.count ? " and \(others.count - named.count) more" : ""
    return "'\(name)' is also \(named.joined(separator: ", "))\(more): explain one by that"
  }

  private static func names(_ identity: NodeIdentity, in snapshot: ClusterSnapshot) -> String {
    let nodename = snapshot.merge.affiliate(identity)?.value.nodename ?? ""
    return nodename.isEmpty ? "" : ", nodename \(nodename)"
  }

  private static func ambiguous(
    _ name: String, _ way: Way, _ found: [NodeIdentity], in snapshot: ClusterSnapshot
  ) -> CommandError {
    let listed = found.prefix(maximumOthers).map { identity in
      let nodename = snapshot.merge.affiliate(identity)?.value.nodename ?? ""
      return nodename.isEmpty ? identity.text : "\(identity) (\(nodename))"
    }
    let more = found.count > listed.count ? " and \(found.count - listed.count) more" : ""
    return CommandError(
      "\(found.count) nodes have '\(name)' as \(way.rawValue): \(listed.joined(separator: ", "))\(more); name one by its identity"
    )
  }
}

import AffiliateMerge
import ClusterModel
import Rollcall
import StatusServer

extension Conflict {
  /// The conflict in one line, for a person. What comes from outside isn't escaped yet.
  var words: String {
    switch key {
    case .field(let field, let identity): return disagreement(on: field.rawValue, of: identity)
    case .label(let label, let identity): return disagreement(on: "label \(label)", of: identity)
    case .address(let address) where isShared && address.isContainerBridge:
      return "address \(address) is shared by several nodes: container bridges have it by default"
    case .address(let address) where isShared:
      return
        "address \(address) is shared by more than \(Self.maximumNodes) nodes, or in merge.match.ignoreAddresses"
    case .address(let address): return "address \(address) \(claimed)"
    case .nodename(let name): return "nodename '\(name)' \(claimed)"
    case .publicKey(let key): return "WireGuard public key \(key) \(claimed)"
    case .identity(let id):
      return "identity \(id) is on two machines: \(records.map(\.description).joined(separator: ", ")) differ"
    case .match(let record):
      let reasons = notes.map { $0.words { $0.text } }.joined(separator: "; ")
      return "\(record) stands alone: \(reasons); \(notes.last?.advice ?? "")"
    }
  }

  private func disagreement(on thing: String, of identity: NodeIdentity) -> String {
    let said = claims.map { claim in
      let who =
        claim.origin.map { RawID(origin: $0, nodeID: claim.localID ?? identity).description } ?? "this node"
      return "\(who) says '\(claim.values.joined(separator: ","))'" + (claim.isStale ? " (stale)" : "")
    }
    let chosen = claims.first(where: \.isChosen).map { "; '\($0.values.joined(separator: ","))' is shown" }
    return "\(thing): \(said.joined(separator: ", "))\(chosen ?? "")"
  }

  private var claimed: String {
    let member = owner.map { "; \($0) is the member" + (rule.map { ", as \($0.sentence)" } ?? "") } ?? ""
    return isShared
      ? "is shared by more than \(Self.maximumNodes) nodes\(member)"
      : "is claimed by \(nodes.map(\.text).joined(separator: ", "))\(member)"
  }

  /// Whether somebody should look: two nodes claim what only one should have, rather than that registries write a
  /// field differently or many share something.
  var isWarning: Bool {
    switch key {
    case .field, .label: false
    case .address, .nodename, .publicKey, .identity, .match: !isShared
    }
  }
}

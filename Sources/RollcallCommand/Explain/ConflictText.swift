import AffiliateMerge
import ClusterResources
import Rollcall

extension Conflict {
  /// The conflict in one line, for a person. What comes from outside isn't escaped yet.
  var words: String {
    switch key {
    case .field(let field, let identity):
      let said = claims.map { claim in
        let who =
          claim.origin.map { RawID(origin: $0, nodeID: claim.localID ?? identity).description } ?? "this node"
        return "\(who) says '\(claim.values.joined(separator: ","))'" + (claim.isStale ? " (stale)" : "")
      }
      let chosen = claims.first(where: \.isChosen).map { "; '\($0.values.joined(separator: ","))' is shown" }
      return "\(field.rawValue): \(said.joined(separator: ", "))\(chosen ?? "")"
    case .address(let address) where isShared && address.isContainerBridge:
      return "address \(address) is shared by several nodes: container bridges have it by default"
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

  private var claimed: String {
    let member = owner.map { "; \($0) is the member" + (rule.map { ", as \($0.words)" } ?? "") } ?? ""
    return isShared
      ? "is shared by more than \(Self.maximumNodes) nodes\(member)"
      : "is claimed by \(nodes.map(\.text).joined(separator: ", "))\(member)"
  }

  /// Whether somebody should look: two nodes claim what only one should have, rather than that registries write a
  /// field differently or many share something.
  var isWarning: Bool {
    if case .field = key { return false }
    return !isShared
  }

  /// The conflict for a program.
  var resourceValue: ResourceValue {
    var fields: [ResourceValue.Field] = []
    switch key {
    case .field(let field, _):
      fields.append(.init("about", "field"))
      fields.append(.init("field", .text(field.rawValue)))
    case .address(let address):
      fields.append(.init("about", "address"))
      fields.append(.init("value", .text(address.description)))
    case .nodename(let name):
      fields.append(.init("about", "nodename"))
      fields.append(.init("value", .text(name)))
    case .publicKey(let key):
      fields.append(.init("about", "publicKey"))
      fields.append(.init("value", .text(key)))
    case .identity(let id):
      fields.append(.init("about", "identity"))
      fields.append(.init("value", .text(id.text)))
      fields.append(.init("records", .texts(records)))
    case .match(let record):
      fields.append(.init("about", "match"))
      fields.append(.init("value", .text(record.description)))
      fields.append(.init("reasons", .texts(notes.map { $0.words { $0.text } })))
    }
    if isShared { fields.append(.init("shared", .bool(true))) }
    fields.append(.init("nodes", .texts(nodes)))
    if let owner { fields.append(.init("member", .text(owner.text))) }
    if let rule { fields.append(.init("because", .text(rule.words))) }
    return .fields(fields)
  }
}

extension NameRule {
  /// The rule as the end of a sentence that begins with "is the member, as".
  var words: String {
    switch self {
    case .local: "it is this node"
    case .state: "it is up and the other one isn't"
    case .freshness: "a stronger record says so: fresh before stale, with an identity before without"
    case .heardLast: "its identity was heard last"
    case .health: "it is ready, as far as registries say"
    case .createdLast: "it was made last"
    case .identity: "it has an identity"
    case .text: "its identity is the lowest: nothing else tells them apart"
    }
  }
}

import AffiliateMerge
import ClusterResources
import Rollcall

extension Conflict {
  /// The conflict in one line, for a person. What comes from outside isn't escaped yet.
  var words: String {
    switch key {
    case .field(let field, let identity):
      let said = claims.map { claim in
        let who = claim.origin.map { RawID(origin: $0, nodeID: identity).description } ?? "this node"
        return "\(who) says '\(claim.values.joined(separator: ","))'" + (claim.isStale ? " (stale)" : "")
      }
      let chosen = claims.first(where: \.isChosen).map { "; '\($0.values.joined(separator: ","))' is shown" }
      return "\(field.rawValue): \(said.joined(separator: ", "))\(chosen ?? "")"
    case .address(let address): return "address \(address) is claimed by \(nodeList)"
    case .nodename(let name): return "nodename '\(name)' is claimed by \(nodeList)"
    case .publicKey(let key): return "WireGuard public key \(key) is claimed by \(nodeList)"
    }
  }

  private var nodeList: String {
    let names = nodes.prefix(10).map(\.text).joined(separator: ", ")
    return nodes.count > 10 ? "\(names) and \(nodes.count - 10) more nodes" : names
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
    }
    fields.append(.init("nodes", .texts(nodes)))
    return .fields(fields)
  }
}

import AffiliateMerge
import ClusterModel
import ClusterResources
import Rollcall

/// Everything that is known of one node, and where it came from.
struct Explanation: Sendable {
  let identity: NodeIdentity
  let affiliate: Versioned<Affiliate>
  let fields: [FieldProvenance]
  let conflicts: [Conflict]
  let isLocal: Bool
  /// For one that isn't the member of its nodename: the node that is, and why.
  let owner: (identity: NodeIdentity, rule: NameRule?)?
  /// When it was asked for: what ages are measured to.
  let now: Timestamp

  /// What is known of the node called `identity`; nil where nothing is.
  init?(of identity: NodeIdentity, in snapshot: ClusterSnapshot, at now: Timestamp) {
    guard let affiliate = snapshot.merge.affiliate(identity), let fields = snapshot.provenance(of: identity)
    else { return nil }
    self.identity = identity
    self.affiliate = affiliate
    self.fields = fields
    conflicts = snapshot.merge.conflicts(of: identity).map(\.value)
    isLocal = snapshot.localID == identity
    let name = snapshot.merge.conflict(.nodename(affiliate.value.nodename))?.value
    owner = name.flatMap { name in
      name.owner.flatMap { $0 == identity ? nil : ($0, name.rule) }
    }
    self.now = now
  }

  /// What the node is called where it has a name.
  var name: String {
    let names = [affiliate.value.nodename, affiliate.value.hostname, identity.text]
    return names.first { !$0.isEmpty } ?? identity.text
  }

  /// The raw id of what `claim` says.
  func source(of claim: FieldClaim) -> String {
    claim.origin.map { RawID(origin: $0, nodeID: claim.localID ?? identity).description } ?? "this node"
  }

  func isContested(_ field: AffiliateField) -> Bool {
    conflicts.contains { $0.key == .field(field, of: identity) }
  }
}

// MARK: For people

extension Explanation {
  /// A block for each field: its value, then a line for each that says something of it, then the rule.
  func text(_ style: Style) -> String {
    var lines = [style.bold(name.shown) + (isLocal ? " (this node)" : "")]
    lines.append("    identity: \(identity)")
    let age = shortAge(from: affiliate.updated, to: now)
    let membership =
      if affiliate.value.nodename.isEmpty {
        "an affiliate: it has no nodename, so it isn't a member"
      } else if let owner {
        "not listed: the member '\(affiliate.value.nodename.shown)' is \(owner.identity)"
          + (owner.rule.map { ", as \($0.words)" } ?? "")
      } else {
        "a member of the cluster"
      }
    lines.append("    \(membership); version \(affiliate.version), last changed \(age) ago")

    var rows: [[String]] = []
    for field in fields {
      for claim in field.claims {
        rows.append([
          "    " + source(of: claim).shown, claim.isChosen ? "chosen" : "loses",
          Self.written(claim.values, of: field.field),
          shortAge(from: claim.at, to: now) + " ago" + (claim.isStale ? ", stale" : ""),
        ])
      }
    }
    var table = TextTable()
    var claimLines = table.text(of: rows).split(separator: "\n").map(String.init)[...]
    for field in fields {
      let mark = isContested(field.field) ? "   " + style.yellow("(conflict)") : ""
      lines.append("")
      lines.append(
        "\(style.bold(field.field.rawValue)): \(Self.written(field.values, of: field.field))\(mark)")
      for claim in field.claims {
        let line = claimLines.popFirst() ?? ""
        lines.append(claim.isChosen ? line : style.dim(line))
      }
      lines.append("    rule: \(field.rule.words)")
    }

    if !conflicts.isEmpty {
      lines.append("")
      lines.append(style.yellow("conflicts:"))
      for conflict in conflicts { lines.append("    " + conflict.words.shown) }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// A list as compact JSON, a scalar as it is.
  private static func written(_ values: [String], of field: AffiliateField) -> String {
    field.isList ? JSONText.compact(.texts(values)) : (values.first ?? "").shown
  }
}

// MARK: For programs

extension Explanation {
  var value: ResourceValue {
    [
      "nodeId": .text(identity.text),
      "nodename": .text(affiliate.value.nodename),
      "isLocal": .bool(isLocal),
      "isMember": .bool(!affiliate.value.nodename.isEmpty && owner == nil),
      "memberOfThatName": owner.map { .text($0.identity.text) } ?? .null,
      "version": .integer(Int64(clamping: affiliate.version)),
      "updated": .time(affiliate.updated),
      "fields": .list(fields.map(value(of:))),
      "conflicts": .list(conflicts.map(\.resourceValue)),
    ]
  }

  private func value(of field: FieldProvenance) -> ResourceValue {
    [
      "field": .text(field.field.rawValue),
      "value": Self.value(field.values, of: field.field),
      "rule": .text(field.rule.rawValue),
      "because": .text(field.rule.words),
      "conflict": .bool(isContested(field.field)),
      "claims": .list(
        field.claims.map { claim in
          [
            "source": .text(source(of: claim)),
            "registry": claim.origin.map { .text($0.registry) } ?? .null,
            "value": Self.value(claim.values, of: field.field),
            "chosen": .bool(claim.isChosen),
            "stale": .bool(claim.isStale),
            "at": .time(claim.at),
          ]
        }),
    ]
  }

  private static func value(_ values: [String], of field: AffiliateField) -> ResourceValue {
    field.isList ? .texts(values) : values.first.map { .text($0) } ?? .null
  }
}

extension MergeRule {
  /// The rule as a sentence's end.
  var words: String {
    switch self {
    case .onlyClaim: "only one says it"
    case .agreement: "all that say it say the same"
    case .lastByRawID: "of the raw ids in order, the last one that says it wins"
    case .firstByRawID: "of the raw ids in order, the first one that says it wins"
    case .precedence: "the strongest by merge.precedence wins"
    case .fresh: "a fresh word goes before stale ones"
    case .identity: "a record of the node's identity goes before those that were joined to it"
    case .union: "a list holds all that anybody says"
    case .local: "this node knows itself best"
    }
  }
}

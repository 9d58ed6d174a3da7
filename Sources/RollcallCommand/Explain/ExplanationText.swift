import ClusterModel
import ClusterResources

/// What a daemon knows of a node, and where it came from, for a person.
enum ExplanationText {
  /// The text of `document`, as `GET /v1/explain/{id}` gives it: how the node is, who has a record of it, then each
  /// field with all claims.
  static func text(_ document: ResourceValue, _ style: Style) -> String {
    let now = document["now"]?.time ?? .now()
    var blocks = [head(document, now, style)]
    if let records = records(document["records"]?.items ?? []) { blocks.append(records) }
    blocks += fields(document["fields"]?.items ?? [], now, style)
    blocks += fields(document["labels"]?.items ?? [], now, style)
    if let mesh = document["kubespan"] { blocks.append(self.mesh(mesh, now, style)) }
    let conflicts = document["conflicts"]?.items ?? []
    if !conflicts.isEmpty {
      let lines = conflicts.map { conflict in
        let id = ShortID.conflict(conflict.at("metadata", "id")?.text ?? "")
        return "    \(id) (\(conflict.at("spec", "severity")?.text ?? "")): ".shown
          + (conflict.at("spec", "message")?.text ?? "").shown + "\n"
      }
      blocks.append(style.yellow("conflicts:") + "\n" + lines.joined())
    }
    return blocks.joined(separator: "\n")
  }

  /// Which others `name` might mean as well; nil where there are none.
  static func others(_ document: ResourceValue, than name: String) -> String? {
    let others = document["others"]?.items ?? []
    guard !others.isEmpty else { return nil }
    let named = others.map { other in
      let nodename = other["id"]?.text.map { ", nodename \($0)" } ?? ""
      return "identity/\(other["nodeId"]?.text ?? "") (\(other["why"]?.text ?? "")\(nodename))"
    }
    let count = document["otherCount"]?.scalarText.flatMap { Int($0) } ?? named.count
    let more = count > named.count ? " and \(count - named.count) more" : ""
    return "'\(name)' is also \(named.joined(separator: ", "))\(more): explain one by that"
  }

  private static func head(_ document: ResourceValue, _ now: Timestamp, _ style: Style) -> String {
    let identity = document["nodeId"]?.text ?? ""
    let status = document.at("member", "status")
    var name = document["nodename"]?.text ?? ""
    if name.isEmpty { name = document.at("member", "metadata", "id")?.text ?? identity }
    var line = style.bold(name.shown)
    if let state = status?["state"]?.text {
      let since = status?["since"]?.time.map { " since \(moment($0, now))" } ?? ""
      line += "   \(state)\(since)".shown
      if let message = status?["message"]?.text, !message.isEmpty { line += ": \(message.shown)" }
    } else if document["isLocal"]?.bool == true {
      line += " (this node)"
    }
    var lines = [line, "    identity: \(identity.shown)", "    \(membership(document, now).shown)"]
    var table = TextTable()
    let rows = (document["sources"]?.items ?? []).map { source in
      [
        "    " + (source["registry"]?.scalarText ?? ""), source["presence"]?.scalarText ?? "",
        detail(source, now),
      ].map(\.shown)
    }
    lines += table.text(of: rows).split(separator: "\n").map(String.init)
    if let rule = document["rule"]?.text { lines.append("    rule: \(rule.shown)") }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func membership(_ document: ResourceValue, _ now: Timestamp) -> String {
    var parts: [String] = []
    if document["isMember"]?.bool == true {
      parts.append("a member of the cluster")
    } else if let holder = document["memberOfThatName"]?.text {
      let because = document["memberBecause"]?.text.map { ", as \($0)" } ?? ""
      parts.append("not listed: the member '\(document["nodename"]?.text ?? "")' is \(holder)\(because)")
    } else if document.at("member", "metadata", "phase")?.text == "tombstone" {
      let until = document.at("member", "status", "until")?.time.map {
        " until \(ClockText.text($0, at: now))"
      }
      parts.append("not listed any more: remembered\(until ?? "")")
    } else {
      parts.append("an affiliate: it has no nodename, so it isn't a member")
    }
    if let version = document["version"]?.scalarText {
      let updated = document["updated"]?.time.map { ", last changed \(moment($0, now))" } ?? ""
      parts.append("version \(version)\(updated)")
    }
    if let created = document["created"]?.time {
      parts.append("first seen \(ClockText.text(created, at: now))")
    }
    return parts.joined(separator: "; ")
  }

  /// What a source says: `expired 02:48:11 (12m)`, `since 01:12:31, notready: KubeletNotReady`.
  private static func detail(_ source: ResourceValue, _ now: Timestamp) -> String {
    var parts: [String] = []
    let since = source["since"]?.time.map { moment($0, now) }
    switch source["presence"]?.text {
    case "gone": parts.append([source["reason"]?.text, since].compactMap { $0 }.joined(separator: " "))
    case "stale":
      parts.append(
        [source["reason"]?.text, since.map { "since \($0)" }].compactMap { $0 }.joined(separator: " "))
    default: if let since { parts.append("since \(since)") }
    }
    if let health = source["health"]?.text {
      parts.append(health + (source["healthReason"]?.text.map { ": \($0)" } ?? ""))
    }
    if let last = source["lastSeen"]?.time { parts.append("last renewed \(moment(last, now))") }
    if let origins = source["origins"]?.items.compactMap(\.text), !origins.isEmpty {
      parts.append(origins.joined(separator: ", "))
    }
    return parts.filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// What the mesh has of the node: `kubespan: up since 02:48:11 (12m) at 10.0.0.3:51820`, then each address.
  private static func mesh(_ mesh: ResourceValue, _ now: Timestamp, _ style: Style) -> String {
    var line = style.bold("kubespan") + ": "
    if let state = mesh["state"]?.text {
      line += state + (mesh["since"]?.time.map { " since \(moment($0, now))" } ?? "")
      if let endpoint = mesh["endpoint"]?.text, !endpoint.isEmpty { line += " at \(endpoint.shown)" }
    } else {
      line += (mesh["message"]?.text ?? "").shown
    }
    var text = line + "\n"
    for reason in (mesh["why"]?.items ?? []).compactMap(\.text) { text += "    \(reason.shown)\n" }
    var table = TextTable()
    return text
      + table.text(
        of: (mesh["addresses"]?.items ?? []).map { address in
          ["    " + (address["address"]?.text ?? ""), fate(address)].map(\.shown)
        })
  }

  private static func fate(_ address: ResourceValue) -> String {
    let by = address["by"]?.text ?? ""
    return switch address["fate"]?.text {
    case "reachable": "through the tunnel"
    case "excluded": "not through the tunnel: the node excludes \(by)"
    case "held": "goes to \(by), which has it too"
    case "omitted": "not through the tunnel: \(by)"
    case "not-advertised": "not through the tunnel: the node doesn't advertise it"
    case let other: other ?? ""
    }
  }

  /// How records without an identity came to be this node's; nil where there are none.
  private static func records(_ records: [ResourceValue]) -> String? {
    if records.isEmpty { return nil }
    var table = TextTable()
    return table.text(
      of: records.map { record in
        [(record["id"]?.text ?? "").shown, (record["placement"]?.text ?? "").shown]
      })
  }

  /// A block for each field: its value, then a line for each that says something of it, then the rule.
  private static func fields(_ fields: [ResourceValue], _ now: Timestamp, _ style: Style) -> [String] {
    var table = TextTable()
    let rows = fields.flatMap { field in
      (field["claims"]?.items ?? []).map { claim in
        let age = claim["at"]?.time.map { AgeText.text(from: $0, to: now) + " ago" } ?? ""
        let isStale = claim["stale"]?.bool == true
        return [
          "    " + (claim["source"]?.scalarText ?? "").shown,
          claim["chosen"]?.bool == true ? "chosen" : "loses",
          written(claim["value"]), age + (isStale ? ", stale" : ""),
        ]
      }
    }
    var lines = table.text(of: rows).split(separator: "\n").map(String.init)[...]
    return fields.map { field in
      let mark = field["conflict"]?.bool == true ? "   " + style.yellow("(conflict)") : ""
      var text = "\(style.bold((field["field"]?.text ?? "").shown)): \(written(field["value"]))\(mark)\n"
      for claim in field["claims"]?.items ?? [] {
        let line = lines.popFirst() ?? ""
        text += (claim["chosen"]?.bool == true ? line : style.dim(line)) + "\n"
      }
      return text + "    rule: \((field["because"]?.text ?? "").shown)\n"
    }
  }

  /// A scalar as it is, a list as compact JSON.
  private static func written(_ value: ResourceValue?) -> String {
    guard let value, value != .null else { return "" }
    return value.scalarText?.shown ?? JSONText.compact(value)
  }

  /// `02:48:11 (12m)`
  private static func moment(_ time: Timestamp, _ now: Timestamp) -> String {
    "\(ClockText.text(time, at: now)) (\(AgeText.text(from: time, to: now)))"
  }
}

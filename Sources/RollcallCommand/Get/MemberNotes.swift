import ClusterModel
import ClusterResources

/// What a person is told of members beside their table.
enum MemberNotes {
  /// The most names that are told of a state.
  private static let maximumNames = 3

  /// The line under a table: `1 missing (w-3, 12m), 1 notready (w-2), 2 in conflict, 1 left; kubernetes is degraded: see
  /// 'rollcall status'`. Nil where all is well.
  static func summary(_ members: [ResourceValue], registries: [ResourceValue], at now: Timestamp) -> String? {
    var parts: [String] = []
    for state in ["missing", "notready", "stale"] {
      let found = members.filter { $0.at("status", "state")?.text == state }
      guard !found.isEmpty else { continue }
      var names = found.prefix(maximumNames).compactMap { $0.at("metadata", "id")?.text }
      if found.count > maximumNames { names.append("…") }
      // Whether it is worth getting up for is a question of how long ago it was.
      if state == "missing", found.count == 1, let since = found[0].at("status", "since")?.time {
        names.append(AgeText.text(from: since, to: now))
      }
      parts.append("\(found.count) \(state) (\(names.joined(separator: ", ")))")
    }
    for (flag, words) in [("conflict", "in conflict"), ("flapping", "flapping")] {
      let count = members.count { $0.at("status", "flags")?.items.contains(.text(flag)) ?? false }
      if count > 0 { parts.append("\(count) \(words)") }
    }
    let left = members.count { $0.at("status", "state")?.text == "left" }
    if left > 0 { parts.append("\(left) left") }
    let troubled = registries.compactMap { registry -> String? in
      guard let state = registry.at("status", "state")?.text, !["synced", "disabled"].contains(state) else {
        return nil
      }
      return "\(registry.at("metadata", "id")?.text ?? "") is \(state)"
    }
    guard !parts.isEmpty || !troubled.isEmpty else { return nil }
    let all = [parts.joined(separator: ", "), troubled.joined(separator: ", ")].filter { !$0.isEmpty }
    return all.joined(separator: "; ") + ": see 'rollcall status'"
  }

  /// What is said where there are nodes, but no members.
  static func noMembers(among count: Int) -> String {
    "none of the \(count) affiliates is a member: a member has a nodename, and one that only registries without "
      + "node identities know has a hostname, and their 'alone: member'; 'rollcall get affiliates' shows them"
  }

  /// What is said of a member that isn't listed; nil for one that is.
  static func unlisted(_ document: ResourceValue, at now: Timestamp) -> String? {
    let name = document.at("metadata", "id")?.text ?? ""
    let status = document["status"]
    guard !document.isListed else { return nil }
    let age = status?["since"]?.time.map { AgeText.text(from: $0, to: now) + " ago" } ?? "some time ago"
    let happened = status?["state"]?.text == "missing" ? "went missing" : "left"
    let why = why(status).map { " (\($0))" } ?? ""
    return "\(name) isn't listed: it \(happened) \(age)\(why); --all shows it, 'explain \(name)' tells all"
  }

  /// `deleted by inventory, kubernetes`, `expired in service`.
  static func why(_ status: ResourceValue?) -> String? {
    guard let reason = status?["reason"]?.text else { return nil }
    let registries = (status?["sources"]?.items ?? []).compactMap { source in
      source["presence"]?.text == "gone" && source["reason"]?.text == reason ? source["registry"]?.text : nil
    }
    guard !registries.isEmpty else { return reason }
    let preposition =
      switch reason {
      case "withdrawn": "from"
      case "expired", "unlisted": "in"
      default: "by"
      }
    return "\(reason) \(preposition) \(registries.sorted().joined(separator: ", "))"
  }
}

import ClusterModel
import ClusterResources

/// The overview of a cluster for a person: how many, who isn't plainly ready and why, the registries.
enum StatusText {
  /// The most names in a cell.
  private static let maximumNames = 3

  /// The text of `overview`, as `GET /v1/status` gives it.
  static func text(_ overview: ResourceValue, _ style: Style) -> String {
    let now = overview.at("metadata", "now")?.time ?? Timestamp(milliseconds: 0)
    let blocks = [
      head(overview, now), counts(overview["members"], style), attention(overview, now),
      registries(overview["registries"]?.items ?? [], now),
      published(overview["registries"]?.items ?? [], now), mesh(overview["kubespan"], now, style),
      (overview["problems"]?.items ?? []).compactMap(\.text).map { "\($0.shown)\n" }.joined(),
    ]
    return blocks.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// Who says so: `cluster 7dQi…/fDo=   node cp-1 (Utoh3O0Z…)   rollcall 1.2.0, up 55m`
  private static func head(_ overview: ResourceValue, _ now: Timestamp) -> String {
    var parts: [String] = []
    if let cluster = overview.at("node", "cluster")?.text { parts.append("cluster \(short(cluster).shown)") }
    if let node = overview.at("node", "id")?.text {
      let id = overview.at("node", "nodeId")?.text.map { " (\(ShortID.text($0)))" } ?? ""
      parts.append("node \(node)\(id)".shown)
    }
    var daemon = "rollcall \(overview["version"]?.text ?? "")".shown
    if let started = overview["started"]?.time { daemon += ", up \(AgeText.text(from: started, to: now))" }
    return (parts + [daemon]).joined(separator: "   ") + "\n"
  }

  /// A cluster's id by its ends, which tell it apart.
  private static func short(_ id: String) -> String {
    id.count > 16 ? "\(id.prefix(4))…\(id.suffix(5))" : id
  }

  private static func counts(_ members: ResourceValue?, _ style: Style) -> String {
    func count(_ name: String) -> Int64 { members?[name]?.integer ?? 0 }
    func parts(_ names: [(name: String, words: String)]) -> [String] {
      names.compactMap { count($0.name) > 0 ? "\(count($0.name)) \($0.words)" : nil }
    }
    let states = parts(GetRequest.states.map { ($0, $0) })
    let flags = parts([("conflict", "in conflict"), ("flapping", "flapping")])
    let others = parts([
      ("superseded", "superseded"), ("tombstones", count("tombstones") == 1 ? "tombstone" : "tombstones"),
    ])
    let listed = "\(count("listed")) listed" + (states.isEmpty ? "" : ": " + states.joined(separator: ", "))
    let groups = [listed, flags.joined(separator: ", "), others.joined(separator: ", ")]
    return style.bold("MEMBERS") + "      " + groups.filter { !$0.isEmpty }.joined(separator: "      ") + "\n"
  }

  private static func attention(_ overview: ResourceValue, _ now: Timestamp) -> String {
    let items = overview["attention"]?.items ?? []
    guard !items.isEmpty else { return "" }
    var table = TextTable()
    let rows = items.map { item in
      let flags = item["flags"]?.items.compactMap(\.scalarText) ?? []
      return [
        item["id"]?.scalarText ?? "",
        ([item["state"]?.scalarText ?? ""] + flags).joined(separator: ","), age(item["since"], now),
        item["message"]?.scalarText ?? "",
      ].map(\.shown)
    }
    var text = table.text(of: [["WHO", "STATUS", "SINCE", "WHY"]] + rows)
    let troubled = ["missing", "notready", "stale", "left"].reduce(Int64(0)) {
      $0 + (overview.at("members", $1)?.integer ?? 0)
    }
    if troubled > items.count { text += "and more: see 'rollcall get members -o wide'\n" }
    return text
  }

  private static func registries(_ registries: [ResourceValue], _ now: Timestamp) -> String {
    let enabled = registries.filter { $0.at("status", "state")?.text != "disabled" }
    guard !enabled.isEmpty else { return "no registry is enabled: see 'rollcall get registries'\n" }
    var table = TextTable()
    let rows = enabled.map { registry in
      [
        registry.at("metadata", "id")?.scalarText ?? "", registry.at("status", "state")?.scalarText ?? "",
        age(registry.at("status", "since"), now), registry.at("status", "records")?.scalarText ?? "0",
        lacks(registry["status"]), error(registry, now),
      ].map(\.shown)
    }
    return table.text(of: [["REGISTRY", "STATE", "SINCE", "RECORDS", "LACKS", "ERROR"]] + rows)
  }

  /// `2 (w-3, cp-3)`
  private static func lacks(_ status: ResourceValue?) -> String {
    let count = status?["lacks"]?.integer ?? 0
    let names = status?["lacking"]?.items.compactMap(\.text) ?? []
    guard count > 0, !names.isEmpty else { return "\(count)" }
    let more = count > maximumNames ? ", …" : ""
    return "\(count) (\(names.prefix(maximumNames).joined(separator: ", "))\(more))"
  }

  /// What is wrong now, how old what it knows is, and when that counts as stale.
  private static func error(_ registry: ResourceValue, _ now: Timestamp) -> String {
    let status = registry["status"]
    guard let state = status?["state"]?.text, state != "synced" else { return "" }
    var parts: [String] = []
    if let message = status?.at("lastError", "message")?.text { parts.append(message) }
    if let last = status?["lastSuccess"]?.time {
      var text = "last word \(AgeText.text(from: last, to: now)) old"
      if let left = RemainingTime.text(registry, now) { text += ", stale in \(left)" }
      parts.append(text)
    }
    return parts.joined(separator: "; ")
  }

  /// Where this node is published, and where that is still tried.
  private static func published(_ registries: [ResourceValue], _ now: Timestamp) -> String {
    let parts = registries.compactMap { registry -> String? in
      guard let publication = registry.at("status", "publication"), let state = publication["state"]?.text
      else {
        return nil
      }
      let name = registry.at("metadata", "id")?.text ?? ""
      let accepted = publication["accepted"]?.time.map { " \(AgeText.text(from: $0, to: now)) ago" } ?? ""
      return name + accepted + (state == "accepted" ? "" : " (\(state))")
    }
    return parts.isEmpty ? "" : "published to \(parts.joined(separator: ", "))".shown + "\n"
  }

  /// `kubespan: 3 of 4 peers up, 1 down (w-3 for too long): see 'rollcall kubespan'`; nothing where no mesh runs.
  private static func mesh(_ mesh: ResourceValue?, _ now: Timestamp, _ style: Style) -> String {
    guard let mesh else { return "" }
    func count(_ name: String) -> Int64 { mesh.at("counts", name)?.integer ?? 0 }
    var text = "\(count("up")) of \(count("peers")) peers up"
    for state in ["down", "unknown"] where count(state) > 0 { text += ", \(count(state)) \(state)" }
    let overdue = (mesh["overdue"]?.items ?? []).compactMap(\.text)
    if !overdue.isEmpty {
      let more = overdue.count > maximumNames ? ", …" : ""
      text += " (\(overdue.prefix(maximumNames).joined(separator: ", "))\(more) for too long)"
    }
    if let problem = mesh.at("problem", "message")?.text { text += "; \(problem)" }
    let isWell = count("up") == count("peers") && mesh.at("problem", "message") == nil
    return "kubespan: \(text.shown)" + (isWell ? "" : ": see 'rollcall kubespan'") + "\n"
  }

  private static func age(_ value: ResourceValue?, _ now: Timestamp) -> String {
    value?.time.map { AgeText.text(from: $0, to: now) } ?? ""
  }
}

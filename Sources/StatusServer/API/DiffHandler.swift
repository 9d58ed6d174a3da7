import AffiliateMerge
import ClusterModel
import ClusterResources
import Lifecycle
import Platform
import Rollcall

/// What differs: the world then and now, or two registries.
struct DiffHandler: Sendable {
  let context: APIContext

  static let query = ["since", "until", "registries"]

  /// `GET /v1/diff`
  func diff(_ request: StatusRequest) throws -> APIResponse {
    let registries = try request.query.words("registries")
    let since = try request.query.text("since")
    let until = try request.query.text("until")
    switch (registries, since) {
    case (let registries?, nil):
      if until != nil { throw Problem.invalid("until", "until goes with since, not with registries") }
      return .json(try between(registries))
    case (nil, let since?): return .json(try world(since: since, until: until))
    case (nil, nil):
      throw Problem.invalid("since", "what is to be compared? since=10m, or registries=service,inventory")
    case (_?, _?):
      throw Problem.invalid("registries", "either since or registries, not both")
    }
  }

  // MARK: Then and now

  private func world(since text: String, until untilText: String?) throws -> ResourceValue {
    let now = context.now().wall
    let since = try HistoryTime.parse(text, "since", now: now)
    let until = try untilText.map { try HistoryTime.parse($0, "until", now: now) }
    if let until, until < since { throw Problem.invalid("until", "until is before since") }
    let history = context.aggregator.history
    guard since >= history.since else {
      throw Problem.invalid("since", "the journal reaches back to \(history.since), not to \(since)")
    }
    struct Key: Hashable {
      let kind: HistoryEntry.Kind
      let id: String
    }
    var first: [Key: HistoryEntry] = [:]
    var last: [Key: HistoryEntry] = [:]
    var order: [Key] = []
    for entry in history.entries(since: since) where until.map({ entry.time <= $0 }) ?? true {
      guard entry.kind != .daemon else { continue }
      let key = Key(kind: entry.kind, id: entry.id)
      if first[key] == nil {
        first[key] = entry
        order.append(key)
      }
      last[key] = entry
    }
    var items: [ResourceValue] = []
    var members: Set<String> = []
    for key in order.sorted(by: { ($0.kind.rank, $0.id) < ($1.kind.rank, $1.id) }) {
      guard let begin = first[key], let end = last[key] else { continue }
      // What came and went again isn't shown: history has it.
      if begin.from == end.to, begin.nodeID == end.nodeID { continue }
      if key.kind == .member { members.insert(key.id) }
      items.append(
        .present([
          ("type", .text(key.kind.rawValue)), ("id", .text(key.id)), ("path", .text(key.kind.path)),
          ("from", begin.from.map { .text($0) } ?? .null), ("to", .text(end.to)),
          ("reason", end.reason.isEmpty ? nil : .text(end.reason)),
          ("message", end.message.isEmpty ? nil : .text(end.message)),
        ]))
    }
    let listed = context.aggregator.snapshot().life.statuses().map(\.name)
    return [
      "from": .time(since), "to": .time(until ?? now), "items": .list(items),
      "equal": .integer(Int64(listed.count { !members.contains($0) })),
    ]
  }

  // MARK: Two registries

  private func between(_ names: [String]) throws -> ResourceValue {
    guard names.count == 2, names[0] != names[1] else {
      throw Problem.invalid(
        "registries", "registries names two different registries, not \(names.count): service,inventory")
    }
    let documents = context.documents()
    let known = documents.snapshot.registries.map(\.name)
    for name in names where !known.contains(name) {
      let advice = didYouMean(name, among: known) ?? "the registries are \(known.joined(separator: ", "))"
      throw Problem.invalid(
        "registries", "there is no registry '\(String(name.prefix(80)).shown)': \(advice)")
    }
    var items: [ResourceValue] = []
    var equal = 0
    var only = [0, 0]
    for affiliate in documents.snapshot.affiliates.map(\.value) {
      let raws = documents.snapshot.merge.rawAffiliates(of: affiliate.nodeID)
      let records = names.map { name in
        raws.filter { $0.id.origin.registry == name }.map(\.record.value.affiliate)
      }
      let id = affiliate.nodename.isEmpty ? affiliate.nodeID.text : affiliate.nodename
      switch (records[0].last, records[1].last) {
      case (nil, nil): continue
      case (let left?, let right?):
        let differences = AffiliateField.allCases.filter { field in
          let (mine, theirs) = (field.values(in: left), field.values(in: right))
          // What one doesn't know is no difference.
          return !mine.isEmpty && !theirs.isEmpty && Set(mine) != Set(theirs)
        }
        if differences.isEmpty { equal += 1 }
        for field in differences {
          items.append([
            "id": .text(id), "nodeId": .text(affiliate.nodeID.text), "path": .text("spec.\(field.rawValue)"),
            "from": Self.value(field, left), "to": Self.value(field, right),
          ])
        }
      case (let left, _):
        only[left == nil ? 1 : 0] += 1
        let missing = left == nil ? names[0] : names[1]
        let source = documents.life.sources(of: affiliate.nodeID).first { $0.registry == missing }
        var reason: String?
        if case .gone(let why)? = source?.presence { reason = why.rawValue }
        items.append(
          .present([
            ("id", .text(id)), ("nodeId", .text(affiliate.nodeID.text)), ("path", "presence"),
            ("from", left == nil ? .null : "listed"), ("to", left == nil ? "listed" : .null),
            ("reason", reason.map { .text($0) }),
            ("since", reason == nil ? nil : source?.since.map { .time($0.wall) }),
          ]))
      }
    }
    return [
      "from": .text(names[0]), "to": .text(names[1]), "items": .list(items), "equal": .integer(Int64(equal)),
      "onlyFrom": .integer(Int64(only[0])), "onlyTo": .integer(Int64(only[1])),
    ]
  }

  private static func value(_ field: AffiliateField, _ affiliate: Affiliate) -> ResourceValue {
    let values = field.values(in: affiliate)
    return field.isList ? .texts(values) : values.first.map { .text($0) } ?? .null
  }
}

extension HistoryEntry.Kind {
  /// What of the thing the entry is about.
  fileprivate var path: String {
    switch self {
    case .member: "status.state"
    case .registry: "status.state"
    case .conflict: "conflict"
    case .daemon: "daemon"
    }
  }

  fileprivate var rank: Int {
    switch self {
    case .member: 0
    case .registry: 1
    case .conflict: 2
    case .daemon: 3
    }
  }
}

/// A time of history: so long ago, or a moment.
enum HistoryTime {
  static func parse(_ text: String, _ name: String, now: Timestamp) throws(Problem) -> Timestamp {
    if let time = Timestamp(rfc3339: text) { return time }
    if let duration = try? DurationText.parse(text), duration >= .zero {
      let milliseconds = duration.components.seconds.multipliedReportingOverflow(by: 1000)
      let ago = milliseconds.overflow ? Int64.max : milliseconds.partialValue
      let then = now.milliseconds.subtractingReportingOverflow(ago)
      return Timestamp(milliseconds: then.overflow ? 0 : max(0, then.partialValue))
    }
    throw .invalid(
      name, "\(name) is a duration (10m) or an RFC 3339 time, not '\(String(text.prefix(80)).shown)'")
  }
}

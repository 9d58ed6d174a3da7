import AffiliateMerge
import ClusterModel
import ClusterResources
import Logging
import Rollcall

/// Logs what changes in the cluster, one line each, as far as ``ChangeBudget`` lets it.
actor ChangeLog {
  let logger: Logger
  private var registries: [String: RegistryStatus] = [:]
  private var budget = ChangeBudget()
  /// The last line of each thing that flaps, which is logged when it settles.
  private var lastLines: [ChangeBudget.Kind: [String: Line]] = [:]
  /// When what is logged now happened.
  private var now = Duration.zero
  /// The registry that caused it; empty where that isn't known.
  private var registry = ""

  private struct Line {
    var level: Logger.Level
    var text: String
    var metadata: Logger.Metadata
  }

  /// Is told how many lines of a registry were left out.
  private let onLeftOut: @Sendable (_ registry: String, _ lines: Int) -> Void

  init(logger: Logger, onLeftOut: @escaping @Sendable (String, Int) -> Void = { _, _ in }) {
    self.logger = logger
    self.onLeftOut = onLeftOut
  }

  /// Tells what was left out of the log.
  func reportLeftOut(at now: Duration) {
    for notice in budget.notices(at: now) {
      switch notice {
      case .settled(let kind, let name, let lines):
        guard var line = lastLines[kind]?[name] else { break }
        if lines > 1 { line.metadata["left_out"] = "\(lines - 1)" }
        logger.log(level: line.level, "\(line.text)", metadata: line.metadata)
      case .quiet(let kind, let name):
        lastLines[kind]?[name] = nil
        logger.notice("\(kind.rawValue) is quiet again", metadata: [kind.rawValue: "\(name)"])
      case .leftOut(let kind, let registry, let lines):
        onLeftOut(registry, lines)
        var metadata: Logger.Metadata = ["about": "\(kind.rawValue)", "left_out": "\(lines)"]
        if !registry.isEmpty { metadata["registry"] = "\(registry)" }
        logger.warning(
          "too much changes at once: lines were left out of the log, \(kind.advice)", metadata: metadata)
      }
    }
  }

  /// Logs a line about `name` if it may be.
  private func log(
    _ level: Logger.Level, _ text: String, _ metadata: Logger.Metadata = [:], of kind: ChangeBudget.Kind,
    _ name: String
  ) {
    guard level >= logger.logLevel else { return }
    switch budget.take(kind, name, by: registry, at: now) {
    case .logged: logger.log(level: level, "\(text)", metadata: metadata)
    case .firstLeftOut:
      lastLines[kind, default: [:]][name] = Line(level: level, text: text, metadata: metadata)
      logger.warning(
        "\(kind.rawValue) is flapping: only how it settles is logged until it is quiet for 10m",
        metadata: [kind.rawValue: "\(name)"])
    case .leftOut: lastLines[kind, default: [:]][name] = Line(level: level, text: text, metadata: metadata)
    case .overBudget: break
    }
  }

  func take(_ event: ClusterEvent, at now: Duration) {
    self.now = now
    switch event {
    case .snapshot(let snapshot):
      for status in snapshot.registries { take(status) }
      for member in snapshot.members { self.member(member.value.id, nil, member) }
      for conflict in snapshot.conflicts { self.conflict(nil, conflict.value) }
    case .changes(let changes):
      // What registries said comes before what follows from it.
      var causes: [NodeIdentity: String] = [:]
      for change in changes {
        switch change {
        case .raw(let raw, let node, _):
          registry = raw.key.origin.registry
          causes[node] = registry
        case .moved(let move):
          registry = move.id.origin.registry
          for node in [move.from, move.to] where causes[node] == nil { causes[node] = registry }
        case .affiliate(let affiliate): registry = causes[affiliate.key] ?? registry
        case .member(let member):
          registry = (member.new ?? member.old).flatMap { causes[$0.value.nodeID] } ?? registry
        case .conflict(let conflict):
          registry =
            (conflict.new ?? conflict.old)?.value.nodes.lazy.compactMap { causes[$0] }.first ?? registry
        }
        take(change)
      }
      registry = ""
    case .life, .history: break
    case .registry(let status):
      registry = status.name
      take(status)
      registry = ""
    case .registryRemoved(let name):
      registries[name] = nil
      log(.notice, "registry removed", ["registry": "\(name)"], of: .registry, name)
    }
  }

  private func take(_ change: ClusterChange) {
    switch change {
    case .member(let change): member(change.key, change.old?.value, change.new)
    case .conflict(let change): conflict(change.old?.value, change.new?.value)
    // What the registries say one by one, and who isn't a member, is for who looks closer.
    case .affiliate(let change):
      let name = change.key.text
      log(.debug, "affiliate \(change.kind.word)", ["node": "\(name)"], of: .affiliate, name)
    case .moved(let move):
      log(
        .debug, "record moved", ["id": "\(move.id)", "from": "\(move.from)", "to": "\(move.to)"],
        of: .affiliate, "\(move.id)")
    case .raw(let change, _, let reason):
      var metadata: Logger.Metadata = ["id": "\(change.key)"]
      if let reason { metadata["reason"] = "\(reason.rawValue)" }
      if change.new == nil, let renewed = change.old?.value.confirmedAt {
        metadata["last_renewed"] = "\(renewed)"
      }
      log(.trace, "raw affiliate \(change.kind.word)", metadata, of: .affiliate, "\(change.key)")
    }
  }

  // MARK: Members

  private func member(_ name: String, _ old: Member?, _ new: Versioned<Member>?) {
    guard let new else { return log(.notice, "member left", ["member": "\(name)"], of: .member, name) }
    guard old != new.value else { return }
    var metadata: Logger.Metadata = ["member": "\(name)", "version": "\(new.version)"]
    guard let old else {
      metadata["addresses"] = "\(JSONText.compact(.texts(new.value.addresses)))"
      metadata["type"] = "\(new.value.machineType)"
      return log(.notice, "member joined", metadata, of: .member, name)
    }
    for (field, change) in Self.differences(old, new.value) { metadata[field] = "\(change)" }
    log(.notice, "member changed", metadata, of: .member, name)
  }

  private static func differences(_ old: Member, _ new: Member) -> [(String, String)] {
    let pairs: [(String, String, String)] = [
      ("node", old.nodeID.text, new.nodeID.text),
      ("hostname", old.hostname, new.hostname),
      ("type", "\(old.machineType)", "\(new.machineType)"),
      ("os", old.operatingSystem, new.operatingSystem),
      ("addresses", JSONText.compact(.texts(old.addresses)), JSONText.compact(.texts(new.addresses))),
      ("port", port(old), port(new)),
    ]
    return pairs.filter { $0.1 != $0.2 }.map { ($0.0, "\($0.1) -> \($0.2)") }
  }

  private static func port(_ member: Member) -> String {
    member.controlPlane.map { String($0.apiServerPort) } ?? "none"
  }

  // MARK: Conflicts

  private func conflict(_ old: Conflict?, _ new: Conflict?) {
    guard let new else {
      if let old { log(.notice, "conflict is over", ["about": "\(old.subject)"], of: .conflict, old.subject) }
      return
    }
    guard old?.words != new.words else { return }
    if new.isShared { return log(.notice, "shared: \(new.words)", of: .conflict, new.subject) }
    log(
      .warning, "conflict: \(new.words)", ["nodes": "\(new.nodes.map(\.text).joined(separator: ","))"],
      of: .conflict, new.subject)
  }

  // MARK: Registries

  private func take(_ status: RegistryStatus) {
    let old = registries.updateValue(status, forKey: status.name)
    guard old?.state != status.state || old?.error != status.error || old?.isStale != status.isStale else {
      return
    }
    var metadata: Logger.Metadata = ["registry": "\(status.name)"]
    switch status.state {
    case .starting: log(.info, "registry starting", metadata, of: .registry, status.name)
    case .synced:
      metadata["affiliates"] = "\(status.affiliateCount)"
      log(.notice, "registry synced", metadata, of: .registry, status.name)
    case .degraded, .failed:
      metadata["error"] = "\(status.error?.message ?? "")"
      if status.isStale { metadata["stale"] = "true" }
      log(.warning, "registry \(status.state.rawValue)", metadata, of: .registry, status.name)
    case .disabled:
      metadata["reason"] = "\(status.disabledReason ?? "")"
      log(.info, "registry disabled", metadata, of: .registry, status.name)
    }
  }
}

extension ChangeBudget.Kind {
  /// Where everything is seen.
  fileprivate var advice: String {
    switch self {
    case .member: "`rollcall get members` has all"
    case .affiliate: "`rollcall get affiliates` has all"
    case .conflict: "`rollcall get conflicts` has all"
    case .registry: "`rollcall get registries` has how they are"
    }
  }
}

extension Change.Kind {
  fileprivate var word: String {
    switch self {
    case .created: "created"
    case .updated: "updated"
    case .removed: "removed"
    }
  }
}

extension Conflict {
  /// What the conflict is about, in a word or two.
  fileprivate var subject: String {
    switch key {
    case .field(let field, let identity): "\(field.rawValue) of \(identity)"
    case .label(let label, let identity): "label \(label) of \(identity)"
    case .address(let address): "address \(address)"
    case .nodename(let name): "nodename \(name)"
    case .publicKey(let key): "public key \(key)"
    case .identity(let id): "identity \(id)"
    case .match(let record): "match \(record)"
    }
  }
}

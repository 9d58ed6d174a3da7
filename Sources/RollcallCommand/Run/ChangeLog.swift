import AffiliateMerge
import ClusterModel
import ClusterResources
import Logging
import Rollcall

/// Logs what changes in the cluster, one line each.
struct ChangeLog {
  let logger: Logger
  private var registries: [String: RegistryStatus] = [:]

  init(logger: Logger) { self.logger = logger }

  mutating func take(_ event: ClusterEvent) {
    switch event {
    case .snapshot(let snapshot):
      for status in snapshot.registries { take(status) }
      for member in snapshot.members { self.member(member.value.id, nil, member) }
      for conflict in snapshot.conflicts { self.conflict(nil, conflict.value) }
    case .changes(let changes):
      for change in changes { take(change) }
    case .registry(let status): take(status)
    case .registryRemoved(let name):
      registries[name] = nil
      logger.notice("registry removed", metadata: ["registry": "\(name)"])
    }
  }

  private func take(_ change: ClusterChange) {
    switch change {
    case .member(let change): member(change.key, change.old?.value, change.new)
    case .conflict(let change): conflict(change.old?.value, change.new?.value)
    // What the registries say one by one, and who isn't a member, is for who looks closer.
    case .affiliate(let change):
      logger.debug("affiliate \(change.kind.word)", metadata: ["node": "\(change.key)"])
    case .raw(let change, let reason):
      var metadata: Logger.Metadata = ["id": "\(change.key)"]
      if let reason { metadata["reason"] = "\(reason.rawValue)" }
      logger.trace("raw affiliate \(change.kind.word)", metadata: metadata)
    }
  }

  // MARK: Members

  private func member(_ name: String, _ old: Member?, _ new: Versioned<Member>?) {
    guard let new else { return logger.notice("member left", metadata: ["member": "\(name)"]) }
    guard old != new.value else { return }
    var metadata: Logger.Metadata = ["member": "\(name)", "version": "\(new.version)"]
    guard let old else {
      metadata["addresses"] = "\(JSONText.compact(.texts(new.value.addresses)))"
      metadata["type"] = "\(new.value.machineType)"
      return logger.notice("member joined", metadata: metadata)
    }
    for (field, change) in Self.differences(old, new.value) { metadata[field] = "\(change)" }
    logger.notice("member changed", metadata: metadata)
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
      if let old { logger.notice("conflict is over", metadata: ["about": "\(old.subject)"]) }
      return
    }
    guard old?.words != new.words else { return }
    if new.isShared { return logger.notice("shared: \(new.words)") }
    logger.warning(
      "conflict: \(new.words)", metadata: ["nodes": "\(new.nodes.map(\.text).joined(separator: ","))"])
  }

  // MARK: Registries

  private mutating func take(_ status: RegistryStatus) {
    let old = registries.updateValue(status, forKey: status.name)
    guard old?.state != status.state || old?.error != status.error || old?.isStale != status.isStale else {
      return
    }
    var metadata: Logger.Metadata = ["registry": "\(status.name)"]
    switch status.state {
    case .starting: logger.info("registry starting", metadata: metadata)
    case .synced:
      metadata["affiliates"] = "\(status.affiliateCount)"
      logger.notice("registry synced", metadata: metadata)
    case .degraded, .failed:
      metadata["error"] = "\(status.error?.message ?? "")"
      if status.isStale { metadata["stale"] = "true" }
      logger.warning("registry \(status.state.rawValue)", metadata: metadata)
    case .disabled:
      metadata["reason"] = "\(status.disabledReason ?? "")"
      logger.info("registry disabled", metadata: metadata)
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
    case .address(let address): "address \(address)"
    case .nodename(let name): "nodename \(name)"
    case .publicKey(let key): "public key \(key)"
    }
  }
}

import ClusterModel
import Lifecycle

/// What can be asked of the lifecycle, and of the naive rebuild that it is compared with.
protocol LifecycleModel {
  init(retention: TombstoneRetention)
  mutating func apply(_ updates: [LifecycleUpdate], at now: Moment)
  mutating func forget(_ name: String, at now: Moment)
  /// The same in a process that starts now, of which the clock starts anew, after another one ended.
  mutating func restart(_ conditions: [RegistryCondition], local: NodeIdentity?, at now: Moment)
  var nextDeadline: Duration? { get }
  var shown: Shown { get }
  /// All transitions so far.
  var journal: [ShownTransition] { get }
}

/// Everything that is shown, with times as seconds of the model's clock.
struct Shown: Equatable {
  struct Row: Equatable {
    var node: String
    var state: String
    var reason: String
    var since: Duration
    var isListed: Bool
    var heldBy: String?
    var flags: [String]
    var sources: [String: String]
  }

  struct Grave: Equatable {
    var state: String
    var reason: String
    var since: Duration
    var until: Duration
  }

  var members: [String: Row] = [:]
  /// By `name@node`.
  var unlisted: [String: Row] = [:]
  /// By `name@node`.
  var tombstones: [String: Grave] = [:]
}

struct ShownTransition: Equatable {
  var at: Duration
  var id: String
  var node: String
  var from: String?
  var to: String
  var reason: String
}

/// The lifecycle itself.
struct TestedLifecycle: LifecycleModel {
  private(set) var lifecycle: MemberLifecycle
  private let retention: TombstoneRetention
  private(set) var journal: [ShownTransition] = []
  /// What came of the last update.
  private(set) var changes = LifecycleChanges.none

  init(retention: TombstoneRetention) {
    self.retention = retention
    lifecycle = MemberLifecycle(retention: retention)
  }

  mutating func apply(_ updates: [LifecycleUpdate], at now: Moment) {
    note(lifecycle.apply(updates, at: now))
  }

  mutating func forget(_ name: String, at now: Moment) {
    do { note(try lifecycle.forget(name, at: now)) } catch { changes = .none }
  }

  mutating func restart(_ conditions: [RegistryCondition], local: NodeIdentity?, at now: Moment) {
    let state = lifecycle.state
    lifecycle = MemberLifecycle(retention: retention)
    let unknown = conditions.map { condition in
      var condition = condition
      condition.leases = nil
      return condition
    }
    note(lifecycle.restore(state, [.registries(unknown), .local(local)], at: now))
  }

  private mutating func note(_ changes: LifecycleChanges) {
    self.changes = changes
    journal += changes.transitions.map {
      ShownTransition(
        at: $0.at.elapsed, id: $0.name, node: $0.node.text, from: $0.from?.rawValue, to: $0.to.rawValue,
        reason: $0.reason.text)
    }
  }

  var nextDeadline: Duration? { lifecycle.nextDeadline }

  var shown: Shown {
    var shown = Shown()
    let view = lifecycle.view
    for status in view.statuses(unlisted: true) {
      var sources: [String: String] = [:]
      for source in status.sources { sources[source.registry] = source.presence.text }
      let row = Shown.Row(
        node: status.node.text, state: status.state.rawValue, reason: status.reason.text,
        since: status.since.elapsed, isListed: status.isListed, heldBy: status.heldBy?.text,
        flags: status.flags.names, sources: sources)
      if status.isListed {
        shown.members[status.name] = row
      } else {
        shown.unlisted["\(status.name)@\(status.node)"] = row
      }
    }
    for tombstone in view.tombstones {
      shown.tombstones["\(tombstone.name)@\(tombstone.node)"] = Shown.Grave(
        state: tombstone.state.rawValue, reason: tombstone.reason.text, since: tombstone.since.elapsed,
        until: tombstone.until.elapsed)
    }
    return shown
  }
}

extension LifecycleChanges {
  /// Of an update that did nothing.
  static var none: LifecycleChanges {
    var lifecycle = MemberLifecycle()
    return lifecycle.apply([], at: Moment(elapsed: .zero, wall: Timestamp(milliseconds: 0)))
  }
}

extension SourcePresence.Presence {
  /// As the vectors write it.
  var text: String {
    switch self {
    case .fresh: "fresh"
    case .stale: "stale"
    case .gone(let reason): "gone:\(reason.rawValue)"
    case .unknown: "unknown"
    case .published: "published"
    }
  }
}

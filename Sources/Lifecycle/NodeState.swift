public import ClusterModel

/// How a node is. Whether it is listed is another question, see ``NodeStatus/isListed``.
public enum NodeState: String, Hashable, Sendable, CaseIterable {
  /// A registry vouches for it now. That doesn't mean that it answers: nobody probes it.
  case ready
  /// A registry that checks it says so now.
  case notready
  /// All that is known is from before: nobody can say whether it lives.
  case stale
  /// Its lease ended without a goodbye, or it is expected and never came. Somebody should look.
  case missing
  /// It said goodbye, or was taken out on purpose. Nobody need look.
  case left

  /// Whether somebody says now that the node is there, well or not.
  public var isUp: Bool { self == .ready || self == .notready }
}

/// Why a node is in its ``NodeState``: one word for programs.
///
/// That of a node that isn't ready is the registry's own, such as `KubeletNotReady`; all others are listed here.
public struct StatusReason: Hashable, Sendable, CustomStringConvertible {
  /// The word as it is written everywhere.
  public let text: String

  /// The reason written as `text`.
  public init(_ text: String) { self.text = text }

  public var description: String { text }

  /// Ready: it is this node itself.
  public static let local = StatusReason("local")
  /// Ready: a registry has its lease.
  public static let leased = StatusReason("leased")
  /// Ready: a registry that checks it says so.
  public static let healthy = StatusReason("healthy")
  /// Ready: it is listed, and nobody says anything of its life.
  public static let declared = StatusReason("declared")

  /// Not ready, and the registry gave no reason.
  public static let notready = StatusReason("notready")

  /// Missing: it is expected, and never came.
  public static let neverSeen = StatusReason("never-seen")

  /// Left: another identity has its name and what makes it the same machine.
  public static let superseded = StatusReason("superseded")
  /// Left: the node has another nodename now.
  public static let renamed = StatusReason("renamed")
  /// Left: the node has no nodename any more.
  public static let unnamed = StatusReason("unnamed")

  /// Stale, for that reason.
  public init(_ reason: StaleReason) { text = reason.rawValue }
  /// Missing or left, for that reason.
  public init(_ reason: DepartureReason) { text = reason.rawValue }
}

/// Why a record says nothing of now.
public enum StaleReason: String, Hashable, Sendable, CaseIterable {
  /// It was read from the state file, and its registry hasn't confirmed it since.
  case cached
  /// Its registry has been out of reach for longer than its `staleAfter`.
  case registryFailed = "registry-failed"
  /// Its registry marked it so, or it is held although its peer no longer lists it after an outage.
  case unconfirmed
}

/// Why a registry no longer has a record of a node.
public enum DepartureReason: String, Hashable, Sendable, CaseIterable {
  /// The node itself said goodbye.
  case withdrawn
  /// Its lease ended, and nobody renewed it.
  case expired
  /// Somebody took it out on purpose.
  case deleted
  /// It was away from what a peer lists after an outage, and didn't come back.
  case unlisted
  /// It is gone, and nobody said why.
  case removed
  /// Its registry failed and keeps nothing then; that says nothing of the node.
  case dropped
  /// Its registry was disabled, or removed from the configuration.
  case disabled

  /// The reason that a registry gave.
  public init(_ reason: RemovalReason) {
    self =
      switch reason {
      case .withdrawn: .withdrawn
      case .expired: .expired
      case .deleted: .deleted
      case .unlisted: .unlisted
      case .removed: .removed
      }
  }

  /// Whether somebody meant it: the node itself, or a person.
  public var isDeliberate: Bool { self == .withdrawn || self == .deleted || self == .disabled }

  /// Whether it means, of a lease, that the node is lost: nobody said goodbye.
  var isLoss: Bool { self == .expired || self == .unlisted || self == .removed }
}

/// What a person should know of a node beside its state, written after it: `ready,conflict`.
public struct StatusFlags: OptionSet, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A conflict about who is who, or where packets go, names it.
  public static let conflict = StatusFlags(rawValue: 1)
  /// It came back three times within ten minutes, and has been quiet for less than ten since.
  public static let flapping = StatusFlags(rawValue: 2)

  /// The flags' words in order.
  public var names: [String] {
    (contains(.conflict) ? ["conflict"] : []) + (contains(.flapping) ? ["flapping"] : [])
  }

  public var description: String { names.joined(separator: ",") }
}

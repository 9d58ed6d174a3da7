/// What a record says that tells machines apart.
public enum MatchField: Hashable, Sendable {
  /// The machine id of `/etc/machine-id`.
  case machineID
  case nodename
  /// The WireGuard public key.
  case publicKey
  /// The hostname; who has none says the nodename as one.
  case hostname
  /// An address of the machine, the KubeSpan one too. The only field of which a machine has several.
  case address
  /// The label of that key.
  case label(String)

  /// Whether a machine has at most one: then two different ones are two machines.
  var isSingle: Bool { self != .address }
}

extension MatchField: CustomStringConvertible {
  /// As it is written in `match:`.
  public var description: String {
    switch self {
    case .machineID: "machineID"
    case .nodename: "nodename"
    case .publicKey: "publicKey"
    case .hostname: "hostname"
    case .address: "address"
    case .label(let key): "label:\(key)"
    }
  }
}

/// One entry of a registry's `match:` list.
public struct MatchKey: Hashable, Sendable {
  /// What is compared.
  public let field: MatchField
  /// Whether a name without a domain matches one with a domain by its first label, and the reverse, where nobody
  /// says the very name. Of nodenames and hostnames only.
  public let isShort: Bool

  /// The entry that compares `field`.
  public init(_ field: MatchField, isShort: Bool = false) {
    self.field = field
    self.isShort = isShort && (field == .nodename || field == .hostname)
  }
}

/// How a registry's records without an identity are joined to nodes.
public struct RegistryMatching: Hashable, Sendable {
  /// What its records are matched by, what says most first; empty: never.
  public var keys: [MatchKey]
  /// What a machine is that nobody else knows.
  public var alone: StandaloneRole

  /// A registry of which the records are matched by `keys`, each field once.
  public init(keys: [MatchKey] = [], alone: StandaloneRole = .member) {
    self.keys = keys
    self.alone = alone
  }
}

/// What a machine is that only registries without identities know.
public enum StandaloneRole: String, Hashable, Sendable, CaseIterable {
  /// A member, as any node with a nodename.
  case member
  /// Listed, but no member: an inventory may know more machines than the cluster has.
  case affiliate
}

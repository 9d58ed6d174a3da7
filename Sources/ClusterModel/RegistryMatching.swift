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
  package var isSingle: Bool { self != .address }
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

extension MatchField {
  /// The fields that have a name of their own.
  private static let named: [MatchField] = [.machineID, .nodename, .publicKey, .hostname, .address]

  /// The field that is written so in `match:`.
  ///
  /// - Throws: ``ModelError`` that says what there is.
  public init(_ text: String) throws(ModelError) {
    if let field = Self.named.first(where: { $0.description == text }) {
      self = field
      return
    }
    let prefix = "label:"
    guard text.hasPrefix(prefix) else {
      throw ModelError(
        "records aren't matched by \(quoted(text)), but by "
          + "\(Self.named.map(\.description).joined(separator: ", ")), and label:KEY")
    }
    let key = String(text.dropFirst(prefix.count))
    guard !key.isEmpty, !key.contains(where: \.isWhitespace) else {
      throw ModelError("\(quoted(text)) names no label: its key follows at once, as in label:serial")
    }
    self = .label(key)
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
    self.isShort = isShort && field.canBeShort
  }
}

extension MatchField {
  /// Whether it is a name, that may have a domain or not.
  fileprivate var canBeShort: Bool { self == .nodename || self == .hostname }
}

extension MatchKey: CustomStringConvertible {
  /// As it is written in `match:`.
  public var description: String { isShort ? "\(field): short" : "\(field)" }

  /// The entry that is written so: a field, or one with `: short`.
  ///
  /// - Throws: ``ModelError`` that says what would be right.
  public init(_ text: String) throws(ModelError) {
    let suffix = ": short"
    guard text.hasSuffix(suffix) else {
      self.init(try MatchField(text))
      return
    }
    try self.init(MatchField(String(text.dropLast(suffix.count))), form: "short")
  }

  /// The entry `field: form`.
  ///
  /// - Throws: ``ModelError`` where the form isn't `short`, or the field is no name.
  public init(_ field: MatchField, form: String) throws(ModelError) {
    guard form == "short" else { throw ModelError("\(quoted("\(field): \(form)")): the only form is short") }
    guard field.canBeShort else {
      throw ModelError("\(field) has no domain that could be left out; nodename and hostname can be short")
    }
    self.init(field, isShort: true)
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

extension RegistryMatching {
  /// What fits a list of machines by hand: all that tells machines apart, the surest first.
  public static func inventory(alone: StandaloneRole) -> RegistryMatching {
    RegistryMatching(
      keys: [.machineID, .nodename, .publicKey, .hostname, .address].map { MatchKey($0) }, alone: alone)
  }
}

/// What a machine is that only registries without identities know.
public enum StandaloneRole: String, Hashable, Sendable, CaseIterable {
  /// A member, as any node with a nodename.
  case member
  /// Listed, but no member: an inventory may know more machines than the cluster has.
  case affiliate
}

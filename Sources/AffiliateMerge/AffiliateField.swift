public import ClusterModel

/// A field of an affiliate, named as in its YAML form.
public enum AffiliateField: String, Hashable, Sendable, CaseIterable {
  case addresses, hostname, nodename, machineType, operatingSystem, controlPlane
  case publicKey, kubeSpanAddress, additionalAddresses, excludeAdvertisedNetworks, endpoints
}

extension AffiliateField {
  /// Whether the field holds any number of items, of which the merge is the union.
  public var isList: Bool {
    switch self {
    case .addresses, .additionalAddresses, .excludeAdvertisedNetworks, .endpoints: true
    case .hostname, .nodename, .machineType, .operatingSystem, .controlPlane, .publicKey, .kubeSpanAddress:
      false
    }
  }

  /// What `affiliate` says of this field, as a person reads it: nothing where it isn't set, one text for a
  /// scalar, any number for a list. A control plane is its API server's port.
  public func values(in affiliate: Affiliate) -> [String] {
    switch self {
    case .addresses: affiliate.addresses.map(\.description)
    case .hostname: Self.set(affiliate.hostname)
    case .nodename: Self.set(affiliate.nodename)
    case .machineType: affiliate.machineType == .unknown ? [] : [affiliate.machineType.rawValue]
    case .operatingSystem: Self.set(affiliate.operatingSystem)
    case .controlPlane: affiliate.controlPlane.map { [String($0.apiServerPort)] } ?? []
    case .publicKey: Self.set(affiliate.publicKey)
    case .kubeSpanAddress: affiliate.kubeSpanAddress.map { [$0.description] } ?? []
    case .additionalAddresses: affiliate.additionalAddresses.map(\.description)
    case .excludeAdvertisedNetworks: affiliate.excludeAdvertisedNetworks.map(\.description)
    case .endpoints: affiliate.endpoints.map(\.description)
    }
  }

  /// Whether `affiliate` says anything of this field.
  func isSet(in affiliate: Affiliate) -> Bool {
    switch self {
    case .machineType: affiliate.machineType != .unknown
    case .controlPlane: affiliate.controlPlane != nil
    case .kubeSpanAddress: affiliate.kubeSpanAddress != nil
    default: part.map { !affiliate.isEmpty($0) } ?? false
    }
  }

  /// Whether both say the same of this field.
  func isEqual(in affiliate: Affiliate, and other: Affiliate) -> Bool {
    switch self {
    case .machineType: affiliate.machineType == other.machineType
    case .controlPlane: affiliate.controlPlane == other.controlPlane
    case .kubeSpanAddress: affiliate.kubeSpanAddress == other.kubeSpanAddress
    default: part.map { affiliate.isEqual($0, to: other) } ?? false
    }
  }

  /// Whether `merged` has what `affiliate` says of this field, or a part of it.
  func overlaps(in affiliate: Affiliate, and merged: Affiliate) -> Bool {
    if isEqual(in: affiliate, and: merged) { return true }
    return isList && !Set(values(in: merged)).isDisjoint(with: values(in: affiliate))
  }

  /// Where a text or a list is in an affiliate; nil for what is neither.
  private var part: AffiliatePart? {
    switch self {
    case .addresses: .addresses
    case .hostname: .hostname
    case .nodename: .nodename
    case .operatingSystem: .operatingSystem
    case .publicKey: .publicKey
    case .additionalAddresses: .additionalAddresses
    case .excludeAdvertisedNetworks: .excludeAdvertisedNetworks
    case .endpoints: .endpoints
    case .machineType, .controlPlane, .kubeSpanAddress: nil
    }
  }

  private static func set(_ text: String) -> [String] { text.isEmpty ? [] : [text] }
}

/// A set of fields in two bytes.
struct FieldSet: OptionSet, Hashable, Sendable {
  var rawValue: UInt16

  init(rawValue: UInt16) { self.rawValue = rawValue }
  init(_ field: AffiliateField) { rawValue = 1 << UInt16(field.position) }

  func contains(_ field: AffiliateField) -> Bool { contains(FieldSet(field)) }
  mutating func insert(_ field: AffiliateField) { formUnion(FieldSet(field)) }

  /// The fields in it, in their order of declaration.
  var fields: [AffiliateField] { isEmpty ? [] : AffiliateField.allCases.filter { contains($0) } }
}

extension AffiliateField {
  /// The position in the order of declaration.
  var position: Int {
    switch self {
    case .addresses: 0
    case .hostname: 1
    case .nodename: 2
    case .machineType: 3
    case .operatingSystem: 4
    case .controlPlane: 5
    case .publicKey: 6
    case .kubeSpanAddress: 7
    case .additionalAddresses: 8
    case .excludeAdvertisedNetworks: 9
    case .endpoints: 10
    }
  }
}

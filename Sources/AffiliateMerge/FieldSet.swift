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

import ClusterModel

/// An affiliate that raw records and the merged view hold together where they say the same, which mostly
/// is so.
final class SharedAffiliate: Sendable {
  let value: Affiliate

  init(_ value: Affiliate) { self.value = value }
}

extension SharedAffiliate: Equatable {
  static func == (left: SharedAffiliate, right: SharedAffiliate) -> Bool {
    left === right || left.value == right.value
  }
}

import ClusterModel

/// An affiliate that raw records and the merged view hold together where they say the same, which mostly
/// is so.
final class SharedAffiliate: Sendable {
  let value: Affiliate
  /// Whether the merge of it alone is the same: each list item once, and no KubeSpan that tells nothing.
  let isMergedAlready: Bool

  init(_ value: Affiliate) {
    self.value = value
    isMergedAlready = value.addresses.isDistinct && value.kubeSpan?.isMergedAlready != false
  }
}

extension KubeSpanAffiliate {
  fileprivate var isMergedAlready: Bool {
    !isEmpty && endpoints.isDistinct && additionalAddresses.isDistinct && excludeAdvertisedNetworks.isDistinct
  }

  var isEmpty: Bool {
    publicKey.isEmpty && address == nil && additionalAddresses.isEmpty && excludeAdvertisedNetworks.isEmpty
      && endpoints.isEmpty
  }
}

extension SharedAffiliate: Equatable {
  static func == (left: SharedAffiliate, right: SharedAffiliate) -> Bool {
    left === right || left.value == right.value
  }
}

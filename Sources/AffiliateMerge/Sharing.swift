import ClusterModel

extension Affiliate {
  /// Takes over the buffers of whatever is equal in `other`: several registries mostly say the same.
  mutating func share(with other: Affiliate) {
    if addresses == other.addresses { addresses = other.addresses }
    if hostname == other.hostname { hostname = other.hostname }
    if nodename == other.nodename { nodename = other.nodename }
    if operatingSystem == other.operatingSystem { operatingSystem = other.operatingSystem }
    if let theirs = other.kubeSpan { kubeSpan?.share(with: theirs) }
  }

  /// Lets a nodename that is the hostname, as most are, share its buffer.
  mutating func shareNames() {
    if nodename == hostname { nodename = hostname }
  }
}

extension KubeSpanAffiliate {
  fileprivate mutating func share(with other: KubeSpanAffiliate) {
    if publicKey == other.publicKey { publicKey = other.publicKey }
    if additionalAddresses == other.additionalAddresses { additionalAddresses = other.additionalAddresses }
    if excludeAdvertisedNetworks == other.excludeAdvertisedNetworks {
      excludeAdvertisedNetworks = other.excludeAdvertisedNetworks
    }
    if endpoints == other.endpoints { endpoints = other.endpoints }
  }
}

/// Texts that many nodes have in common, kept once each: the names of operating systems.
///
/// Bounded: a cluster has few of them, and one that doesn't merely shares less.
struct TextPool: Sendable {
  private static let capacity = 256
  /// A String of so few bytes has no buffer to share.
  private static let inlineCount = 15
  private var texts: Set<String> = []

  /// The pool's copy of `text`.
  mutating func shared(_ text: String) -> String {
    if text.utf8.count <= Self.inlineCount { return text }
    if let index = texts.firstIndex(of: text) { return texts[index] }
    if texts.count == Self.capacity { texts.removeAll() }
    texts.insert(text)
    return text
  }
}

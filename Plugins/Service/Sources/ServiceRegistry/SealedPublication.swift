import ClusterModel
import DiscoveryProtocol
import RegistryKit

/// A publication as it goes to the services.
struct SealedPublication: Equatable, Sendable {
  /// What goes out under one affiliate id.
  struct Item: Equatable, Sendable {
    var affiliateID: String
    /// Sealed affiliate data; nil: only endpoints.
    var data: [UInt8]?
    var endpoints: [[UInt8]]
  }

  /// This node's item first; none: this node is withdrawn.
  var items: [Item] = []
  /// How many endpoints are left out, as a service takes no more of one node.
  var omittedEndpoints = 0
  /// The keys of labels that are left out, as a service takes no more bytes of one node.
  var omittedLabels: [String] = []

  /// Whether this node is withdrawn.
  var withdraws: Bool { items.isEmpty }
}

extension SealedPublication {
  /// Which labels are left out; nil where none is.
  var labelProblem: RegistryError? {
    guard !omittedLabels.isEmpty else { return nil }
    let rest = omittedLabels.count > 5 ? " and \(omittedLabels.count - 5) more" : ""
    let keys = omittedLabels.prefix(5).map { quoted($0) }.joined(separator: ", ")
    return RegistryError(
      .limitExceeded,
      "services take \(AffiliateCipher.maximumDataLength) bytes of a node, so these labels are left out: \(keys)\(rest); "
        + "give it fewer or shorter ones")
  }
}

/// Seals publications. What didn't change keeps its bytes, so that a service sees that it didn't.
struct PublicationSealer: Sendable {
  /// The most endpoints of one affiliate that a service takes.
  static let maximumEndpointCount = 64

  private let cipher: AffiliateCipher
  private var last: (message: PlainAffiliate, sealed: [UInt8])?

  init(cipher: AffiliateCipher) { self.cipher = cipher }

  /// `publication` sealed; nil: this node's withdrawal.
  ///
  /// - Throws: where this node's affiliate is more than a service takes.
  mutating func seal(_ publication: Publication?) throws(SealError) -> SealedPublication {
    var sealed = SealedPublication()
    guard let publication else { return sealed }
    let local = publication.local
    let fitted = AffiliateCipher.fitting(
      PlainAffiliate(local, labels: publication.labels, machineID: publication.machineID))
    let message = fitted.message
    sealed.omittedLabels = fitted.omittedLabels
    let data: [UInt8]
    if let last, last.message == message {
      data = last.sealed
    } else {
      data = try cipher.seal(message)
      last = (message, data)
    }
    let endpoints = try seal(local.kubeSpan?.endpoints ?? [], &sealed.omittedEndpoints)
    sealed.items.append(.init(affiliateID: local.nodeID.text, data: data, endpoints: endpoints))
    for (nodeID, endpoints) in publication.seenEndpoints.sorted(by: { $0.key < $1.key })
    where nodeID != local.nodeID && !endpoints.isEmpty {
      let endpoints = try seal(endpoints, &sealed.omittedEndpoints)
      sealed.items.append(.init(affiliateID: nodeID.text, data: nil, endpoints: endpoints))
    }
    return sealed
  }

  private func seal(_ endpoints: [IPEndpoint], _ omitted: inout Int) throws(SealError) -> [[UInt8]] {
    var sealed: [[UInt8]] = []
    for endpoint in endpoints.prefix(Self.maximumEndpointCount) { sealed.append(try cipher.seal(endpoint)) }
    omitted += endpoints.count - sealed.count
    return sealed
  }
}

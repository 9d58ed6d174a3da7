/// One registry's record of one node: the raw material of the merge.
public struct AffiliateRecord: Hashable, Sendable {
  /// What the registry says. Its ``Affiliate/nodeID`` is a local id where ``isLocalID`` is set.
  public var affiliate: Affiliate
  /// What few registries know, apart: a record without any of it costs one pointer.
  private var details: RecordDetails?
  /// When whom the registry asks last confirmed it; nil where only the time of the update is known.
  public var confirmedAt: Timestamp?
  /// Whether the registry keeps it only in case, as it wasn't confirmed lately. A stale record gives way to
  /// any registry's fresh one.
  public var isStale: Bool
  /// Whether the affiliate's id isn't the node's identity, but what the registry itself calls the machine by:
  /// stable for that machine, and unique within its source. Records of other registries never share it.
  public var isLocalID: Bool

  /// A record of `affiliate`; labels, health and what else few registries know are set afterwards.
  public init(
    _ affiliate: Affiliate, confirmedAt: Timestamp? = nil, isStale: Bool = false, isLocalID: Bool = false
  ) {
    self.affiliate = affiliate
    self.confirmedAt = confirmedAt
    self.isStale = isStale
    self.isLocalID = isLocalID
  }

  /// The machine's id as in /etc/machine-id, 32 hexadecimal digits; empty where nobody said it. Confidential
  /// (machine-id(5)): not for metrics and exports.
  public var machineID: String {
    get { details?.content.machineID ?? "" }
    set { change { $0.machineID = newValue } }
  }

  /// Labels of the node; empty where there are none.
  public var labels: NodeLabels {
    get { details?.content.labels ?? NodeLabels() }
    set { change { $0.labels = newValue } }
  }

  /// When the registry's object was made; nil where that isn't known. Foreign time: it breaks ties, no more.
  public var createdAt: Timestamp? {
    get { details?.content.createdAt }
    set { change { $0.createdAt = newValue } }
  }

  /// How the node is, for a registry that checks it; nil where nobody checks.
  public var health: NodeHealth? {
    get { details?.content.health }
    set { change { $0.health = newValue } }
  }

  /// Whether both say the same; when they were confirmed is no content.
  package func hasContent(of other: AffiliateRecord) -> Bool {
    isStale == other.isStale && isLocalID == other.isLocalID && details == other.details
      && affiliate == other.affiliate
  }

  private mutating func change(_ body: (inout RecordDetails.Content) -> Void) {
    var content = details?.content ?? RecordDetails.Content()
    body(&content)
    details = content == RecordDetails.Content() ? nil : RecordDetails(content)
  }
}

/// A record's machine id, labels, creation and health: never changed, so that records share it.
private final class RecordDetails: Hashable, Sendable {
  struct Content: Hashable, Sendable {
    var machineID = ""
    var labels = NodeLabels()
    var createdAt: Timestamp?
    var health: NodeHealth?
  }

  let content: Content

  init(_ content: Content) { self.content = content }

  static func == (left: RecordDetails, right: RecordDetails) -> Bool {
    left === right || left.content == right.content
  }

  func hash(into hasher: inout Hasher) { hasher.combine(content) }
}

/// How a registry that checks nodes found one.
public enum NodeHealth: Hashable, Sendable {
  case ready
  /// It doesn't work; the reason is one word for programs, such as `KubeletNotReady`, of at most 64 bytes.
  case notReady(reason: String)

  /// The most bytes of a reason.
  public static let maximumReasonLength = 64
}

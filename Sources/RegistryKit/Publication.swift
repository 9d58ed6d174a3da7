public import ClusterModel

/// What this node publishes of itself and of others, whole each time.
public struct Publication: Hashable, Sendable {
  /// This node.
  public var local: Affiliate
  /// Where this node has seen the WireGuard of others.
  public var seenEndpoints: [NodeIdentity: [IPEndpoint]]
  /// This node's labels.
  public var labels: NodeLabels
  /// This node's machine id, 32 hexadecimal digits; empty where there is none. Confidential (machine-id(5)): only for
  /// where nobody but the cluster's nodes can read it.
  public var machineID: String

  /// A publication of `local`.
  public init(
    local: Affiliate, seenEndpoints: [NodeIdentity: [IPEndpoint]] = [:], labels: NodeLabels = NodeLabels(),
    machineID: String = ""
  ) {
    self.local = local
    self.seenEndpoints = seenEndpoints
    self.labels = labels
    self.machineID = machineID
  }

  /// This node as it crosses the plugin boundary.
  package var localRecord: AffiliateRecord {
    var record = AffiliateRecord(local)
    record.labels = labels
    record.machineID = machineID
    return record
  }
}

/// What a registry is to have published.
public struct DesiredPublication: Hashable, Sendable {
  /// Rises with each publication that isn't a repetition; what ``RegistrySession/published(_:_:)`` is given.
  public var revision: UInt64
  /// What is to be published; nil withdraws what was, as the node leaves.
  public var publication: Publication?

  /// What is to be published as `revision`.
  public init(revision: UInt64, publication: Publication?) {
    self.revision = revision
    self.publication = publication
  }
}

/// What a registry is to have published, now and at each change: newest wins, whoever is slow skips.
///
/// One that failed comes again with the same revision, after pauses that grow. The sequence ends with the
/// session or with the task's cancellation. It is read once in a run.
public struct DesiredPublications: AsyncSequence, Sendable {
  public typealias Element = DesiredPublication

  private let stream: AsyncStream<DesiredPublication>
  private let onRead: @Sendable () -> Void

  /// - Parameters:
  ///   - stream: a stream that keeps the newest element only.
  ///   - onRead: called when somebody begins to read: from then on the registry counts as one that publishes.
  public init(_ stream: AsyncStream<DesiredPublication>, onRead: @escaping @Sendable () -> Void = {}) {
    self.stream = stream
    self.onRead = onRead
  }

  /// Nothing is ever to be published.
  public static let nothing = DesiredPublications(AsyncStream { $0.finish() })

  public func makeAsyncIterator() -> AsyncStream<DesiredPublication>.Iterator {
    onRead()
    return stream.makeAsyncIterator()
  }
}

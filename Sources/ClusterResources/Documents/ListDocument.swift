public import ClusterModel

/// What a list says of itself.
public struct ListMetadata: Hashable, Sendable {
  /// The revision of the last change in it.
  public var resourceVersion: String
  /// When it was made, by the daemon's clock: ages are measured to this.
  public var now: Timestamp
  /// Whether every enabled registry has been in sync once.
  public var isSynced: Bool
  /// The enabled registries of which nothing is in it.
  public var partial: [String]
  /// Where the next page begins; nil where there is none.
  public var next: String?
  /// What the node that knows all this is called; nil where that isn't said.
  public var node: String?

  /// The metadata of a list.
  public init(
    resourceVersion: String, now: Timestamp, isSynced: Bool, partial: [String], next: String? = nil,
    node: String? = nil
  ) {
    self.resourceVersion = resourceVersion
    self.now = now
    self.isSynced = isSynced
    self.partial = partial
    self.next = next
    self.node = node
  }

  /// The `metadata` of a list.
  public var value: ResourceValue {
    .present([
      ("resourceVersion", .text(resourceVersion)), ("now", .text(now.milliText)), ("synced", .bool(isSynced)),
      ("partial", .texts(partial)), ("continue", next.map { .text($0) }), ("node", node.map { .text($0) }),
    ])
  }
}

extension ResourceValue {
  /// The version of the API that all lists name.
  public static let apiVersion = "rollcall.dev/v1"

  /// A list of the API.
  ///
  /// - Parameter kind: what each item is: `Member`.
  public static func list(of kind: String, _ metadata: ListMetadata, _ items: [ResourceValue])
    -> ResourceValue
  {
    [
      "apiVersion": .text(apiVersion), "kind": .text("\(kind)List"), "metadata": metadata.value,
      "items": .list(items),
    ]
  }
}

extension Timestamp {
  /// RFC 3339 in UTC with milliseconds: `2026-11-26T03:00:00.118Z`.
  public var milliText: String {
    let rest = ((milliseconds % 1000) + 1000) % 1000
    let digits = String(rest)
    return "\(description.dropLast()).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
  }
}

/// What selectors look at of a document, taken out of it once.
public struct SelectableFields: Hashable, Sendable {
  /// One field by which documents of a type may be selected.
  public struct Path: Hashable, Sendable {
    /// The field as it is written: `status.state`.
    public let text: String
    /// Whether it is a list, which is equal to what it has.
    let isList: Bool

    fileprivate init(_ text: String, isList: Bool = false) {
      self.text = text
      self.isList = isList
    }
  }

  /// By what entries of history are filtered.
  public static let historyPaths: [Path] = [.init("type"), .init("id"), .init("nodeId"), .init("time")]

  private let labels: [String: String]
  private let values: [String: [String]]

  /// What is selectable in `document`, of a type that has the fields `paths`.
  public init(_ document: ResourceValue, _ paths: [Path]) {
    var labels: [String: String] = [:]
    if case .fields(let fields)? = document["metadata"]?["labels"] {
      for field in fields { labels[field.name] = field.value.scalarText }
    }
    self.labels = labels
    var values: [String: [String]] = [:]
    for path in paths {
      let found = path.text.split(separator: ".").reduce(ResourceValue?.some(document)) { $0?[String($1)] }
      switch found {
      case nil: values[path.text] = path.isList ? [] : [""]
      case .list(let items):
        values[path.text] = items.map { $0.scalarText ?? $0["registry"]?.scalarText ?? "" }
      case let value?: values[path.text] = [value.scalarText ?? ""]
      }
    }
    self.values = values
  }

  /// The value of a label; nil where there is none.
  func label(_ key: String) -> String? { labels[key] }

  /// Whether the field is, or has, `text`.
  public func field(_ path: String, has text: String) -> Bool { values[path]?.contains(text) ?? false }
}

extension SelectableFields {
  /// The only value of a field; empty where it has none.
  public func text(_ path: String) -> String { values[path]?.first ?? "" }
}

extension ResourceType {
  /// By which fields documents of this type may be selected.
  public var selectableFields: [SelectableFields.Path] {
    switch self {
    case .member:
      [
        .init("metadata.id"), .init("spec.nodeId"), .init("spec.machineType"), .init("spec.hostname"),
        .init("status.state"), .init("status.reason"), .init("status.flags", isList: true),
        .init("status.sources", isList: true),
      ]
    case .affiliate:
      [
        .init("metadata.id"), .init("metadata.owner"), .init("spec.nodeId"), .init("spec.nodename"),
        .init("spec.machineType"), .init("spec.hostname"),
      ]
    case .registry:
      [.init("metadata.id"), .init("spec.plugin"), .init("spec.lease"), .init("status.state")]
    case .conflict:
      [
        .init("metadata.id"), .init("spec.kind"), .init("spec.severity"),
        .init("spec.nodes", isList: true),
      ]
    case .kubeSpanPeerSpec: [.init("metadata.id"), .init("spec.label")]
    case .kubeSpanPeerStatus: [.init("metadata.id"), .init("spec.label"), .init("spec.state")]
    case .kubeSpanEndpoint: [.init("metadata.id"), .init("spec.affiliateID")]
    default: [.init("metadata.id")]
    }
  }
}

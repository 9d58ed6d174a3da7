import ClusterModel
import FoundationEssentials

extension NodeAnnotation {
  /// The annotations that stand for `affiliate`, those that would be empty left out.
  static func values(of affiliate: Affiliate) -> [NodeAnnotation: String] {
    let kubeSpan = affiliate.kubeSpan
    let all: [NodeAnnotation: String] = [
      .nodeID: affiliate.nodeID.text,
      .selfIPs: list(affiliate.addresses),
      .apiServerPort: affiliate.controlPlane.map { String($0.apiServerPort) } ?? "",
      .kubeSpanIP: kubeSpan?.address.map { $0.description } ?? "",
      .kubeSpanPublicKey: kubeSpan?.publicKey ?? "",
      .assignedPrefixes: list(kubeSpan?.additionalAddresses ?? []),
      .kubeSpanEndpoints: list(kubeSpan?.endpoints ?? []),
      .kubeSpanExcludedNetworks: list(kubeSpan?.excludeAdvertisedNetworks ?? []),
    ]
    return all.filter { !$0.value.isEmpty }
  }

  private static func list(_ items: [some CustomStringConvertible]) -> String {
    items.map(\.description).joined(separator: ",")
  }
}

/// What has to change of a Node's annotations: a value to set, or nil to remove the annotation.
struct AnnotationChanges: Hashable, Sendable {
  private(set) var values: [NodeAnnotation: String?] = [:]

  var isEmpty: Bool { values.isEmpty }

  /// The annotations' names, sorted, for a message.
  var names: String { values.keys.map(\.rawValue).sorted().joined(separator: ", ") }

  /// What makes `desired` of `present`; annotations that aren't ours stay as they are.
  init(from present: [String: String], to desired: [NodeAnnotation: String]) {
    for annotation in NodeAnnotation.allCases where present[annotation.rawValue] != desired[annotation] {
      values.updateValue(desired[annotation], forKey: annotation)
    }
  }

  /// What removes the annotations of `nodeID` from `present`. Those of another identity aren't its to remove.
  static func withdrawing(_ nodeID: NodeIdentity, from present: [String: String]) -> AnnotationChanges {
    let owner = present[NodeAnnotation.nodeID.rawValue]
    let isForeign = owner != nil && owner != nodeID.text
    return AnnotationChanges(from: isForeign ? [:] : present, to: [:])
  }

  /// The changes as a JSON merge patch (RFC 7396) of a Node: `null` removes.
  var mergePatch: String {
    let annotations = Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
    return CompactJSON.of(["metadata": ["annotations": annotations]])
  }
}

/// JSON of the few small values that are sent.
enum CompactJSON {
  /// `value` in one line, its keys sorted.
  static func of(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Text and truth values have no form that JSON lacks.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

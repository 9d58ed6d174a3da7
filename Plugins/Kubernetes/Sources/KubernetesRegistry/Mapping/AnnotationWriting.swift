import ClusterModel

extension NodeAnnotation {
  /// The annotations that tell `affiliate`, those that have nothing to tell left out.
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

  /// What makes `wanted` of `present`; annotations that aren't ours stay as they are.
  init(from present: [String: String], to wanted: [NodeAnnotation: String]) {
    for annotation in NodeAnnotation.allCases where present[annotation.rawValue] != wanted[annotation] {
      values.updateValue(wanted[annotation], forKey: annotation)
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
    let members = values.sorted { $0.key.rawValue < $1.key.rawValue }.map { annotation, value in
      "\(JSONText.string(annotation.rawValue)):\(value.map(JSONText.string) ?? "null")"
    }
    return #"{"metadata":{"annotations":{"# + members.joined(separator: ",") + "}}}"
  }
}

/// JSON written by hand, for the few small texts that are sent.
enum JSONText {
  /// `text` as a JSON string, quotes and all.
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

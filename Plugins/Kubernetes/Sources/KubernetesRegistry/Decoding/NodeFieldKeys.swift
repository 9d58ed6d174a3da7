extension NodeField {
  /// The label that makes a Node a control plane, whatever its value.
  static let controlPlaneKey = "node-role.kubernetes.io/control-plane"

  /// The field that `key` is within an object at this place, and which annotation or label it is if it is one
  /// that counts.
  func child(_ key: UnsafeRawBufferPointer, _ prefixes: LabelPrefixes) -> (NodeField, NodeKey?) {
    guard self == .annotations || self == .labels else { return (plainChild(key), nil) }
    let chosen = prefixes.choose(key) ? String(decoding: key, as: UTF8.self) : nil
    if self == .labels {
      return chosen.map { (.chosenLabel, NodeKey(chosen: $0)) } ?? (plainChild(key), nil)
    }
    let (field, annotation) = Self.annotation(key)
    guard annotation != nil || chosen != nil && field == .other else { return (field, nil) }
    return (
      annotation == nil ? .chosenAnnotation : .annotation, NodeKey(annotation: annotation, chosen: chosen)
    )
  }

  private func plainChild(_ key: UnsafeRawBufferPointer) -> NodeField {
    switch self {
    case .list:
      if key.spells("items") { return .items }
      if key.spells("metadata") { return .listMetadata }
      return Self.documentStatus(key)
    case .listMetadata:
      if key.spells("resourceVersion") { return .listVersion }
      if key.spells("continue") { return .listContinue }
      if key.spells("remainingItemCount") { return .listRemaining }
    case .event:
      if key.spells("type") { return .eventType }
      if key.spells("object") { return .object }
      return Self.documentStatus(key)
    case .object: return Self.object(key)
    case .metadata:
      if key.spells("name") { return .name }
      if key.spells("uid") { return .uid }
      if key.spells("resourceVersion") { return .resourceVersion }
      if key.spells("creationTimestamp") { return .creationTimestamp }
      if key.spells("annotations") { return .annotations }
      if key.spells("labels") { return .labels }
    case .labels:
      if key.spells("node-role.kubernetes.io/control-plane") { return .controlPlaneLabel }
    case .status:
      if key.spells("addresses") { return .addresses }
      if key.spells("nodeInfo") { return .nodeInfo }
      if key.spells("conditions") { return .conditions }
    case .address:
      if key.spells("type") { return .addressType }
      if key.spells("address") { return .addressText }
    case .nodeInfo:
      if key.spells("osImage") { return .osImage }
      if key.spells("machineID") { return .machineID }
    case .condition:
      if key.spells("type") { return .conditionType }
      if key.spells("status") { return .conditionStatus }
      if key.spells("reason") { return .conditionReason }
    default: break
    }
    return .other
  }

  /// A field of a Node, or of the Status in its place.
  private static func object(_ key: UnsafeRawBufferPointer) -> NodeField {
    if key.spells("metadata") { return .metadata }
    if key.spells("status") { return .status }
    if key.spells("code") { return .objectCode }
    if key.spells("reason") { return .objectReason }
    if key.spells("message") { return .objectMessage }
    return .other
  }

  /// A field of a Status that comes in place of the document.
  private static func documentStatus(_ key: UnsafeRawBufferPointer) -> NodeField {
    if key.spells("kind") { return .documentKind }
    if key.spells("code") { return .documentCode }
    if key.spells("reason") { return .documentReason }
    if key.spells("message") { return .documentMessage }
    return .other
  }

  private static func annotation(_ key: UnsafeRawBufferPointer) -> (NodeField, NodeAnnotation?) {
    for annotation in NodeAnnotation.allCases where key.spells(annotation.rawValue) {
      return (.annotation, annotation)
    }
    return key.spells("k8s.io/initial-events-end") ? (.initialEventsEnd, nil) : (.other, nil)
  }
}

/// Which annotation or label it is.
struct NodeKey {
  var annotation: NodeAnnotation?
  /// Its whole key, where it is to become a label.
  var chosen: String?
}

extension UnsafeRawBufferPointer {
  /// Whether these are exactly the bytes of `text`.
  @inline(__always)
  func spells(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }

  /// Whether these are exactly the bytes of `text`.
  func spells(_ text: String) -> Bool { count == text.utf8.count && elementsEqual(text.utf8) }
}

import ClusterModel
import Platform

/// The object of a list or an event as far as it has arrived: a Node, or a Status in its place.
struct NodeDraft {
  private(set) var node = NodeObject(name: "")
  /// Whether the object is the last one of what was there when the watch began.
  private var initialEventsEnd = false
  private var status = NodeDecodeError.Status(code: 0, reason: "", message: "")
  /// The address that is being read.
  private var addressType = ""
  private var addressText = ""
  private var internalAddresses: [String] = []
  private var externalAddresses: [String] = []
  /// Whether a hostname was seen, be it empty: the first one counts.
  private var hasHostname = false
  /// The condition that is being read.
  private var condition = Condition()

  private struct Condition {
    /// nil until its type is known.
    var isReadiness: Bool?
    var state: NodeHealth?
    var reason = ""
  }

  /// More addresses than a node may have are kept, so that it is noticed that there are too many.
  private static let maximumAddresses = NodeMapping.maximumItems + 1

  /// The value at `field` begins: what an earlier one under the same key said no longer counts.
  mutating func forget(_ field: NodeField, _ key: NodeKey?) {
    switch field {
    case .object: self = NodeDraft()
    case .objectCode: status.code = 0
    case .objectReason: status.reason = ""
    case .objectMessage: status.message = ""
    case .metadata:
      (node.name, node.uid, node.resourceVersion, node.createdAt) = ("", "", "", nil)
      (node.annotations, node.isControlPlane, initialEventsEnd) = ([:], false, false)
      (node.chosenAnnotations, node.labels) = ([:], [:])
    case .name: node.name = ""
    case .uid: node.uid = ""
    case .resourceVersion: node.resourceVersion = ""
    case .creationTimestamp: node.createdAt = nil
    case .annotations: (node.annotations, node.chosenAnnotations, initialEventsEnd) = ([:], [:], false)
    case .annotation, .chosenAnnotation:
      if let annotation = key?.annotation { node.annotations[annotation.rawValue] = nil }
      if let chosen = key?.chosen { node.chosenAnnotations[chosen] = nil }
    case .initialEventsEnd: initialEventsEnd = false
    case .labels: (node.labels, node.isControlPlane) = ([:], false)
    case .controlPlaneLabel: node.isControlPlane = true
    case .chosenLabel:
      guard let chosen = key?.chosen else { break }
      node.labels[chosen] = nil
      if chosen == NodeField.controlPlaneKey { node.isControlPlane = true }
    case .status:
      forgetAddresses()
      (node.osImage, node.machineID, node.health) = ("", "", nil)
    case .addresses: forgetAddresses()
    case .address: (addressType, addressText) = ("", "")
    case .addressType: addressType = ""
    case .addressText: addressText = ""
    case .nodeInfo: (node.osImage, node.machineID) = ("", "")
    case .osImage: node.osImage = ""
    case .machineID: node.machineID = ""
    case .conditions: node.health = nil
    case .condition: condition = Condition()
    case .conditionType: condition.isReadiness = nil
    case .conditionStatus: condition.state = nil
    case .conditionReason: condition.reason = ""
    default: break
    }
  }

  private mutating func forgetAddresses() {
    (node.hostname, hasHostname) = ("", false)
    (node.addresses, internalAddresses, externalAddresses) = ([], [], [])
  }

  /// The text at `field`.
  mutating func set(_ field: NodeField, _ key: NodeKey?, _ text: String) {
    switch field {
    case .objectReason: status.reason = text
    case .objectMessage: status.message = text
    case .name: node.name = text
    case .uid: node.uid = text
    case .resourceVersion: node.resourceVersion = text
    case .annotation, .chosenAnnotation:
      if let annotation = key?.annotation { node.annotations[annotation.rawValue] = text }
      if let chosen = key?.chosen { node.chosenAnnotations[chosen] = text }
    case .chosenLabel: if let chosen = key?.chosen { node.labels[chosen] = text }
    case .initialEventsEnd: initialEventsEnd = text == "true"
    case .addressType: addressType = text
    case .addressText: addressText = text
    case .osImage: node.osImage = text
    case .machineID: node.machineID = text
    case .conditionReason: condition.reason = text
    default: break
    }
  }

  /// Takes the text at a field whose text isn't kept; false where it is one whose is.
  mutating func takeUnkept(_ field: NodeField, _ text: UnsafeRawBufferPointer) -> Bool {
    switch field {
    case .creationTimestamp: node.createdAt = Timestamp(rfc3339: text)
    case .conditionType: condition.isReadiness = text.spells("Ready")
    // Unknown, of a Node whose kubelet has gone, isn't ready either.
    case .conditionStatus: condition.state = text.spells("True") ? .ready : .notReady(reason: "")
    default: return false
    }
    return true
  }

  /// Whether the condition that is being read may be the one that counts.
  var isConditionNeeded: Bool { condition.isReadiness ?? true }

  /// A condition has been read. The first one that says whether the Node is ready counts.
  mutating func endCondition() {
    guard condition.isReadiness == true, node.health == nil else { return }
    node.health = condition.state
    if case .notReady = condition.state { node.health = .notReady(reason: condition.reason) }
  }

  /// An address has been read.
  mutating func endAddress() {
    switch addressType {
    case "Hostname" where !hasHostname: (node.hostname, hasHostname) = (addressText, true)
    case "InternalIP": Self.add(addressText, to: &internalAddresses)
    case "ExternalIP": Self.add(addressText, to: &externalAddresses)
    default: break
    }
  }

  private static func add(_ text: String, to addresses: inout [String]) {
    if !text.isEmpty, addresses.count < maximumAddresses { addresses.append(text) }
  }

  /// The object has been read, `unusable` of its values not.
  mutating func end(unusable: Int) {
    node.addresses = internalAddresses + externalAddresses
    node.unusable.count = unusable
  }

  /// The code of a Status.
  mutating func setCode(_ code: Int) { status.code = code }

  /// The event that `document` makes of this object; nil if it has nothing that can be used.
  func event(_ document: NodeDocument) -> NodeWatchEvent? {
    // A server, or what stands before it, may send a bare Status as the only line.
    if document.type.isEmpty, document.kind == "Status" { return Self.error(document.status) }
    guard document.hasObject else { return document.type == "ERROR" ? Self.error(status) : nil }
    switch document.type {
    case "ERROR": return Self.error(status)
    case "BOOKMARK":
      guard !node.resourceVersion.isEmpty else { return nil }
      return .bookmark(resourceVersion: node.resourceVersion, initialEventsEnd: initialEventsEnd)
    case _ where node.name.isEmpty: return nil
    case "ADDED": return .added(node)
    case "MODIFIED": return .modified(node)
    case "DELETED": return .deleted(node)
    default: return nil
    }
  }

  private static func error(_ status: NodeDecodeError.Status) -> NodeWatchEvent {
    .error(code: status.code, reason: status.reason, message: status.message)
  }
}

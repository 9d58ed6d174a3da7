/// A place in a list or watch of Nodes whose value is needed.
enum NodeField: UInt8 {
  /// Nothing that is needed.
  case other

  // The document: a NodeList or an event of a watch.
  case list, listMetadata, listVersion, listContinue, listRemaining, items
  case event, eventType
  case documentKind, documentCode, documentReason, documentMessage

  // A Node, or the Status in its place.
  case object, objectCode, objectReason, objectMessage
  case metadata, name, uid, resourceVersion, creationTimestamp, annotations, annotation, initialEventsEnd
  case chosenAnnotation, labels, controlPlaneLabel, chosenLabel
  case status, addresses, address, addressType, addressText, nodeInfo, osImage, machineID
  case conditions, condition, conditionType, conditionStatus, conditionReason

  /// What a value here has to be.
  enum Shape {
    case object, array, text, number
    case any
  }

  var shape: Shape {
    switch self {
    case .other, .controlPlaneLabel: .any
    case .list, .listMetadata, .event, .object, .metadata, .annotations, .labels, .status, .address,
      .nodeInfo, .condition:
      .object
    case .items, .addresses, .conditions: .array
    case .listRemaining, .documentCode, .objectCode: .number
    case .listVersion, .listContinue, .eventType, .documentKind, .documentReason, .documentMessage,
      .objectReason, .objectMessage, .name, .uid, .resourceVersion, .creationTimestamp, .annotation,
      .chosenAnnotation, .chosenLabel, .initialEventsEnd, .addressType, .addressText, .osImage, .machineID,
      .conditionType, .conditionStatus,
      .conditionReason:
      .text
    }
  }

  /// What the elements of an array are.
  var element: NodeField {
    switch self {
    case .items: .object
    case .addresses: .address
    case .conditions: .condition
    default: .other
    }
  }

  /// The place in words, for an error; nil where a value that can't be used counts as missing.
  var mandatory: String? {
    switch self {
    case .list: "a NodeList"
    case .listMetadata: "metadata of the list"
    case .listVersion: "metadata.resourceVersion of the list"
    case .listContinue: "metadata.continue of the list"
    case .items: "items"
    case .event: "an event of a watch"
    default: nil
    }
  }
}

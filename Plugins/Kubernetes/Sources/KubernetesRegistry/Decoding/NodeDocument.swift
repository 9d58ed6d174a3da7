/// What a list says beside its items, or an event beside its object, as far as it has arrived.
struct NodeDocument {
  /// What the document is: `NodeList`, or `Status` where the request wasn't served.
  var kind = ""
  var status = NodeDecodeError.Status(code: 0, reason: "", message: "")

  // Of a list.
  var resourceVersion = ""
  var continueToken = ""
  var remaining: Int?
  var hasItems = false

  // Of an event.
  var type = ""
  var hasObject = false

  /// The value at `field` begins: what an earlier one under the same key said no longer counts.
  mutating func forget(_ field: NodeField) {
    switch field {
    case .list, .event: self = NodeDocument()
    case .documentKind: kind = ""
    case .documentCode: status.code = 0
    case .documentReason: status.reason = ""
    case .documentMessage: status.message = ""
    case .listMetadata: (resourceVersion, continueToken, remaining) = ("", "", nil)
    case .listVersion: resourceVersion = ""
    case .listContinue: continueToken = ""
    case .listRemaining: remaining = nil
    case .eventType: type = ""
    case .object: hasObject = false
    default: break
    }
  }

  /// The text at `field`.
  mutating func set(_ field: NodeField, _ text: String) {
    switch field {
    case .documentKind: kind = text
    case .documentReason: status.reason = text
    case .documentMessage: status.message = text
    case .listVersion: resourceVersion = text
    case .listContinue: continueToken = text
    case .eventType: type = text
    default: break
    }
  }
}

/// Picks what is needed of a list or a watch of Nodes out of what a ``JSONScanner`` gives.
///
/// Where a key comes twice the last one counts, but for the type of a condition. A value that can't be used
/// (of another type, or too long) counts as missing, unless the document makes no sense without it.
struct NodeVisitor: JSONVisitor {
  /// The most bytes that are kept of one object.
  static let maximumObjectText = 512 << 10
  /// What a label counts for beside its text.
  private static let labelCost = 64

  /// What a list says beside its items.
  private(set) var document = NodeDocument()
  /// The Nodes of a list that are complete.
  var nodes: [NodeObject] = []
  /// The events of a watch that are complete.
  var events: [NodeWatchEvent] = []
  /// How many objects, or events, were left out: without a name, or of a type that isn't known.
  private(set) var skipped = 0
  /// How many needed values couldn't be used.
  private(set) var dropped = 0
  /// Where the Node of a list, or the event of a watch, began that isn't complete.
  private(set) var openSince: Int?

  private let root: NodeField
  private let maximumBytes: Int
  private let prefixes: LabelPrefixes
  private var draft = NodeDraft()
  /// The containers that are open, from the root inwards.
  private var path: [NodeField] = []
  /// What the next value is.
  private var next: NodeField
  private var key: NodeKey?
  /// The string that has been begun.
  private var text = NodeField.other
  private var textLeft = NodeVisitor.maximumObjectText
  /// Nodes of a cluster mostly run the same system: its name is kept once.
  private var lastImage = ""
  /// How many values couldn't be used when the object began.
  private var droppedBefore = 0

  /// - Parameters:
  ///   - root: ``NodeField/list`` or ``NodeField/event``.
  ///   - maximumBytes: the most bytes of one Node of a list, or of one event.
  ///   - prefixes: which labels and annotations are to become labels.
  init(_ root: NodeField, maximumBytes: Int, prefixes: LabelPrefixes = LabelPrefixes()) {
    self.root = root
    self.prefixes = prefixes
    self.maximumBytes = maximumBytes
    next = root
    path.reserveCapacity(8)
  }

  mutating func key(_ key: UnsafeRawBufferPointer?) -> Bool {
    guard let key, let container = path.last else {
      next = .other
      return true
    }
    if container == .condition, !draft.isConditionNeeded {
      path.removeLast()
      next = path.last?.element ?? root
      return false
    }
    (next, self.key) = container.child(key, prefixes)
    return true
  }

  mutating func beginObject(at offset: Int) throws(NodeDecodeError) -> Bool {
    let field = takeNext()
    guard field.shape == .object else { return try mismatch(field, "an object", at: offset) }
    if field == .object { (document.hasObject, droppedBefore) = (true, dropped) }
    if field == (root == .list ? .object : .event) { openSince = offset }
    path.append(field)
    return true
  }

  mutating func endObject(at offset: Int) throws(NodeDecodeError) {
    let field = path.popLast()
    next = path.last?.element ?? root
    if field == .object { draft.end(unusable: dropped - droppedBefore) }
    switch field {
    case .address: draft.endAddress()
    case .condition: draft.endCondition()
    case .object where root == .list:
      try checkLength(upTo: offset)
      openSince = nil
      if draft.node.name.isEmpty { skipped += 1 } else { nodes.append(draft.node) }
    case .event:
      try checkLength(upTo: offset)
      openSince = nil
      if let event = draft.event(document) { events.append(event) } else { skipped += 1 }
    default: break
    }
  }

  mutating func beginArray(at offset: Int) throws(NodeDecodeError) -> Bool {
    let field = takeNext()
    guard field.shape == .array else { return try mismatch(field, "an array", at: offset) }
    if field == .items {
      // The Nodes of the first ones have been handed over, so here the last can't win.
      guard !document.hasItems else {
        throw NodeDecodeError(.unexpected, "items of the list come twice", at: offset)
      }
      document.hasItems = true
    }
    path.append(field)
    next = field.element
    return true
  }

  mutating func endArray() {
    path.removeLast()
    next = path.last?.element ?? root
  }

  mutating func beginString(at offset: Int) throws(NodeDecodeError) -> Bool {
    text = takeNext()
    return text.shape == .text ? true : try mismatch(text, "a string", at: offset)
  }

  mutating func string(_ bytes: UnsafeRawBufferPointer?) {
    guard let bytes else { return dropped += 1 }
    // What a Node has used up is no matter of the list's, or of the next event's.
    guard text.isOfObject else { return document.set(text, String(decoding: bytes, as: UTF8.self)) }
    if draft.takeUnkept(text, bytes) { return }
    // Of labels there may be many small ones.
    let cost = bytes.count + (key?.chosen.map { $0.utf8.count + Self.labelCost } ?? 0)
    guard cost <= textLeft else { return dropped += 1 }
    textLeft -= cost
    if text == .osImage, bytes.spells(lastImage) { return draft.set(text, key, lastImage) }
    let value = String(decoding: bytes, as: UTF8.self)
    if text == .osImage { lastImage = value }
    draft.set(text, key, value)
  }

  mutating func scalar(_ value: JSONScalar, at offset: Int) throws(NodeDecodeError) {
    let field = takeNext()
    switch value {
    case .null where field != root:
      if field == .object, root == .list { skipped += 1 }
    case .number(let number) where field.shape == .number:
      if let number { set(field, number) } else { dropped += 1 }
    default: _ = try mismatch(field, value.name, at: offset)
    }
  }

  /// Throws if the Node or event that is open has become too long.
  func checkLength(upTo offset: Int) throws(NodeDecodeError) {
    guard let openSince, offset - openSince > maximumBytes else { return }
    let what = root == .list ? "a Node" : "an event"
    throw NodeDecodeError(.tooLong, "\(what) is longer than \(maximumBytes) bytes", at: openSince)
  }

  /// What the value is that now begins. What an earlier one there said is forgotten.
  private mutating func takeNext() -> NodeField {
    let field = next
    next = path.last?.element ?? root
    guard field != .other else { return field }
    document.forget(field)
    draft.forget(field, key)
    if field == .object { textLeft = Self.maximumObjectText }
    return field
  }

  private mutating func set(_ field: NodeField, _ number: Int) {
    switch field {
    case .listRemaining: document.remaining = number
    case .documentCode: document.status.code = number
    case .objectCode: draft.setCode(number)
    default: break
    }
  }

  /// A value of another type than is needed, or one that isn't needed: false.
  private mutating func mismatch(
    _ field: NodeField, _ found: String, at offset: Int
  ) throws(NodeDecodeError) -> Bool {
    if let mandatory = field.mandatory {
      throw NodeDecodeError(.unexpected, "\(found) where \(mandatory) would be right", at: offset)
    }
    switch field {
    case .object: if root == .list { skipped += 1 }
    // The `status` of a Status is a string.
    case .status where found == "a string": break
    default: if field.shape != .any { dropped += 1 }
    }
    return false
  }
}

extension NodeField {
  /// Whether it is a field of a Node or of a Status in its place.
  fileprivate var isOfObject: Bool { rawValue >= NodeField.object.rawValue }
}

extension JSONScalar {
  fileprivate var name: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    }
  }
}

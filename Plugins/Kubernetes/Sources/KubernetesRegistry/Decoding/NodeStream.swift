/// What decoders of Nodes have in common: bytes go in, in pieces that may end anywhere, and what is complete
/// comes out.
struct NodeStream: Sendable {
  private var scanner: JSONScanner
  private var visitor: NodeVisitor
  private var failure: NodeDecodeError?

  /// - Parameters:
  ///   - root: ``NodeField/list`` for one list, ``NodeField/event`` for any number of events.
  ///   - maximumBytes: the most bytes of one Node of a list, or of one event.
  ///   - prefixes: which labels and annotations are to become labels.
  init(_ root: NodeField, maximumBytes: Int, prefixes: LabelPrefixes) {
    scanner = JSONScanner(isSequence: root == .event)
    visitor = NodeVisitor(root, maximumBytes: maximumBytes, prefixes: prefixes)
  }

  /// What the document says beside its Nodes.
  var document: NodeDocument { visitor.document }
  /// How many bytes were read.
  var consumed: Int { scanner.consumed }
  /// How many objects, or events, were left out.
  var skipped: Int { visitor.skipped }
  /// How many needed values couldn't be used.
  var dropped: Int { visitor.dropped }

  /// Takes the next piece.
  ///
  /// - Parameter complete: where the visitor puts what is complete.
  /// - Throws: what is wrong; at once if the piece completes nothing, else with the next call, so that nothing
  ///   is lost. From then on every call throws it.
  mutating func feed<Item>(
    _ bytes: UnsafeRawBufferPointer, _ complete: WritableKeyPath<NodeVisitor, [Item]>
  ) throws(NodeDecodeError) -> [Item] {
    if let failure { throw failure }
    do {
      try scanner.take(bytes, &visitor)
      try visitor.checkLength(upTo: scanner.consumed)
    } catch {
      failure = error
      if visitor[keyPath: complete].isEmpty { throw error }
    }
    defer { visitor[keyPath: complete] = [] }
    return visitor[keyPath: complete]
  }

  /// The bytes have come to their end.
  ///
  /// - Parameter truncation: what is to be said where that is too early.
  func finish(_ truncation: String) throws(NodeDecodeError) {
    if let failure { throw failure }
    guard scanner.isComplete else { throw NodeDecodeError(.truncated, truncation, at: consumed) }
  }
}

/// Calls `body` with the bytes of an array.
func feeding<Result>(
  _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(NodeDecodeError) -> Result
) throws(NodeDecodeError) -> Result {
  let span = bytes.span
  return try span.withUnsafeBufferPointer { buffer throws(NodeDecodeError) in
    try body(UnsafeRawBufferPointer(buffer))
  }
}

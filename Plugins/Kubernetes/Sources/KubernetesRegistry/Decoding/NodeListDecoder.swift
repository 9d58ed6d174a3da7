/// Reads the answer to a list of Nodes while it arrives, in pieces that may end anywhere.
///
///     for piece in body { nodes += try decoder.feed(piece) }
///     let end = try decoder.finish()
///
/// Only what is needed of a Node is kept, so memory grows with the Nodes that the caller keeps and not with
/// the answer. The metadata of the list may come before or after its items.
package struct NodeListDecoder: Sendable {
  private var scanner = JSONScanner(isSequence: false)
  private var visitor: NodeVisitor
  private var failure: NodeDecodeError?

  /// - Parameter maximumObjectBytes: the most bytes of one Node.
  package init(maximumObjectBytes: Int = 16 << 20) {
    visitor = NodeVisitor(.list, maximumBytes: maximumObjectBytes)
  }

  /// How many items were left out so far, as they have no name.
  package var skipped: Int { visitor.skipped }

  /// How many needed fields of Nodes had a value of another type, or one too long, and count as missing.
  package var dropped: Int { visitor.dropped }

  /// Takes the next piece, of any length.
  ///
  /// - Returns: the Nodes that are complete with it, in the order of the list.
  /// - Throws: what is wrong with the answer; at once if the piece completes no Node, else with the next call,
  ///   so that nothing is lost. From then on every call throws it.
  package mutating func feed(
    _ bytes: UnsafeRawBufferPointer
  ) throws(NodeDecodeError) -> [NodeObject] {
    if let failure { throw failure }
    do {
      try scanner.take(bytes, &visitor)
      try visitor.checkLength(upTo: scanner.consumed)
    } catch {
      failure = error
      if visitor.nodes.isEmpty { throw error }
    }
    defer { visitor.nodes = [] }
    return visitor.nodes
  }

  /// As ``feed(_:)``, for an array.
  package mutating func feed(_ bytes: [UInt8]) throws(NodeDecodeError) -> [NodeObject] {
    try feeding(bytes) { bytes throws(NodeDecodeError) in try feed(bytes) }
  }

  /// The answer has come to its end.
  ///
  /// - Throws: ``NodeDecodeError/Code/status`` if it was a Status and no list,
  ///   ``NodeDecodeError/Code/truncated`` if it isn't whole.
  package mutating func finish() throws(NodeDecodeError) -> NodeListEnd {
    if let failure { throw failure }
    let offset = scanner.consumed
    guard scanner.isComplete else {
      throw NodeDecodeError(.truncated, "the list of Nodes ends too early", at: offset)
    }
    let list = visitor.document
    guard list.kind != "Status" else {
      throw NodeDecodeError(.status, list.status.text, at: 0, status: list.status)
    }
    guard list.kind.isEmpty || list.kind == "NodeList" || list.kind == "List" else {
      let isWord = list.kind.utf8.count <= 63 && list.kind.allSatisfy { $0.isASCII && $0.isLetter }
      let kind = isWord ? "a \(list.kind)" : "an object of another kind"
      throw NodeDecodeError(.unexpected, "\(kind) where a NodeList would be right", at: 0)
    }
    guard !list.resourceVersion.isEmpty else {
      throw NodeDecodeError(.unexpected, "the list of Nodes has no metadata.resourceVersion", at: offset)
    }
    return NodeListEnd(
      resourceVersion: list.resourceVersion,
      continueToken: list.continueToken.isEmpty ? nil : list.continueToken, remaining: list.remaining)
  }
}

extension NodeDecodeError.Status {
  /// The whole of it in a line.
  var text: String {
    var text = "the API server answers \(code)"
    if !reason.isEmpty { text += " \(reason)" }
    if !message.isEmpty { text += ": \(message)" }
    return text
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

/// Reads the answer to a list of Nodes while it arrives, in pieces that may end anywhere.
///
///     for piece in body { nodes += try decoder.feed(piece) }
///     let end = try decoder.finish()
///
/// Only what is needed of a Node is kept, so memory grows with the Nodes that the caller keeps and not with
/// the answer. The metadata of the list may come before or after its items.
package struct NodeListDecoder: Sendable {
  private var stream: NodeStream

  /// - Parameters:
  ///   - maximumObjectBytes: the most bytes of one Node.
  ///   - prefixes: which labels and annotations are to become labels.
  package init(maximumObjectBytes: Int = 16 << 20, prefixes: LabelPrefixes = LabelPrefixes()) {
    stream = NodeStream(.list, maximumBytes: maximumObjectBytes, prefixes: prefixes)
  }

  /// How many items were left out so far, as they have no name.
  package var skipped: Int { stream.skipped }

  /// How many needed fields of Nodes had a value of another type, or one too long, and count as missing.
  package var dropped: Int { stream.dropped }

  /// Takes the next piece, of any length.
  ///
  /// - Returns: the Nodes that are complete with it, in the order of the list.
  /// - Throws: what is wrong with the answer; at once if the piece completes no Node, else with the next call,
  ///   so that nothing is lost. From then on every call throws it.
  package mutating func feed(
    _ bytes: UnsafeRawBufferPointer
  ) throws(NodeDecodeError) -> [NodeObject] {
    try stream.feed(bytes, \.nodes)
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
    try stream.finish("the list of Nodes ends too early")
    let list = stream.document
    guard list.kind != "Status" else {
      throw NodeDecodeError(.status, list.status.text, at: 0, status: list.status)
    }
    guard list.kind.isEmpty || list.kind == "NodeList" || list.kind == "List" else {
      let isWord = list.kind.utf8.count <= 63 && list.kind.allSatisfy { $0.isASCII && $0.isLetter }
      let kind = isWord ? "a \(list.kind)" : "an object of another kind"
      throw NodeDecodeError(.unexpected, "\(kind) where a NodeList would be right", at: 0)
    }
    guard !list.resourceVersion.isEmpty else {
      throw NodeDecodeError(
        .unexpected, "the list of Nodes has no metadata.resourceVersion", at: stream.consumed)
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

/// Reads a watch of Nodes while it arrives: JSON objects one after another, with or without line breaks
/// between, in pieces that may end anywhere.
///
/// `type` and `object` of an event may come in either order. Memory is bounded by what is needed of one
/// event, whatever else the event has.
package struct NodeWatchDecoder: Sendable {
  private var stream: NodeStream

  /// - Parameters:
  ///   - maximumObjectBytes: the most bytes of one event.
  ///   - prefixes: which labels and annotations are to become labels.
  package init(maximumObjectBytes: Int = 16 << 20, prefixes: LabelPrefixes = LabelPrefixes()) {
    stream = NodeStream(.event, maximumBytes: maximumObjectBytes, prefixes: prefixes)
  }

  /// How many events were left out so far: of a type that isn't known, without an object, of a Node without a
  /// name, or a bookmark without a version.
  package var skipped: Int { stream.skipped }

  /// How many needed fields of Nodes had a value of another type, or one too long, and count as missing.
  package var dropped: Int { stream.dropped }

  /// Takes the next piece, of any length.
  ///
  /// - Returns: the events that are complete with it, in order.
  /// - Throws: what is wrong with the stream; at once if the piece completes no event, else with the next
  ///   call, so that nothing is lost. From then on every call throws it.
  package mutating func feed(
    _ bytes: UnsafeRawBufferPointer
  ) throws(NodeDecodeError) -> [NodeWatchEvent] {
    try stream.feed(bytes, \.events)
  }

  /// As ``feed(_:)``, for an array.
  package mutating func feed(_ bytes: [UInt8]) throws(NodeDecodeError) -> [NodeWatchEvent] {
    try feeding(bytes) { bytes throws(NodeDecodeError) in try feed(bytes) }
  }

  /// The stream has come to its end.
  ///
  /// - Throws: ``NodeDecodeError/Code/truncated`` if it ended within an event.
  package mutating func finish() throws(NodeDecodeError) {
    try stream.finish("the watch ends within an event")
  }
}

/// Takes what a ``JSONScanner`` finds.
///
/// Bytes that are passed are valid UTF-8 with all escapes resolved, and live until the call returns. Offsets
/// are those of a value's first byte in the stream.
protocol JSONVisitor {
  /// The key of the value that comes next; nil where it is longer than ``JSONScanner/maximumKeyBytes``.
  /// False: the rest of the object isn't wanted, and nothing more of it is passed on, its end neither.
  mutating func key(_ text: UnsafeRawBufferPointer?) -> Bool
  /// An object begins. False: its content isn't wanted, and nothing of it is passed on, its end neither.
  mutating func beginObject(at offset: Int) throws(NodeDecodeError) -> Bool
  /// The innermost object that was wanted ends. `offset` is that of the byte after it.
  mutating func endObject(at offset: Int) throws(NodeDecodeError)
  /// An array begins. False: as for an object.
  mutating func beginArray(at offset: Int) throws(NodeDecodeError) -> Bool
  /// The innermost array that was wanted ends.
  mutating func endArray()
  /// A string begins. False: it isn't wanted, and ``string(_:)`` isn't called for it.
  mutating func beginString(at offset: Int) throws(NodeDecodeError) -> Bool
  /// A string that was wanted; nil where it is longer than ``JSONScanner/maximumTextBytes``.
  mutating func string(_ text: UnsafeRawBufferPointer?)
  /// A value that is neither text nor a container.
  mutating func scalar(_ value: JSONScalar, at offset: Int) throws(NodeDecodeError)
}

/// A JSON value that is neither text nor a container.
enum JSONScalar: Hashable {
  case null
  case bool
  /// A number; nil where it isn't a whole one that fits.
  case number(Int?)
}

/// Reads JSON objects (RFC 8259) from pieces of any length as they arrive, and gives a ``JSONVisitor`` what
/// it wants of them.
///
/// Every byte is checked, also of what isn't wanted. Between two pieces the scanner keeps its place and, of a
/// string that is wanted, what has come of it: so memory doesn't grow with what is passed over.
struct JSONScanner {
  /// The most objects and arrays within each other.
  static let maximumDepth = 64
  /// The most bytes of a key that is passed on: a label's has 253 before its slash and 63 behind it.
  static let maximumKeyBytes = 320
  /// The most bytes of a string that is passed on: what Kubernetes allows all annotations of an object.
  static let maximumTextBytes = 256 << 10

  enum State {
    case value, valueOrEnd, keyOrEnd, key, colon, commaOrEnd
    case withinKey, withinString, withinNumber, withinLiteral
    /// After the last object.
    case end
  }

  /// Whether objects follow one another, with or without white space between, or there is only one.
  private let isSequence: Bool
  /// How many bytes came before this piece.
  private(set) var consumed = 0
  private(set) var state = State.value
  /// How many objects and arrays are open.
  private(set) var depth = 0
  /// Bit n: the open container number n + 1 is an object.
  private var objects: UInt64 = 0
  /// The depth of the container whose content isn't wanted; 0 if it is.
  private var unwantedDepth = 0
  private var string = JSONString()
  private var isStringWanted = false
  private var number: JSONNumber?
  private var numberOffset = 0
  private var literal = JSONLiteral.null
  private var literalOffset = 0

  init(isSequence: Bool) { self.isSequence = isSequence }

  /// Whether what has come so far is whole objects, at least one if there can only be one.
  var isComplete: Bool { state == .end || isSequence && depth == 0 && state == .value }

  /// Takes the next piece. After an error the scanner can't be used any more.
  mutating func take(
    _ bytes: UnsafeRawBufferPointer, _ visitor: inout some JSONVisitor
  ) throws(NodeDecodeError) {
    guard let base = bytes.baseAddress else { return }
    let end = bytes.count
    var index = 0
    while index < end {
      switch state {
      case .withinKey, .withinString:
        index = try takeString(base, from: index, to: end, &visitor)
        continue
      case .withinNumber:
        try takeNumber(base, &index, to: end, &visitor)
        continue
      case .withinLiteral:
        try takeLiteral(base, &index, to: end, &visitor)
        continue
      default: break
      }
      let byte = base.load(fromByteOffset: index, as: UInt8.self)
      if byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
        index += 1
        continue
      }
      switch (state, byte) {
      case (.colon, UInt8(ascii: ":")): state = .value
      case (.keyOrEnd, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
        isStringWanted = unwantedDepth == 0
        string.begin(isWanted: isStringWanted, limit: Self.maximumKeyBytes)
        state = .withinKey
      case (.commaOrEnd, UInt8(ascii: ",")): state = isInObject ? .key : .value
      case (.commaOrEnd, UInt8(ascii: "}")) where isInObject, (.keyOrEnd, UInt8(ascii: "}")):
        try endObject(at: consumed + index + 1, &visitor)
      case (.commaOrEnd, UInt8(ascii: "]")) where !isInObject, (.valueOrEnd, UInt8(ascii: "]")):
        endArray(&visitor)
      case (.value, _), (.valueOrEnd, _): try begin(byte, at: consumed + index, &visitor)
      default: throw unexpected(byte, at: consumed + index)
      }
      index += 1
    }
    consumed += end
  }

  /// Whether the innermost open container is an object.
  private var isInObject: Bool { objects &>> UInt64(depth &- 1) & 1 == 1 }

  // MARK: Values

  private mutating func begin(
    _ byte: UInt8, at offset: Int, _ visitor: inout some JSONVisitor
  ) throws(NodeDecodeError) {
    let isWanted = unwantedDepth == 0
    switch byte {
    case UInt8(ascii: "{"):
      try open(at: offset)
      objects |= 1 &<< UInt64(depth &- 1)
      state = .keyOrEnd
      if isWanted, try !visitor.beginObject(at: offset) { unwantedDepth = depth }
    case UInt8(ascii: "["):
      try open(at: offset)
      objects &= ~(1 &<< UInt64(depth &- 1))
      state = .valueOrEnd
      if isWanted, try !visitor.beginArray(at: offset) { unwantedDepth = depth }
    case UInt8(ascii: "\""):
      isStringWanted = if isWanted { try visitor.beginString(at: offset) } else { false }
      string.begin(isWanted: isStringWanted, limit: Self.maximumTextBytes)
      state = .withinString
    default:
      if let literal = JSONLiteral(byte) {
        (self.literal, literalOffset, state) = (literal, offset, .withinLiteral)
      } else if let number = JSONNumber(byte) {
        (self.number, numberOffset, state) = (number, offset, .withinNumber)
      } else {
        throw unexpected(byte, at: offset)
      }
    }
  }

  private mutating func open(at offset: Int) throws(NodeDecodeError) {
    guard depth < Self.maximumDepth else {
      throw NodeDecodeError(
        .tooDeep, "more than \(Self.maximumDepth) objects and arrays within each other", at: offset)
    }
    depth += 1
  }

  private mutating func endObject(
    at offset: Int, _ visitor: inout some JSONVisitor
  ) throws(NodeDecodeError) {
    if unwantedDepth == 0 {
      try visitor.endObject(at: offset)
    } else if unwantedDepth == depth {
      unwantedDepth = 0
    }
    close()
  }

  private mutating func endArray(_ visitor: inout some JSONVisitor) {
    if unwantedDepth == 0 {
      visitor.endArray()
    } else if unwantedDepth == depth {
      unwantedDepth = 0
    }
    close()
  }

  private mutating func close() {
    depth -= 1
    endValue()
  }

  private mutating func endValue() {
    state = depth > 0 ? .commaOrEnd : isSequence ? .value : .end
  }

  // MARK: What may go on in the next piece

  private mutating func takeString(
    _ base: UnsafeRawPointer, from start: Int, to end: Int, _ visitor: inout some JSONVisitor
  ) throws(NodeDecodeError) -> Int {
    switch string.take(base, from: start, to: end) {
    case .open: return end
    case .wrong(let fault, let index):
      let byte = base.load(fromByteOffset: index, as: UInt8.self)
      throw fault.error(byte, at: consumed + index)
    case .ended(let index):
      if state == .withinKey {
        if isStringWanted, !string.finish(base, { visitor.key($0) }) { unwantedDepth = depth }
        state = .colon
      } else {
        if isStringWanted { string.finish(base) { visitor.string($0) } }
        endValue()
      }
      return index
    }
  }

  private mutating func takeNumber(
    _ base: UnsafeRawPointer, _ index: inout Int, to end: Int, _ visitor: inout some JSONVisitor
  ) throws(NodeDecodeError) {
    guard var number else { return endValue() }
    while index < end {
      let byte = base.load(fromByteOffset: index, as: UInt8.self)
      if number.take(byte) {
        index += 1
        continue
      }
      guard number.isComplete else { throw unexpected(byte, at: consumed + index) }
      if unwantedDepth == 0 { try visitor.scalar(.number(number.value), at: numberOffset) }
      return endValue()
    }
    self.number = number
  }

  private mutating func takeLiteral(
    _ base: UnsafeRawPointer, _ index: inout Int, to end: Int, _ visitor: inout some JSONVisitor
  ) throws(NodeDecodeError) {
    while index < end {
      let byte = base.load(fromByteOffset: index, as: UInt8.self)
      guard literal.take(byte) else { throw unexpected(byte, at: consumed + index) }
      index += 1
      guard literal.isComplete else { continue }
      if unwantedDepth == 0 { try visitor.scalar(literal.value, at: literalOffset) }
      return endValue()
    }
  }

  private func unexpected(_ byte: UInt8, at offset: Int) -> NodeDecodeError {
    NodeDecodeError(.malformed, "\(byteText(byte)) where \(state.expectation) would be right", at: offset)
  }
}

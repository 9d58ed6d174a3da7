import ClusterModel
import Platform

/// Reads the values of one line. What is of a wrong kind is noted and passed; what is no JSON is thrown.
struct ValueReader {
  typealias Failure = JSONLexer.Failure

  var lexer: JSONLexer
  /// What was wrong, each with its place.
  private(set) var problems: [String] = []
  private var unnamedProblems = 0
  /// Whether there was a node of which it can't be told which one it is.
  var hidesNodes = false
  /// What messages begin with: the list and the index in it of the record that is being read.
  var subject: (list: StaticString, index: Int)?
  /// Whether text may have control characters other than a zero.
  var allowsControls = false

  /// - Parameter bytes: UTF-8.
  init(_ bytes: [UInt8]) { lexer = JSONLexer(bytes) }

  /// All problems, and a number of those that are too many.
  var allProblems: [String] { problems + (unnamedProblems > 0 ? ["and \(unnamedProblems) more"] : []) }

  mutating func note(_ problem: @autoclosure () -> String) {
    guard problems.count < ProtocolLimits.problems else {
      unnamedProblems += 1
      return
    }
    problems.append(subject.map { "\($0.list)[\($0.index)]: \(problem())" } ?? problem())
  }

  /// Notes that the current value isn't what `name` must be, and passes it.
  mutating func refuse(_ name: String, _ expected: String) throws(Failure) {
    if try !takeNull() {
      let kind = kind
      note("\(name) must be \(expected), not \(kind)")
      try lexer.skipValue()
    }
  }

  private var kind: String {
    switch lexer.current {
    case UInt8(ascii: "{"): "an object"
    case UInt8(ascii: "["): "a list"
    case UInt8(ascii: "\""): "text"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): "true or false"
    default: "a number"
    }
  }

  /// Passes `null`, where that is the current value.
  mutating func takeNull() throws(Failure) -> Bool {
    guard lexer.current == UInt8(ascii: "n") else { return false }
    _ = try lexer.literal()
    return true
  }

  /// Reads the elements of the current object by `body`, which reads or skips each value. False, with a note, where it
  /// is no object.
  @discardableResult
  mutating func object(
    _ name: String, _ body: (inout ValueReader, _ key: String) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    guard lexer.current == UInt8(ascii: "{") else {
      try refuse(name, "an object")
      return false
    }
    var scope = lexer.begin()
    while try lexer.next(in: &scope) {
      let key = try lexer.key()
      try body(&self, key)
    }
    return true
  }

  /// Reads the items of the current list by `body`, which reads or skips each; what isn't a list is one item of it.
  ///
  /// - Parameter limit: the most items; those beyond it are passed, with a note.
  mutating func items(
    _ name: String, limit: Int = ProtocolLimits.boundary.listItems,
    _ body: (inout ValueReader, _ index: Int) throws(Failure) -> Void
  ) throws(Failure) {
    if try takeNull() { return }
    guard lexer.current == UInt8(ascii: "[") else { return try body(&self, 0) }
    var scope = lexer.begin()
    var index = 0
    while try lexer.next(in: &scope) {
      if index < limit { try body(&self, index) } else { try lexer.skipValue() }
      index += 1
    }
    if index > limit { note("\(name) has \(index) items, more than the \(limit) allowed") }
  }

  // MARK: Scalars

  /// One line of text; a number or a boolean is the text that it is written as. Nil where there is none.
  mutating func text(
    _ name: @autoclosure () -> String, limit: Int = ProtocolLimits.boundary.textBytes
  ) throws(Failure) -> String? {
    let text: String
    switch lexer.current {
    case UInt8(ascii: "\""): text = try lexer.string()
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      try refuse(name(), "text")
      return nil
    default:
      switch try lexer.literal() {
      case .null: return nil
      case .bool(let bool): text = bool ? "true" : "false"
      case .number(let digits): text = digits
      }
    }
    guard text.utf8.count <= limit else {
      note("\(name()) has \(text.utf8.count) bytes, more than the \(limit) allowed")
      return nil
    }
    guard !lexer.hadEscapes && allowsControls || !hasControl(text) else {
      note("\(name()) \(quoted(text)) has a control character; it is one line of text")
      return nil
    }
    return text
  }

  private func hasControl(_ text: String) -> Bool {
    var text = text
    let allowsControls = allowsControls
    return text.withUTF8 { bytes in
      bytes.contains { ($0 < 0x20 || $0 == 0x7F) && ($0 == 0 || !allowsControls) }
    }
  }

  /// Text for a person: as one line, cut where it is too long.
  mutating func message(_ name: @autoclosure () -> String) throws(Failure) -> String? {
    guard lexer.current == UInt8(ascii: "\"") else { return try text(name()) }
    return Self.oneLine(try lexer.string())
  }

  static func oneLine(_ text: String) -> String {
    let bytes = text.utf8.prefix(ProtocolLimits.messageBytes)
    let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.map {
      $0.value < 0x20 || $0.value == 0x7F ? " " : $0
    }
    return String(String.UnicodeScalarView(scalars))
  }

  /// What `convert` makes of a text.
  mutating func value<Value>(
    _ name: @autoclosure () -> String, limit: Int = 256,
    _ convert: (String) throws(ModelError) -> Value
  ) throws(Failure) -> Value? {
    guard let text = try text(name(), limit: limit) else { return nil }
    do throws(ModelError) {
      return try convert(text)
    } catch {
      note("\(name()): \(error)")
      return nil
    }
  }

  mutating func bool(_ name: String) throws(Failure) -> Bool? {
    switch lexer.current {
    case UInt8(ascii: "t"), UInt8(ascii: "f"):
      if case .bool(let bool) = try lexer.literal() { return bool }
    default: try refuse(name, "true or false")
    }
    return nil
  }

  /// A whole number; one in quotes is taken as well.
  mutating func integer<Number: FixedWidthInteger>(
    _ name: String, in range: ClosedRange<Number>
  ) throws(Failure) -> Number? {
    guard let text = try text(name, limit: 64) else { return nil }
    guard let number = Number(text), range.contains(number) else {
      note(
        "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), not \(quoted(text))")
      return nil
    }
    return number
  }

  /// A moment, in milliseconds since 1970 or as RFC 3339 has it.
  mutating func time(_ name: String) throws(Failure) -> Timestamp? {
    guard let text = try text(name, limit: 64) else { return nil }
    if let milliseconds = Int64(text) { return Timestamp(milliseconds: milliseconds) }
    if let time = Timestamp(rfc3339: text) { return time }
    note("\(name) \(quoted(text)) isn't a time such as 2026-11-23T03:08:50Z, nor milliseconds since 1970")
    return nil
  }
}

package import ClusterModel
import Platform

/// Reads the keys of a mapping as typed values. What is wrong goes to ``diagnostics`` with its place, and what
/// was asked for is nil: one problem must not hide the next.
package struct FieldReader {
  /// How what is written is taken.
  package enum Style: Sendable {
    /// As a person means it who writes a configuration: text is text, and a key without a value is a mistake.
    case strict
    /// As programs print it and people copy it: a number where text is expected is the text as it is written, a
    /// number in quotes is a number, an empty value is as good as none, and of a list that is too long the first
    /// items are taken.
    case lenient
  }

  /// The keys to the mapping: `cluster.discovery`; empty where it is the whole.
  package let path: String
  /// The mapping; nil where there is none, or something else, which has been reported.
  package let node: YAMLNode?
  /// Whether the mapping was left empty or out.
  package var isMissing: Bool { node == nil && !isWrong }
  private let isWrong: Bool
  /// Where the mapping is, or should be.
  package let mark: YAMLMark
  package let diagnostics: Diagnostics
  private let style: Style
  private let subject: String

  /// Reads `node`, which may be left empty or out.
  ///
  /// - Parameters:
  ///   - what: how messages call the mapping where `path` is empty: "the file", "a node".
  ///   - path: the keys to the mapping.
  ///   - subject: what messages begin with, as places alone tell little in a long file: "node 'rack-1'".
  ///   - keys: those that the mapping may have; nil: any. Others are reported.
  package init(
    _ node: YAMLNode?, _ what: String, path: String = "", subject: String = "", keys: [String]?,
    style: Style = .strict, diagnostics: Diagnostics
  ) {
    self.path = path
    self.subject = subject
    self.style = style
    self.diagnostics = diagnostics
    mark = node?.mark ?? YAMLMark(line: 1, column: 1)
    guard let node, !node.isNull else {
      self.node = nil
      isWrong = false
      return
    }
    let name = path.isEmpty ? what : path
    guard let pairs = node.pairs else {
      self.node = nil
      isWrong = true
      let expected = keys.map { "a mapping with \($0.joined(separator: ", "))" } ?? "a mapping"
      // The text isn't shown: 'secret:…' without a space after the colon is text as well.
      error(node.mark, "\(name) \(node.written.mismatch(must: expected, isShown: false))")
      return
    }
    self.node = node
    isWrong = false
    guard let keys else { return }
    for pair in pairs where !keys.contains(pair.key) {
      let place = diagnostics.places[pair.key]
      error(pair.keyMark, unknownKey(pair.key, in: name, known: keys, place: place == path ? nil : place))
    }
  }

  // MARK: Telling

  /// Reports `message` at `mark`.
  package func error(_ mark: YAMLMark, _ message: String) {
    diagnostics.error(mark, subject.isEmpty ? message : "\(subject): \(message)")
  }

  /// Reports `message`, about the value of `key`, at its place.
  package func error(_ key: String, _ message: String) {
    error(mark(of: key), "\(name(of: key)): \(message)")
  }

  /// Reports what is wrong with the value of `key`, at its place.
  package func error(_ key: String, _ fault: ModelError) { error(key, fault.message) }

  /// Reports `message`, about the value of `key`, at its place, as something that is taken all the same.
  package func warning(_ key: String, _ message: String) {
    let message = "\(name(of: key)): \(message)"
    diagnostics.warning(mark(of: key), subject.isEmpty ? message : "\(subject): \(message)")
  }

  /// Where the value of `key` is, or should be.
  package func mark(of key: String) -> YAMLMark { node?[key]?.mark ?? mark }

  /// `key` with the keys to the mapping, as messages name it.
  package func name(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  // MARK: Raw parts

  /// The mapping's pairs; none where there is no mapping.
  package var pairs: [YAMLPair] { node?.pairs ?? [] }

  /// The pair of `key`, whatever its value is.
  package func pair(_ key: String) -> YAMLPair? { pairs.first { $0.key == key } }

  /// What is written for `key`; nil where that is as good as nothing.
  package func value(_ key: String) -> YAMLNode? {
    guard let value = node?[key] else { return nil }
    return style == .lenient && (value.isNull || value.scalar?.text.isEmpty == true) ? nil : value
  }

  // MARK: Values

  /// One line of text, not empty.
  ///
  /// - Parameters:
  ///   - isSecret: whether it must not stand in messages.
  ///   - maximum: the most bytes that it may have.
  ///   - mayHaveLines: whether it may be broken into lines.
  package func text(
    _ key: String, isSecret: Bool = false, maximum: Int = .max, mayHaveLines: Bool = false
  ) -> String? {
    value(key).flatMap {
      text($0, name(of: key), isSecret: isSecret, maximum: maximum, mayHaveLines: mayHaveLines)
    }
  }

  /// What `convert` makes of a text.
  package func value<Value>(
    _ key: String, maximum: Int = .max, _ convert: (String) throws(ModelError) -> Value
  ) -> Value? {
    value(key).flatMap { converted($0, name(of: key), maximum: maximum, convert) }
  }

  /// True or false.
  package func bool(_ key: String) -> Bool? {
    guard let value = value(key) else { return nil }
    if value.bool == nil {
      mismatch(key, value, must: "true or false", value.written.booleanAdvice)
    }
    return value.bool
  }

  /// A whole number within `range`.
  package func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = value(key) else { return nil }
    guard let number = value.int ?? quotedInteger(value), range.contains(number) else {
      let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
      mismatch(key, value, must: expected, value.written.numberAdvice)
      return nil
    }
    return number
  }

  /// The whole number that is written in quotes, where that is taken.
  private func quotedInteger(_ value: YAMLNode) -> Int? {
    guard style == .lenient, let scalar = value.scalar, !scalar.isPlain else { return nil }
    return YAMLScalar(scalar.text, isPlain: true).integer
  }

  /// A port, from 1.
  package func port(_ key: String) -> UInt16? { integer(key, in: 1...65_535).map { UInt16($0) } }

  /// A duration as ``DurationText`` reads it, within `range`.
  package func duration(
    _ key: String, in range: ClosedRange<Duration> = .zero...DurationText.longest
  ) -> Duration? {
    guard let value = value(key) else { return nil }
    guard let scalar = value.scalar, [.text, .integer, .number].contains(scalar.kind) else {
      mismatch(key, value, must: "a duration such as 30s, 5m or 1h30m")
      return nil
    }
    return converting(value, name(of: key)) { () throws(ModelError) in
      try DurationText.parse(scalar.text, in: range)
    }
  }

  /// The path of a file or folder, as seen from where the process is; it is written as seen from `base`.
  package func path(_ key: String, base: String) -> String? {
    text(key).map { FilePaths.resolve($0, base: base) }
  }

  /// The bytes of a text in base64, which isn't shown in messages.
  package func base64(_ key: String) -> [UInt8]? {
    guard let text = text(key, isSecret: true, mayHaveLines: true) else { return nil }
    let bytes = Base64.decodeLines(text)
    if bytes == nil { error(key, "it isn't base64") }
    return bytes
  }

  // MARK: Lists

  /// The items of a list, as they are written.
  ///
  /// - Parameter things: what they are, for messages: "folders".
  package func items(_ key: String, of things: String, maximum: Int = .max) -> [YAMLNode]? {
    guard let value = value(key) else { return nil }
    guard let items = value.items else {
      mismatch(key, value, must: "a list of \(things)")
      return nil
    }
    guard items.count <= maximum else {
      let taken = style == .lenient ? ", of which the first \(maximum) are taken" : ""
      error(value.mark, "\(name(of: key)) has at most \(maximum) items, this one has \(items.count)\(taken)")
      return style == .lenient ? Array(items.prefix(maximum)) : nil
    }
    return items
  }

  /// What `convert` makes of the items of a list of texts; wrong ones are reported and left out.
  ///
  /// - Parameters:
  ///   - maximum: the most items that the list may have.
  ///   - itemMaximum: the most bytes that each may have.
  package func list<Value>(
    _ key: String, of things: String, maximum: Int = .max, itemMaximum: Int = .max,
    _ convert: (String) throws(ModelError) -> Value
  ) -> [Value]? {
    guard let items = items(key, of: things, maximum: maximum) else { return nil }
    var values: [Value] = []
    values.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      let value = converted(item, "\(name(of: key))[\(index)]", maximum: itemMaximum, convert)
      if let value { values.append(value) }
    }
    return values
  }

  /// The items of a list of texts with their places; wrong ones are reported and left out.
  package func texts(_ key: String, of things: String) -> [(text: String, mark: YAMLMark)]? {
    items(key, of: things)?.enumerated().compactMap { index, item in
      text(item, "\(name(of: key))[\(index)]", maximum: .max).map { ($0, item.mark) }
    }
  }

  // MARK: Mappings within

  /// The mapping `key`, which may be left empty or out.
  package func section(_ key: String, keys: [String]?) -> FieldReader {
    FieldReader(
      node?[key], key, path: name(of: key), subject: subject, keys: keys, style: style,
      diagnostics: diagnostics)
  }

  /// The mappings in the list `key`.
  package func sections(_ key: String, of things: String, keys: [String]?) -> [FieldReader] {
    (items(key, of: things) ?? []).enumerated().map { index, item in
      FieldReader(
        item, key, path: "\(name(of: key))[\(index)]", subject: subject, keys: keys, style: style,
        diagnostics: diagnostics)
    }
  }

  // MARK: Steps

  private func mismatch(_ key: String, _ value: YAMLNode, must expected: String, _ advice: String = "") {
    error(value.mark, "\(name(of: key)) \(value.written.mismatch(must: expected))\(advice)")
  }

  private func text(
    _ value: YAMLNode, _ name: @autoclosure () -> String, isSecret: Bool = false, maximum: Int,
    mayHaveLines: Bool = false
  ) -> String? {
    guard let scalar = value.scalar, scalar.kind == .text || style == .lenient && scalar.kind != .null else {
      let fault = value.written.mismatch(must: "text", isShown: !isSecret)
      error(value.mark, "\(name()) \(fault)\(value.written.textAdvice(isShown: !isSecret))")
      return nil
    }
    let text = scalar.text
    guard !text.isEmpty else {
      error(value.mark, "\(name()) \(WrittenValue.nothing.mismatch(must: "text"))")
      return nil
    }
    guard text.utf8.count <= maximum else {
      error(value.mark, "\(name()) has at most \(maximum) bytes, this one has \(text.utf8.count)")
      return nil
    }
    let isWrong = text.unicodeScalars.contains { scalar in
      Self.isControl(scalar) && !(mayHaveLines && (scalar == "\n" || scalar == "\r"))
    }
    guard !isWrong else {
      let shown = isSecret ? "" : " \(quoted(text))"
      error(value.mark, "\(name())\(shown) has a control character; it is one line of text")
      return nil
    }
    return text
  }

  /// Control characters, and what ends a line. What merely can't be seen is text: outputs escape it.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
    default: false
    }
  }

  private func converted<Value>(
    _ value: YAMLNode, _ name: @autoclosure () -> String, maximum: Int,
    _ convert: (String) throws(ModelError) -> Value
  ) -> Value? {
    guard let text = text(value, name(), maximum: maximum) else { return nil }
    return converting(value, name()) { () throws(ModelError) in try convert(text) }
  }

  private func converting<Value>(
    _ value: YAMLNode, _ name: @autoclosure () -> String, _ convert: () throws(ModelError) -> Value
  ) -> Value? {
    do throws(ModelError) {
      return try convert()
    } catch {
      self.error(value.mark, "\(name()): \(error)")
      return nil
    }
  }
}

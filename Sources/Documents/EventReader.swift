import CYAML

/// libyaml's parser: one event after the other. Owns the parser's memory and frees it in every case.
struct EventReader: ~Copyable {
  enum Event {
    case documentStart
    case alias(String)
    case scalar(Properties, text: String, style: yaml_scalar_style_t)
    case sequenceStart(Properties)
    case sequenceEnd
    case mappingStart(Properties)
    case mappingEnd
    case documentEnd
    case streamStart
    case streamEnd
  }

  /// What may be written before a node.
  struct Properties {
    var anchor: String?
    var tag: String?
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let file: String
  private let input: UnsafeBufferPointer<UInt8>

  /// - Parameter input: must outlive the reader.
  init(_ input: UnsafeBufferPointer<UInt8>, file: String) throws(YAMLError) {
    self.file = file
    self.input = input
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    guard yaml_parser_initialize(parser) == 1 else {
      throw YAMLError(
        file: file, mark: YAMLMark(line: 1, column: 1), message: "there is no memory to read it")
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event and where it begins. After ``Event/streamEnd`` or an error there is none.
  func next() throws(YAMLError) -> (event: Event, mark: YAMLMark) {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw error }
    defer { yaml_event_delete(&event) }
    return (Self.event(event), YAMLMark(event.start_mark))
  }

  private static func event(_ event: yaml_event_t) -> Event {
    switch event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        Properties(anchor: text(scalar.anchor), tag: text(scalar.tag)),
        text: String(decoding: bytes, as: UTF8.self), style: scalar.style)
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      return .sequenceStart(Properties(anchor: text(start.anchor), tag: text(start.tag)))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      return .mappingStart(Properties(anchor: text(start.anchor), tag: text(start.tag)))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd
    }
  }

  private static func text(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    text.map { String(cString: $0) }
  }
}

extension EventReader {
  private var error: YAMLError {
    let parser = parser.pointee
    let problem = parser.problem.map { String(cString: $0) } ?? "it can't be read"
    if parser.error == YAML_READER_ERROR {
      let mark = SourceText.mark(of: Int(parser.problem_offset), in: Array(input))
      return YAMLError(file: file, mark: mark, message: "\(problem) (U+\(hex(parser.problem_value)))")
    }
    var mark = YAMLMark(parser.problem_mark)
    if Self.offset(ofCharacter: Int(parser.problem_mark.index), in: input) == input.count {
      // libyaml takes the end for a line of its own.
      mark = SourceText.mark(of: input.count, in: Array(input))
    }
    var message = problem
    if let context = parser.context.map({ String(cString: $0) }) {
      let start = YAMLMark(parser.context_mark)
      message += " \(context)"
      // Without a place of its own libyaml leaves the context's at the very beginning, or beyond the end.
      if start < mark, start != YAMLMark(line: 1, column: 1) || mark.line == 1 {
        message += " that begins at line \(start.line), column \(start.column)"
      }
    }
    return YAMLError(file: file, mark: mark, message: message + advice(for: problem))
  }

  /// What a person most likely did where libyaml only tells what it didn't expect.
  private func advice(for problem: String) -> String {
    switch problem {
    case "found character that cannot start any token":
      let offset = Self.offset(ofCharacter: Int(parser.pointee.problem_mark.index), in: input)
      if offset < input.count, input[offset] == 0x09 { return "; indent with spaces, not with tabs" }
      return "; put text that begins with it in quotes"
    case "mapping values are not allowed in this context":
      return "; put text with ': ' in it in quotes"
    case "found unexpected ':'": return "; put text with ':' in it in quotes"
    case "found invalid Unicode character escape code":
      return "; write the character itself, or its number as eight digits after \\U"
    default: return ""
    }
  }

  private static func offset(ofCharacter index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var seen = 0
    for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
      if seen == index { return offset }
      seen += 1
    }
    return bytes.count
  }

  private func hex(_ value: Int32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
  }
}

extension YAMLMark {
  init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}

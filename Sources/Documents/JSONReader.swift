import Platform

/// Reads JSON, one value or several objects and lists behind each other, into the same nodes as YAML.
struct JSONReader {
  private let bytes: [UInt8]
  private var lexer: JSONLexer
  private var budget: NodeBudget
  /// A place up to which marks were told, from which the next one is found.
  private var place = TextPlace()
  private var placeOffset = 0

  static func read(_ bytes: [UInt8], file: String, limits: YAMLLimits) throws(YAMLError) -> YAMLStream {
    var reader = JSONReader(bytes: bytes, budget: NodeBudget(file: file, limits: limits))
    var documents: [YAMLNode] = []
    reader.lexer.skipBlanks()
    while let byte = reader.lexer.current {
      // Texts or numbers behind each other are no stream that anybody prints: YAML shall say what it is.
      if !documents.isEmpty, byte != UInt8(ascii: "{"), byte != UInt8(ascii: "[") {
        throw reader.error(reader.lexer.failure("a JSON value is followed by something else"))
      }
      documents.append(try reader.value(depth: 0))
      reader.lexer.skipBlanks()
    }
    return YAMLStream(documents: documents, duplicateKeys: reader.budget.duplicateKeys)
  }

  private init(bytes: [UInt8], budget: NodeBudget) {
    self.bytes = bytes
    lexer = JSONLexer(bytes)
    self.budget = budget
  }

  private mutating func value(depth: Int) throws(YAMLError) -> YAMLNode {
    let start = mark()
    try budget.addNode(at: start)
    let content: YAMLNode.Content
    switch lexer.current {
    case UInt8(ascii: "{"):
      try budget.check(depth: depth + 1, at: start)
      content = .mapping(try object(depth: depth + 1))
    case UInt8(ascii: "["):
      try budget.check(depth: depth + 1, at: start)
      content = .sequence(try list(depth: depth + 1))
    case UInt8(ascii: "\""):
      content = .scalar(
        YAMLScalar(try token { (lexer) throws(JSONLexer.Failure) in try lexer.string() }, isPlain: false))
    default:
      let text =
        switch try token({ (lexer) throws(JSONLexer.Failure) in try lexer.literal() }) {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .number(let digits): digits
        }
      content = .scalar(YAMLScalar(text, isPlain: true))
    }
    return YAMLNode(content, mark: start)
  }

  private mutating func object(depth: Int) throws(YAMLError) -> [YAMLPair] {
    var pairs: [YAMLPair] = []
    var scope = lexer.begin()
    while try hasNext(in: &scope) {
      let keyMark = mark()
      let key = try token { (lexer) throws(JSONLexer.Failure) in try lexer.key() }
      try budget.addNode(at: keyMark)
      pairs.append(YAMLPair(key: key, keyMark: keyMark, value: try value(depth: depth)))
    }
    return budget.unique(pairs)
  }

  private mutating func list(depth: Int) throws(YAMLError) -> [YAMLNode] {
    var items: [YAMLNode] = []
    var scope = lexer.begin()
    while try hasNext(in: &scope) { items.append(try value(depth: depth)) }
    return items
  }

  private mutating func hasNext(in scope: inout JSONLexer.Scope) throws(YAMLError) -> Bool {
    do throws(JSONLexer.Failure) {
      return try lexer.next(in: &scope)
    } catch {
      throw self.error(error)
    }
  }

  private mutating func token<Token>(
    _ read: (inout JSONLexer) throws(JSONLexer.Failure) -> Token
  ) throws(YAMLError) -> Token {
    do throws(JSONLexer.Failure) {
      return try read(&lexer)
    } catch {
      throw self.error(error)
    }
  }

  /// The place of the current byte.
  private mutating func mark() -> YAMLMark {
    while placeOffset < lexer.offset {
      place.advance(past: placeOffset, of: bytes)
      placeOffset += 1
    }
    return YAMLMark(place)
  }

  private func error(_ failure: JSONLexer.Failure) -> YAMLError {
    var message = failure.message
    if let beginning = failure.beginning {
      let start = TextPlace(of: beginning, in: bytes)
      message += " that begins at line \(start.line), column \(start.column)"
    }
    return YAMLError(
      file: budget.file, mark: YAMLMark(TextPlace(of: failure.offset, in: bytes)), message: message)
  }
}

extension YAMLMark {
  init(_ place: TextPlace) { self.init(line: place.line, column: place.column) }
}

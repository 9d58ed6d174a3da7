/// Reads a template. Positions are in characters; what is wrong is told with its column.
struct JSONPathParser {
  private let characters: [Character]
  private var position = 0
  /// How deep filters and ranges lie in each other here.
  private var depth = 0
  private static let maximumDepth = 32

  init(_ source: String) { characters = Array(source) }

  // MARK: Templates

  /// A template: text with expressions in braces, to its end.
  mutating func template() throws(ResourceError) -> [JSONPathPart] {
    let (parts, end) = try partsUntilEnd()
    if let end { throw error(at: end, "{end} closes no {range}") }
    return parts
  }

  /// An expression without braces around it, to its end.
  mutating func bareExpression() throws(ResourceError) -> JSONPathPart {
    skipSpaces()
    guard !isAtEnd else { throw error("an expression is missing, such as {.metadata.id}") }
    let path = try self.path()
    skipSpaces()
    guard isAtEnd else { throw unexpected("'.', '[' or the end") }
    return .expression(path)
  }

  /// Parts up to the end of the text, or up to an `{end}`, whose position is then returned.
  private mutating func partsUntilEnd() throws(ResourceError) -> ([JSONPathPart], end: Int?) {
    var parts: [JSONPathPart] = []
    var text = ""
    while let character = peek {
      guard character == "{" else {
        text.append(character)
        position += 1
        continue
      }
      if !text.isEmpty { parts.append(.text(text)) }
      text = ""
      let open = position
      position += 1
      skipSpaces()
      if takeWord("end") {
        try close(open)
        return (parts, open)
      }
      parts.append(try part(openedAt: open))
    }
    if !text.isEmpty { parts.append(.text(text)) }
    return (parts, nil)
  }

  /// What is in braces, and with a range all up to its `{end}`.
  private mutating func part(openedAt open: Int) throws(ResourceError) -> JSONPathPart {
    if peek == "}" { throw error(at: open, "the braces are empty; write a path such as {.metadata.id}") }
    if let quote = peek, quote == "\"" || quote == "'" {
      let text = try quotedText()
      try close(open)
      return .text(text)
    }
    guard takeWord("range") else {
      let path = try self.path()
      try close(open)
      return .expression(path)
    }
    skipSpaces()
    if peek == "}" { throw error("range needs a path, such as {range .spec.addresses[*]}") }
    let path = try self.path()
    try close(open)
    try deeper()
    let (parts, end) = try partsUntilEnd()
    depth -= 1
    guard end != nil else { throw error(at: open, "this {range} has no {end}") }
    return .range(path, parts)
  }

  private mutating func close(_ open: Int) throws(ResourceError) {
    skipSpaces()
    if isAtEnd { throw error(at: open, "this '{' has no '}'") }
    guard take("}") else { throw unexpected("'.', '[' or '}'") }
  }

  // MARK: Paths

  private mutating func path() throws(ResourceError) -> JSONPath {
    var path = JSONPath(start: .current, steps: [])
    if take("$") {
      path.start = .root
    } else if take("@") {
      // The start already.
    } else if let character = peek, character != ".", character != "[" {
      // A first field needs no dot.
      path.steps.append(try fieldOrWildcard())
    }
    while true {
      if take(".") {
        if take(".") {
          path.steps.append(.descent)
          if peek == "[" || isPathEnd { continue }
        } else if peek == "[" || isPathEnd {
          // A dot alone is the value itself.
          guard path.steps.isEmpty else { throw unexpected("a field's name") }
          continue
        }
        path.steps.append(try fieldOrWildcard())
      } else if peek == "[" {
        path.steps.append(try brackets())
      } else {
        return path
      }
    }
  }

  private var isPathEnd: Bool { peek.map { " \t\n})]=!<>,".contains($0) } ?? true }

  private mutating func fieldOrWildcard() throws(ResourceError) -> JSONPathStep {
    if take("*") { return .wildcard }
    var name = ""
    while let character = peek, !" \t\n.[]{}(),=<>!'\"$@*?:".contains(character) {
      position += 1
      if character == "\\" {
        guard let escaped = peek else { throw error("a character must follow '\\'") }
        name.append(escaped)
        position += 1
      } else {
        name.append(character)
      }
    }
    guard !name.isEmpty else { throw unexpected("a field's name") }
    return .field(name)
  }

  // MARK: Brackets

  private mutating func brackets() throws(ResourceError) -> JSONPathStep {
    let open = position
    position += 1
    skipSpaces()
    if take("?") { return try filter(openedAt: open) }
    var steps: [JSONPathStep] = []
    repeat {
      skipSpaces()
      steps.append(try bracketItem(openedAt: open))
      skipSpaces()
    } while take(",")
    try closeBracket(open, expecting: "',' or ']'")
    return steps.count == 1 ? steps[0] : .union(steps)
  }

  private mutating func bracketItem(openedAt open: Int) throws(ResourceError) -> JSONPathStep {
    guard let character = peek else { throw error(at: open, "this '[' has no ']'") }
    if take("*") { return .wildcard }
    if character == "'" || character == "\"" { return .quotedField(try quotedText()) }
    if character == "-" || character == ":" || character.isASCIIDigit { return try indexOrSlice() }
    if character == "]" {
      throw error(at: open, "the brackets are empty; write an index, '*', a quoted name or ?(filter)")
    }
    return try fieldOrWildcard()
  }

  private mutating func indexOrSlice() throws(ResourceError) -> JSONPathStep {
    let start = try optionalInteger()
    skipSpaces()
    guard take(":") else {
      guard let start else { throw unexpected("an index") }
      return .index(start)
    }
    skipSpaces()
    let end = try optionalInteger()
    skipSpaces()
    guard take(":") else { return .slice(start: start, end: end, step: 1) }
    skipSpaces()
    let at = position
    let step = try optionalInteger() ?? 1
    guard step > 0 else { throw error(at: at, "a slice's step must be at least 1") }
    return .slice(start: start, end: end, step: step)
  }

  private mutating func optionalInteger() throws(ResourceError) -> Int? {
    let start = position
    if peek == "-" { position += 1 }
    while let character = peek, character.isASCIIDigit { position += 1 }
    guard position > start else { return nil }
    guard let value = Int(String(characters[start..<position])) else {
      throw error(at: start, "'\(String(characters[start..<position].prefix(40)))' isn't a whole number")
    }
    return value
  }

  private mutating func closeBracket(_ open: Int, expecting: String) throws(ResourceError) {
    if isAtEnd { throw error(at: open, "this '[' has no ']'") }
    guard take("]") else { throw unexpected(expecting) }
  }

  // MARK: Filters

  private mutating func filter(openedAt open: Int) throws(ResourceError) -> JSONPathStep {
    try deeper()
    guard take("(") else { throw unexpected("'(': a filter is written [?(@.field == 'value')]") }
    skipSpaces()
    let left = try operand()
    skipSpaces()
    let filter: JSONPathFilter
    if let comparison = takeOperator() {
      skipSpaces()
      filter = .comparison(left, comparison, try operand())
      skipSpaces()
    } else if case .path(let path) = left {
      filter = .exists(path)
    } else {
      throw unexpected("one of == != < <= > >=")
    }
    guard take(")") else { throw unexpected("one of == != < <= > >= or ')'") }
    skipSpaces()
    try closeBracket(open, expecting: "']'")
    depth -= 1
    return .filter(filter)
  }

  private mutating func operand() throws(ResourceError) -> JSONPathFilter.Operand {
    guard let character = peek else { throw error("a value is missing here") }
    if character == "'" || character == "\"" { return .literal(.text(try quotedText())) }
    if character == "-" || character.isASCIIDigit {
      guard let value = try optionalInteger() else { throw unexpected("a number") }
      return .literal(.integer(Int64(value)))
    }
    for (word, value) in [("true", ResourceValue.bool(true)), ("false", .bool(false)), ("null", .null)]
    where takeWord(word) {
      return .literal(value)
    }
    guard "@$.[".contains(character) else {
      throw unexpected("@.field, a quoted text, a number, true or false")
    }
    return .path(try path())
  }

  private mutating func takeOperator() -> JSONPathFilter.Operator? {
    for candidate in JSONPathFilter.Operator.all {
      let text = Array(candidate.rawValue)
      guard characters[position...].starts(with: text) else { continue }
      position += text.count
      return candidate
    }
    return nil
  }

  // MARK: Characters

  private mutating func quotedText() throws(ResourceError) -> String {
    let open = position
    let quote = characters[open]
    position += 1
    var text = ""
    while let character = peek {
      position += 1
      if character == quote { return text }
      guard character == "\\", let escaped = peek else {
        text.append(character)
        continue
      }
      position += 1
      switch escaped {
      case "n": text.append("\n")
      case "t": text.append("\t")
      case "r": text.append("\r")
      case "\\", "'", "\"": text.append(escaped)
      // Such as the dot of a name: kept as written, as it says that the dot is a part of the name.
      default: text += "\\\(escaped)"
      }
    }
    throw error(at: open, "this quote has no end")
  }

  private var peek: Character? { position < characters.count ? characters[position] : nil }
  private var isAtEnd: Bool { position >= characters.count }

  private mutating func take(_ character: Character) -> Bool {
    guard peek == character else { return false }
    position += 1
    return true
  }

  /// Takes `word` where it isn't only the beginning of a longer one.
  private mutating func takeWord(_ word: String) -> Bool {
    let text = Array(word)
    guard characters[position...].starts(with: text) else { return false }
    let next = position + text.count
    guard next == characters.count || " \t\n})".contains(characters[next]) else { return false }
    position = next
    return true
  }

  private mutating func skipSpaces() {
    while let character = peek, character == " " || character == "\t" || character == "\n" { position += 1 }
  }

  private mutating func deeper() throws(ResourceError) {
    depth += 1
    guard depth <= Self.maximumDepth else {
      throw error("ranges and filters lie more than \(Self.maximumDepth) deep in each other")
    }
  }

  private func unexpected(_ expected: String) -> ResourceError {
    guard let character = peek else { return error("the end is too early; expected \(expected)") }
    return error("'\(String(character).shown)' doesn't belong here; expected \(expected)")
  }

  private func error(at place: Int? = nil, _ message: String) -> ResourceError {
    ResourceError("jsonpath column \((place ?? position) + 1): \(message)")
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

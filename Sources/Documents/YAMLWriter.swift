extension YAML {
  /// `documents` as YAML text, with `---` between them, ended by a line break.
  ///
  /// Blocks are indented by four columns, lists within mappings as well, and lines are never broken: the form
  /// in which Go programs print, which libyaml's own emitter can't make (it doesn't indent those lists).
  /// Read again, the text gives the same nodes: what is text stays text, in quotes where it needs them.
  public static func text(of documents: [YAMLNode]) -> String {
    documents.map { document in
      var writer = YAMLWriter()
      writer.write(document, at: 0, after: .start)
      return writer.text
    }.joined(separator: "---\n")
  }
}

private struct YAMLWriter {
  /// What stands before a node in its line.
  enum Before {
    case start
    case key
    case dash
  }

  static let step = 4
  var text = ""

  /// Writes `node`, whose block's lines begin at `indent`, and ends the line.
  mutating func write(_ node: YAMLNode, at indent: Int, after before: Before) {
    switch node.content {
    case .scalar(let scalar):
      var written = ScalarText(scalar).text
      // A document of nothing at all would be no document.
      if before == .start, written.isEmpty { written = "null" }
      line(before == .start || written.isEmpty ? written : " " + written)
    case .sequence(let items) where items.isEmpty: line(before == .start ? "[]" : " []")
    case .mapping(let pairs) where pairs.isEmpty: line(before == .start ? "{}" : " {}")
    case .sequence(let items):
      begin(before)
      for (index, item) in items.enumerated() {
        pad(index == 0 && before == .dash ? 0 : indent)
        text += "-"
        write(item, at: indent + 2, after: .dash)
      }
    case .mapping(let pairs):
      begin(before)
      for (index, pair) in pairs.enumerated() {
        pad(index == 0 && before == .dash ? 0 : indent)
        write(key: pair.key, at: indent)
        // Within a list's item, which is indented by two, the next step is to the next multiple.
        write(pair.value, at: (indent + Self.step) / Self.step * Self.step, after: .key)
      }
    }
  }

  private mutating func write(key: String, at indent: Int) {
    let written = ScalarText(key: key).text
    if written.utf8.count > 500 {
      // A key that stands before its colon in one line has at most 1,024 characters.
      line("? " + written)
      pad(indent)
      text += ":"
    } else {
      text += written + ":"
    }
  }

  private mutating func begin(_ before: Before) {
    switch before {
    case .start: break
    case .key: line("")
    case .dash: text += " "
    }
  }

  private mutating func line(_ rest: String) { text += rest + "\n" }

  private mutating func pad(_ count: Int) { text += String(repeating: " ", count: count) }
}

import Documents
import Platform

/// The cells of a table in the form of RFC 4180, row by row. Rows without text are passed over.
struct CSVCells {
  struct Cell {
    /// Without the quotes and blanks around it.
    let text: String
    let mark: YAMLMark
  }

  struct Row {
    let cells: [Cell]
    let mark: YAMLMark
  }

  /// Quotes that don't end: the rest of the text can't be told apart.
  struct Failure: Error {
    let mark: YAMLMark
    let message: String
  }

  private let bytes: [UInt8]
  private let separator: UInt8
  private var offset = 0
  private var place = TextPlace()

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // What the first line has most of separates cells.
    let line = bytes.drop { $0 == 0x0A || $0 == 0x0D }.prefix { $0 != 0x0A && $0 != 0x0D }
    let counts = [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09].map { separator in
      (separator, line.count { $0 == separator })
    }
    separator = counts.max { $0.1 < $1.1 }.flatMap { $0.1 > 0 ? $0.0 : nil } ?? UInt8(ascii: ",")
  }

  /// The next row; nil at the end.
  mutating func next() throws(Failure) -> Row? {
    while offset < bytes.count {
      let mark = self.mark
      var cells = [try cell()]
      while offset < bytes.count, bytes[offset] == separator {
        advance()
        cells.append(try cell())
      }
      while offset < bytes.count, bytes[offset] == 0x0D || bytes[offset] == 0x0A {
        let isEnd = bytes[offset] == 0x0A || offset + 1 >= bytes.count || bytes[offset + 1] != 0x0A
        advance()
        if isEnd { break }
      }
      if cells.contains(where: { !$0.text.isEmpty }) { return Row(cells: cells, mark: mark) }
    }
    return nil
  }

  private mutating func cell() throws(Failure) -> Cell {
    while offset < bytes.count, bytes[offset] == 0x20 { advance() }
    let mark = self.mark
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
      return Cell(text: plain(), mark: mark)
    }
    var text: [UInt8] = []
    advance()
    while true {
      guard offset < bytes.count else {
        throw Failure(mark: mark, message: "the text ends within the quotes that begin here")
      }
      let byte = bytes[offset]
      advance()
      if byte == UInt8(ascii: "\"") {
        guard offset < bytes.count, bytes[offset] == byte else { break }
        advance()
      }
      text.append(byte)
    }
    // What follows the quotes is no cell of its own.
    text += plain().utf8
    return Cell(text: String(decoding: text, as: UTF8.self), mark: mark)
  }

  private mutating func plain() -> String {
    let start = offset
    while offset < bytes.count, bytes[offset] != separator, bytes[offset] != 0x0A, bytes[offset] != 0x0D {
      advance()
    }
    return String(String(decoding: bytes[start..<offset], as: UTF8.self).trimmed)
  }

  private var mark: YAMLMark { YAMLMark(line: place.line, column: place.column) }

  private mutating func advance() {
    place.advance(past: offset, of: bytes)
    offset += 1
  }
}

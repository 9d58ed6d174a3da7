import Documents

/// The lines of a text with their places. Lines end with "\n", "\r\n" or a "\r" of its own.
struct TextRows: Sequence, IteratorProtocol {
  /// A line.
  struct Row {
    let number: Int
    let bytes: ArraySlice<UInt8>

    /// The words between spaces and tabs, up to `mark`.
    func words(before mark: Character) -> [(text: String, mark: YAMLMark)] {
      var words: [(text: String, mark: YAMLMark)] = []
      var column = 1
      var start: (index: Int, column: Int)?
      let end = bytes.firstIndex(of: mark.asciiValue ?? 0) ?? bytes.endIndex
      func add(_ start: (index: Int, column: Int)?, _ end: Int) {
        guard let start else { return }
        words.append(
          (
            String(decoding: bytes[start.index..<end], as: UTF8.self),
            YAMLMark(line: number, column: start.column)
          ))
      }
      for index in bytes.startIndex..<end {
        let byte = bytes[index]
        if byte == 0x20 || byte == 0x09 {
          add(start, index)
          start = nil
        } else if start == nil {
          start = (index, column)
        }
        if byte & 0xC0 != 0x80 { column += 1 }
      }
      add(start, end)
      return words
    }
  }

  private var rest: ArraySlice<UInt8>
  private var number = 0

  init(_ text: [UInt8]) { rest = text[...] }

  mutating func next() -> Row? {
    guard !rest.isEmpty else { return nil }
    let line = rest.prefix { $0 != 0x0A && $0 != 0x0D }
    number += 1
    rest = rest[line.endIndex...]
    if rest.starts(with: [0x0D, 0x0A]) { rest = rest.dropFirst(2) } else { rest = rest.dropFirst() }
    return Row(number: number, bytes: line)
  }
}

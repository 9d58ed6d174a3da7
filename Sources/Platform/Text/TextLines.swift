extension StringProtocol {
  /// The lines of the text, without what ends them: "\n" or "\r\n"; the last one may have no end. An empty text
  /// has no line. Found by scalars, as "\r\n" is one `Character`, which isn't "\n".
  package var lines: [SubSequence] {
    var lines: [SubSequence] = []
    var start = startIndex
    while start != endIndex {
      let end = unicodeScalars[start...].firstIndex(of: "\n") ?? endIndex
      var line = self[start..<end]
      if end != endIndex, line.unicodeScalars.last == "\r" {
        line = self[start..<unicodeScalars.index(before: end)]
      }
      lines.append(line)
      start = end == endIndex ? end : unicodeScalars.index(after: end)
    }
    return lines
  }

  /// The text without spaces, tabs and line breaks at its ends.
  package var trimmed: SubSequence {
    let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || ("\t"..."\r").contains(scalar) }
    guard let first = unicodeScalars.firstIndex(where: { !isBlank($0) }),
      let last = unicodeScalars.lastIndex(where: { !isBlank($0) })
    else { return self[endIndex...] }
    return self[first..<unicodeScalars.index(after: last)]
  }
}

/// Takes a stream of lines apart, whatever pieces it comes in. What a line may have is bounded.
package struct LineSplitter {
  private let maximum: Int
  private var line: [UInt8] = []
  /// The number of the line that comes next, from 1.
  package private(set) var number = 1

  /// A line has more bytes than are read.
  package struct TooLong: Error, Hashable, CustomStringConvertible {
    package let number: Int
    package let maximum: Int

    package var description: String { "line \(number) has more than \(maximum) bytes" }
  }

  /// - Parameter maximum: the most bytes of a line.
  package init(maximum: Int = UpdateLine.maximumBytes) { self.maximum = maximum }

  /// Whether the stream is in the midst of a line: one that ends here was cut off.
  package var isWithinLine: Bool { !line.isEmpty }

  /// The lines that are complete with `bytes`, each with its number, without what ends it.
  package mutating func take(_ bytes: some Collection<UInt8>) throws(TooLong) -> [(
    number: Int, bytes: [UInt8]
  )] {
    var lines: [(number: Int, bytes: [UInt8])] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      try append(rest[..<end])
      if line.last == 0x0D { line.removeLast() }
      lines.append((number, line))
      line = []
      number += 1
      rest = rest[rest.index(after: end)...]
    }
    try append(rest)
    return lines
  }

  private mutating func append(_ bytes: some Collection<UInt8>) throws(TooLong) {
    guard line.count + bytes.count <= maximum else { throw TooLong(number: number, maximum: maximum) }
    line.append(contentsOf: bytes)
  }
}

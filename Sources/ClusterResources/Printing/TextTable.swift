/// Rows of cells as aligned text: columns are as wide as their widest cell, with three spaces in between.
///
/// The last cell of a row isn't padded. A table that is written bit by bit keeps the widths that it has
/// reached, so that later rows stand below earlier ones.
public struct TextTable: Sendable {
  private var widths: [Int] = []
  private let gap: Int

  /// A table whose columns are `gap` spaces apart.
  public init(gap: Int = 3) { self.gap = gap }

  /// The lines of `rows`, each ended. Cells must not break lines: see ``Swift/String/shown``.
  public mutating func text(of rows: [[String]]) -> String {
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], Self.width(of: cell))
      }
    }
    var text = ""
    text.reserveCapacity(rows.count * (widths.reduce(0, +) + gap * widths.count))
    for row in rows {
      for (column, cell) in row.enumerated() {
        text += cell
        if column < row.count - 1 { Self.pad(&text, widths[column] + gap - Self.width(of: cell)) }
      }
      text += "\n"
    }
    return text
  }

  private static let blanks = (0...64).map { String(repeating: " ", count: $0) }

  private static func pad(_ text: inout String, _ count: Int) {
    text += count < blanks.count ? blanks[count] : String(repeating: " ", count: count)
  }

  private static func width(of cell: String) -> Int {
    // The fast path: a contiguous ASCII text has as many characters as bytes.
    cell.utf8.allSatisfy { $0 < 0x80 } ? cell.utf8.count : cell.unicodeScalars.count
  }
}

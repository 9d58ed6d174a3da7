import ClusterModel

/// A column that a person asks for, as kubectl takes it: `NAME:.metadata.id`.
public struct CustomColumn: Hashable, Sendable {
  /// What stands above it.
  public let title: String
  let path: JSONPathTemplate

  /// The columns written as `text`: `NAME:.metadata.id,ADDRESSES:.spec.addresses[0,1]`.
  ///
  /// - Throws: ``ResourceError`` that names the column and says what would be right.
  static func columns(_ text: String) throws(ResourceError) -> [CustomColumn] {
    var columns: [CustomColumn] = []
    for part in split(text) {
      let halves = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else {
        throw ResourceError(
          "custom-columns: '\(part.shown)' isn't NAME:PATH, such as NAME:.metadata.id")
      }
      do throws(ResourceError) {
        columns.append(
          CustomColumn(title: String(halves[0]), path: try JSONPathTemplate(relaxed: String(halves[1]))))
      } catch {
        throw ResourceError("custom-columns: \(String(halves[0]).shown): \(error.message)")
      }
    }
    return columns
  }

  /// `text` at its commas, but for those in brackets, braces, parentheses and quotes.
  private static func split(_ text: String) -> [String] {
    var parts = [""]
    var depth = 0
    var quote: Character?
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else {
        switch character {
        case "'", "\"": quote = depth > 0 ? character : nil
        case "[", "{", "(": depth += 1
        case "]", "}", ")": depth -= 1
        case "," where depth <= 0:
          parts.append("")
          continue
        default: break
        }
      }
      parts[parts.count - 1].append(character)
    }
    return parts
  }
}

/// The columns that a person asked for; what isn't there is `<none>`, as kubectl writes it.
struct CustomColumnsPrinter: ResourcePrinter {
  private let columns: [CustomColumn]
  private var header: [[String]]
  private var table = TextTable()

  init(columns: [CustomColumn], hasHeader: Bool) {
    self.columns = columns
    header = hasHeader ? [columns.map { $0.title.shown }] : []
  }

  mutating func text(of items: [PrintedResource], at now: Timestamp) throws(ResourceError) -> String {
    var rows = header
    header = []
    for item in items {
      var row: [String] = []
      for column in columns {
        let results = try column.path.values(in: item.value)
        row.append(results.isEmpty ? "<none>" : results.map(\.cell).joined(separator: ","))
      }
      rows.append(row)
    }
    return table.text(of: rows)
  }
}

/// In which order resources are printed: what `--sort-by` takes.
public struct ResourceOrder: Sendable {
  private let path: JSONPathTemplate

  /// The order by what the path `text` finds, such as `.spec.hostname`.
  ///
  /// - Throws: ``ResourceError`` with the column and what would be right.
  public init(_ text: String) throws(ResourceError) { path = try JSONPathTemplate(relaxed: text) }

  /// `items` in the order of what the path finds first: numbers and moments by size, texts with the numbers in them
  /// by size (w-2 before w-10), those last in which nothing is found. Equal ones stay as they were.
  public func sorted(_ items: [PrintedResource]) throws(ResourceError) -> [PrintedResource] {
    var keyed: [(key: ResourceValue?, place: Int)] = []
    for (place, item) in items.enumerated() {
      keyed.append((try path.values(in: item.document).first, place))
    }
    keyed.sort { left, right in
      switch Self.compare(left.key, right.key) {
      case 0: left.place < right.place
      case let order: order < 0
      }
    }
    return keyed.map { items[$0.place] }
  }

  private static func compare(_ left: ResourceValue?, _ right: ResourceValue?) -> Int {
    switch (left, right) {
    case (nil, nil): 0
    case (nil, _): 1
    case (_, nil): -1
    case (.integer(let left)?, .integer(let right)?): left < right ? -1 : left > right ? 1 : 0
    case (.time(let left)?, .time(let right)?): left < right ? -1 : left > right ? 1 : 0
    case (let left?, let right?): natural(left.cell, right.cell)
    }
  }

  /// Compares texts, runs of digits by the number that they are.
  private static func natural(_ left: String, _ right: String) -> Int {
    var (left, right) = (Array(left.utf8)[...], Array(right.utf8)[...])
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    while let first = left.first, let second = right.first {
      if isDigit(first), isDigit(second) {
        let leftDigits = left.prefix(while: isDigit).drop { $0 == 0x30 }
        let rightDigits = right.prefix(while: isDigit).drop { $0 == 0x30 }
        if leftDigits.count != rightDigits.count { return leftDigits.count < rightDigits.count ? -1 : 1 }
        if !leftDigits.elementsEqual(rightDigits) {
          return leftDigits.lexicographicallyPrecedes(rightDigits) ? -1 : 1
        }
        left = left.drop(while: isDigit)
        right = right.drop(while: isDigit)
      } else {
        if first != second { return first < second ? -1 : 1 }
        left = left.dropFirst()
        right = right.dropFirst()
      }
    }
    return left.isEmpty ? right.isEmpty ? 0 : -1 : 1
  }
}

extension ResourceValue {
  /// The value as a table's cell: a scalar as it is, all else as JSON.
  var cell: String { scalarText?.shown ?? JSONText.compact(self) }
}

import ClusterModel
import Platform

/// A document as the JSON that is sent, on one line, made once for all that read it.
public struct DocumentBytes: Hashable, Sendable {
  /// The JSON in UTF-8.
  public let bytes: [UInt8]
  /// Where `metadata.resourceVersion` is in it, with its quotes.
  private let version: Range<Int>?
  /// Where `status.message` is in it, with its quotes.
  private let message: Range<Int>?

  /// The JSON of `document`.
  public init(_ document: ResourceValue) {
    var writer = Writer()
    writer.write(document, depth: 0)
    bytes = writer.bytes
    version = writer.version
    message = writer.message
  }

  /// Whether both say the same: neither the revision nor, with its ages, the message counts.
  public func hasContent(of other: DocumentBytes) -> Bool {
    let (mine, theirs) = (content, other.content)
    return mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.elementsEqual($1) }
  }

  /// What is before, between and after the revision and the message.
  private var content: [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start = bytes.startIndex
    for hole in [version, message].compactMap({ $0 }) {
      parts.append(bytes[start..<hole.lowerBound])
      start = hole.upperBound
    }
    return parts + [bytes[start...]]
  }

  /// The JSON with another `status.message`.
  public func bytes(message text: String) -> [UInt8] {
    guard let message else { return bytes }
    return bytes[..<message.lowerBound] + Array(jsonString(text).utf8) + bytes[message.upperBound...]
  }

  private struct Writer {
    var bytes: [UInt8] = []
    var version: Range<Int>?
    var message: Range<Int>?
    private var section = ""

    mutating func write(_ value: ResourceValue, depth: Int) {
      switch value {
      case .null: append("null")
      case .bool(let value): append(value ? "true" : "false")
      case .integer(let value): append(String(value))
      case .text(let text): append(jsonString(text))
      case .time(let time): append("\"\(time)\"")
      case .preciseTime(let time): append("\"\(time)\"")
      case .list(let items):
        append("[")
        for (index, item) in items.enumerated() {
          if index > 0 { append(",") }
          write(item, depth: depth + 1)
        }
        append("]")
      case .fields(let fields):
        append("{")
        for (index, field) in fields.enumerated() {
          if index > 0 { append(",") }
          append(jsonString(field.name))
          append(":")
          if depth == 0 { section = field.name }
          let start = bytes.count
          write(field.value, depth: depth + 1)
          guard depth == 1 else { continue }
          if section == "metadata", field.name == "resourceVersion" { version = start..<bytes.count }
          if section == "status", field.name == "message" { message = start..<bytes.count }
        }
        append("}")
      }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
  }
}

import ClusterModel
import Platform

extension ResourceValue {
  /// The value written as `json`, UTF-8 (RFC 8259), fields in their own order.
  ///
  /// Texts of fields that hold moments everywhere (`since`, `created`, …) are read as moments where they are written
  /// as ``ClusterModel/Timestamp`` writes them, so that they are printed as they were. Numbers that are no whole
  /// numbers of 64 bits are kept as text.
  ///
  /// - Parameter omitted: fields that nobody needs, wherever they are: what is in them is neither kept nor checked.
  /// - Throws: ``ResourceError`` that says where the text isn't JSON, or that it is nested too deep.
  public init(json: [UInt8], without omitted: Set<String> = []) throws(ResourceError) {
    var reader = ResourceReader(json, without: omitted)
    do throws(JSONLexer.Failure) {
      self = try reader.whole()
    } catch {
      throw ResourceError("byte \(error.offset) of the JSON text: \(error.message)")
    }
  }
}

/// Makes values of JSON's tokens.
private struct ResourceReader {
  private var lexer: JSONLexer
  private static let maximumDepth = 64

  /// The fields that hold moments, whatever they are in.
  private static let times: Set<String> = [
    "created", "updated", "since", "lastSeen", "until", "now", "time", "at", "accepted", "started",
    "lastSuccess",
    "lastConfirmed", "firstSeen", "lastRenewed",
  ]

  /// The fields that hold moments with all that is known of them.
  private static let preciseTimes: Set<String> = ["lastHandshakeTime", "lastEndpointChange"]

  private let omitted: Set<String>

  init(_ bytes: [UInt8], without omitted: Set<String>) {
    lexer = JSONLexer(bytes)
    self.omitted = omitted
  }

  mutating func whole() throws(JSONLexer.Failure) -> ResourceValue {
    lexer.skipBlanks()
    let value = try value(of: "", depth: 0)
    lexer.skipBlanks()
    guard lexer.current == nil else { throw lexer.failure("the value is followed by something else") }
    return value
  }

  private mutating func value(of field: String, depth: Int) throws(JSONLexer.Failure) -> ResourceValue {
    switch lexer.current {
    case UInt8(ascii: "{"):
      try check(depth)
      var fields: [ResourceValue.Field] = []
      var scope = lexer.begin()
      while try lexer.next(in: &scope) {
        let name = try lexer.key()
        if !omitted.isEmpty, omitted.contains(name) {
          try lexer.skipValue()
          continue
        }
        fields.append(ResourceValue.Field(name, try value(of: name, depth: depth + 1)))
      }
      return .fields(fields)
    case UInt8(ascii: "["):
      try check(depth)
      var items: [ResourceValue] = []
      var scope = lexer.begin()
      while try lexer.next(in: &scope) { items.append(try value(of: "", depth: depth + 1)) }
      return .list(items)
    case UInt8(ascii: "\""):
      let text = try lexer.string()
      if let time = Self.time(text), Self.times.contains(field) { return .time(time) }
      if Self.preciseTimes.contains(field), let time = PreciseTime(text) { return .preciseTime(time) }
      return .text(text)
    default:
      return switch try lexer.literal() {
      case .null: .null
      case .bool(let bool): .bool(bool)
      case .number(let digits): Int64(digits).map { .integer($0) } ?? .text(digits)
      }
    }
  }

  /// The moment that is written as ``ClusterModel/Timestamp`` writes it: in whole seconds, in UTC.
  private static func time(_ text: String) -> Timestamp? {
    let bytes = text.utf8
    // The cheap tests first: most texts are none.
    guard bytes.count == 20, bytes.first == 0x32 || bytes.first == 0x31, bytes.last == UInt8(ascii: "Z")
    else {
      return nil
    }
    // A leap second, and a small t, would be written another way.
    guard bytes[bytes.index(bytes.startIndex, offsetBy: 10)] == UInt8(ascii: "T"), !text.hasSuffix(":60Z")
    else {
      return nil
    }
    return Timestamp(rfc3339: text)
  }

  private func check(_ depth: Int) throws(JSONLexer.Failure) {
    guard depth < Self.maximumDepth else {
      throw lexer.failure("lists and objects are more than \(Self.maximumDepth) levels deep")
    }
  }
}

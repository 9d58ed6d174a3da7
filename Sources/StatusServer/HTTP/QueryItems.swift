import ClusterResources
import Platform

/// What is behind a path's `?`, decoded.
struct QueryItems: Sendable {
  private let items: [(name: String, value: String)]

  /// The most that may be given.
  static let maximumCount = 64

  /// The parameters of `text`, without the `?`. A `+` is a blank.
  init(_ text: Substring) throws(Problem) {
    var items: [(name: String, value: String)] = []
    for part in text.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decode(pair[0]), let value = pair.count > 1 ? Self.decode(pair[1]) : "" else {
        throw .invalid(
          String(pair[0].prefix(80)),
          "parameter '\(String(part.prefix(80)).shown)' isn't percent-encoded UTF-8")
      }
      items.append((name, value))
    }
    guard items.count <= Self.maximumCount else {
      throw Problem(
        .badRequest, "invalid-parameter",
        "a request has at most \(Self.maximumCount) parameters, not \(items.count)")
    }
    self.items = items
  }

  /// `text` without its percent-encoding; nil where that is none, or the result isn't UTF-8.
  static func decode(_ text: Substring, plusIsBlank: Bool = true) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let high = rest.popFirst().flatMap(digit),
          let low = rest.popFirst().flatMap(digit)
        else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
  }

  /// Fails where a parameter was given that isn't in `known`.
  func check(known: [String]) throws(Problem) {
    for (name, _) in items where !known.contains(name) {
      let advice =
        didYouMean(name, among: known)
        ?? (known.isEmpty
          ? "there are none here" : "the parameters here are \(known.joined(separator: ", "))")
      throw .invalid(
        String(name.prefix(80)), "there is no parameter '\(String(name.prefix(80)).shown)' here: \(advice)")
    }
  }

  /// All values of `name`, in order.
  func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  /// The value of `name`; nil where it isn't given.
  func text(_ name: String) throws(Problem) -> String? {
    let values = all(name)
    guard values.count <= 1 else {
      throw .invalid(name, "\(name) is given \(values.count) times: give it once")
    }
    return values.first
  }

  /// Whether `name` is given and not false. Without a value it is true.
  func flag(_ name: String) throws(Problem) -> Bool {
    switch try text(name) {
    case nil, "false", "0": return false
    case "true", "1", "": return true
    case let value?:
      throw .invalid(name, "\(name) is true or false, not '\(String(value.prefix(80)).shown)'")
    }
  }

  /// The number `name` in `range`; nil where it isn't given.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let text = try text(name) else { return nil }
    guard let number = Int(text), range.contains(number), !text.hasPrefix("+") else {
      throw .invalid(
        name,
        "\(name) is a number from \(range.lowerBound) to \(range.upperBound), not '\(String(text.prefix(80)).shown)'"
      )
    }
    return number
  }

  /// The words of `name`, separated by commas or given several times; nil where it isn't given.
  func words(_ name: String, of known: [String]? = nil) throws(Problem) -> [String]? {
    let values = all(name)
    guard !values.isEmpty else { return nil }
    let words = values.flatMap { $0.split(separator: ",").map(String.init) }
    for word in words {
      guard let known, !known.contains(word) else { continue }
      let advice = didYouMean(word, among: known) ?? "write some of \(known.joined(separator: ", "))"
      throw .invalid(name, "\(name) can't have '\(String(word.prefix(80)).shown)': \(advice)")
    }
    guard !words.isEmpty else { throw .invalid(name, "\(name) is empty") }
    return words
  }
}

/// A value that isn't what it should be: names the value and says what would be right.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person, without a full stop.
  public let message: String

  public init(_ message: String) { self.message = message }

  public var description: String { message }
}

/// `text` in quotes for a message: escaped, and cut where it is long.
package func quoted(_ text: some StringProtocol, limit: Int = 80) -> String {
  var shown = ""
  for scalar in text.unicodeScalars.prefix(limit) {
    shown += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return text.unicodeScalars.dropFirst(limit).isEmpty ? "'\(shown)'" : "'\(shown)…'"
}

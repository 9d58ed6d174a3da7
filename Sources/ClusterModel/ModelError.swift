/// A value that isn't what it should be: names the value and says what would be right.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person, without a full stop.
  public let message: String

  /// An error with `message`: one line that names the value and what would be right.
  public init(_ message: String) { self.message = message }

  public var description: String { message }
}

/// `text` in quotes for a message: what could draw on a person's terminal escaped, and cut where it is long.
///
/// - Parameter limit: the most characters (Unicode scalars) of `text` that are shown.
package func quoted(_ text: some StringProtocol, limit: Int = 80) -> String {
  // Nearly every text is shown as it is.
  let scalars = text.unicodeScalars.prefix(limit)
  if scalars.endIndex == text.endIndex, !scalars.contains(where: \.breaksLines) { return "'\(text)'" }
  var shown = "'"
  for scalar in scalars {
    if scalar.breaksLines {
      shown += scalar.escaped(asASCII: true)
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
  return shown + (scalars.endIndex == text.endIndex ? "'" : "…'")
}

extension Unicode.Scalar {
  /// Whether a terminal may do something else with the character than show it: control characters, line
  /// separators, those that turn the direction of text around, take no room or show nothing, and what is no
  /// character. Every output escapes these: two names that look alike are told apart.
  package var breaksLines: Bool {
    // Nearly every character is plain ASCII, for which no table needs to be asked.
    if value >= 0x20, value < 0x7F { return false }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: return true
    // What isn't assigned yet, and noncharacters.
    case .unassigned, .surrogate, .privateUse: return true
    default: break
    }
    // Nothing to see: variation selectors, fillers, joiners, and the blank pattern of Braille.
    return properties.isDefaultIgnorableCodePoint || value == 0x2800
  }
}

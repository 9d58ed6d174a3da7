extension Unicode.Scalar {
  /// Whether a terminal may do something else with the character than show it: control characters, line
  /// separators and those that turn the direction of text around.
  var breaksLines: Bool {
    // Nearly every character is plain ASCII, for which no table needs to be asked.
    if value >= 0x20, value < 0x7F { return false }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: return true
    default: return false
    }
  }
}

extension String {
  /// The text with every character escaped that could break a line or a table: what comes from outside
  /// can't draw on a person's terminal.
  public var shown: String {
    guard unicodeScalars.contains(where: \.breaksLines) else { return self }
    var shown = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\n": shown += "\\n"
      case "\r": shown += "\\r"
      case "\t": shown += "\\t"
      case _ where scalar.breaksLines: shown += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }
}

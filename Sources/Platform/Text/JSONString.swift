import ClusterModel

/// `text` as a JSON string, in its quotes (RFC 8259 §7). Control characters and others that break lines or turn
/// the direction of text around are escaped, so that the result stays on one line wherever it is shown.
package func jsonString(_ text: some StringProtocol) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case "\n": quoted += "\\n"
    case "\r": quoted += "\\r"
    case "\t": quoted += "\\t"
    case _ where scalar.breaksLines:
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}

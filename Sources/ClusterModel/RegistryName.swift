/// Names of plugins and registries, and what raw affiliate ids start with.
package enum RegistryName {
  /// What a name is, for messages.
  package static let rule = "it has 1 to 64 of a-z, 0-9 and '-', a letter first"

  /// Whether `text` is a name.
  package static func isWellFormed(_ text: String) -> Bool {
    guard (1...64).contains(text.utf8.count), let first = text.utf8.first, isLetter(first) else {
      return false
    }
    return text.utf8.allSatisfy {
      isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }
}

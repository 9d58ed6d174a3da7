/// Whether bytes beyond ASCII are UTF-8, one byte at a time (The Unicode Standard, table 3-7).
struct UTF8Check {
  /// How many bytes the character that was begun still needs.
  private var missing: UInt8 = 0
  /// What the next of them may be.
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xBF

  /// Whether a character has been begun and not ended.
  var isWithinCharacter: Bool { missing > 0 }

  /// Takes the next byte: any within a character, one from 0x80 else. False: it can't stand here.
  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    if missing > 0 {
      guard byte >= lowest, byte <= highest else { return false }
      missing -= 1
      (lowest, highest) = (0x80, 0xBF)
      return true
    }
    switch byte {
    case 0xC2...0xDF: missing = 1
    case 0xE0: (missing, lowest) = (2, 0xA0)
    case 0xED: (missing, highest) = (2, 0x9F)
    case 0xE1...0xEF: missing = 2
    case 0xF0: (missing, lowest) = (3, 0x90)
    case 0xF1...0xF3: missing = 3
    case 0xF4: (missing, highest) = (3, 0x8F)
    default: return false
    }
    return true
  }
}

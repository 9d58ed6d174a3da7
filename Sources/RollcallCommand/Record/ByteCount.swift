import ArgumentParser
import ClusterModel

/// A number of bytes on the command line: `512KiB`, `256MiB`, `2GiB`, or bytes without a unit.
struct ByteCount: Sendable, CustomStringConvertible {
  let bytes: Int

  private static let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
  /// The least that a recording can do with.
  private static let least = 4096

  init(_ bytes: Int) { self.bytes = bytes }

  /// What `text` says.
  @Sendable static func parse(_ text: String) throws -> ByteCount {
    let unit = units.first { text.hasSuffix($0.0) }
    let digits = text.dropLast(unit?.0.count ?? 0)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits)
    else {
      throw ValidationError("\(quoted(text)) isn't a size such as 256MiB")
    }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
    guard !isTooLarge, bytes >= least else {
      throw ValidationError("\(quoted(text)) isn't a size from \(least) bytes on, such as 256MiB")
    }
    return ByteCount(bytes)
  }

  /// The size in the largest unit of which it is a whole number.
  var description: String {
    for (name, size) in Self.units.reversed() where bytes > 0 && bytes % size == 0 {
      return "\(bytes / size)\(name)"
    }
    return String(bytes)
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Cuts what comes through a pipe into lines, of a bounded length each.
package struct ProtocolLines {
  /// A line, or one that was too long to be kept.
  package enum Line: Hashable, Sendable {
    case whole([UInt8])
    case tooLong
  }

  private let limit: Int
  private var rest: [UInt8] = []
  private var isTooLong = false

  /// - Parameter limit: the most bytes of a line.
  package init(limit: Int = ProtocolLimits.lineBytes) { self.limit = limit }

  /// Whether a line has begun that isn't at its end.
  package var isWithinLine: Bool { !rest.isEmpty || isTooLong }

  /// Takes `bytes`, and hands on each line that they end, without its end and without blanks alone.
  package mutating func take(_ bytes: ArraySlice<UInt8>, _ body: (Line) throws -> Void) rethrows {
    var bytes = bytes
    while let end = Self.lineEnd(in: bytes) {
      keep(bytes[..<end])
      bytes = bytes[(end + 1)...]
      try endLine(body)
    }
    keep(bytes)
  }

  /// The end has come: hands on the line that has none of its own.
  package mutating func finish(_ body: (Line) throws -> Void) rethrows {
    if isWithinLine { try endLine(body) }
  }

  private static func lineEnd(in bytes: ArraySlice<UInt8>) -> Int? {
    bytes.withUnsafeBufferPointer { buffer -> Int? in
      guard let start = buffer.baseAddress, let end = memchr(start, 0x0A, buffer.count) else { return nil }
      return bytes.startIndex + (UnsafeRawPointer(end) - UnsafeRawPointer(start))
    }
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) {
    guard !isTooLong else { return }
    guard rest.count + bytes.count <= limit else {
      rest = []
      isTooLong = true
      return
    }
    rest += bytes
  }

  private mutating func endLine(_ body: (Line) throws -> Void) rethrows {
    defer { isTooLong = false }
    if isTooLong { return try body(.tooLong) }
    let line = rest
    rest = []
    if line.contains(where: { $0 > 0x20 }) { try body(.whole(line)) }
  }
}

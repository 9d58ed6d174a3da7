import ClusterModel

/// Writes JSON of one line into bytes.
struct LineWriter {
  private(set) var bytes: [UInt8] = []
  /// Whether the next element of the innermost list or object needs a comma before it.
  private var needsComma = false

  var count: Int { bytes.count }

  mutating func reserve(_ capacity: Int) { bytes.reserveCapacity(capacity) }

  mutating func beginObject() { open(UInt8(ascii: "{")) }
  mutating func endObject() { close(UInt8(ascii: "}")) }
  mutating func beginList() { open(UInt8(ascii: "[")) }
  mutating func endList() { close(UInt8(ascii: "]")) }

  mutating func key(_ key: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    key.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func key(_ key: String) {
    text(key)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func text(_ key: StaticString, _ value: String) {
    guard !value.isEmpty else { return }
    self.key(key)
    text(value)
  }

  mutating func text(_ text: String) {
    separate()
    var text = text
    text.withUTF8 { appendQuoted($0) }
  }

  private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(UInt8(ascii: "\""))
    if text.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      bytes.append(contentsOf: text)
    } else {
      for byte in text {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
        case 0..<0x20:
          let digits = Array("0123456789abcdef".utf8)
          bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: bytes.append(byte)
        }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// JSON that is written already.
  mutating func raw(_ key: StaticString, _ json: String) {
    self.key(key)
    // A line has no end within it; within texts JSON has none.
    bytes += json.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
    needsComma = true
  }

  mutating func null(_ key: StaticString) { raw(key, "null") }

  mutating func bool(_ key: StaticString, _ value: Bool) {
    self.key(key)
    bytes += value ? Array("true".utf8) : Array("false".utf8)
    needsComma = true
  }

  mutating func number(_ key: StaticString, _ value: some BinaryInteger) {
    self.key(key)
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    digits(UInt64(value.magnitude))
    needsComma = true
  }

  // MARK: Addresses

  mutating func address(_ address: IPAddress) {
    beginText()
    append(address)
    endText()
  }

  mutating func prefix(_ prefix: IPPrefix) {
    beginText()
    append(prefix.address)
    bytes.append(UInt8(ascii: "/"))
    digits(UInt64(prefix.length))
    endText()
  }

  mutating func endpoint(_ endpoint: IPEndpoint) {
    beginText()
    let isV6 = endpoint.address.family == .v6
    if isV6 { bytes.append(UInt8(ascii: "[")) }
    append(endpoint.address)
    if isV6 { bytes.append(UInt8(ascii: "]")) }
    bytes.append(UInt8(ascii: ":"))
    digits(UInt64(endpoint.port))
    endText()
  }

  private mutating func beginText() {
    separate()
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func endText() { bytes.append(UInt8(ascii: "\"")) }

  private mutating func append(_ address: IPAddress) {
    address.write { bytes.append($0) }
  }

  private mutating func digits(_ value: UInt64) {
    if value >= 10 { digits(value / 10) }
    bytes.append(UInt8(ascii: "0") + UInt8(value % 10))
  }

  // MARK: Structure

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func open(_ byte: UInt8) {
    separate()
    bytes.append(byte)
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    bytes.append(byte)
    needsComma = true
  }

  /// Ends the line.
  mutating func endLine() {
    bytes.append(0x0A)
    needsComma = false
  }
}

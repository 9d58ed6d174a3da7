/// How many bytes of DATA may be sent (RFC 9113, section 5.2). Below zero after SETTINGS that made it smaller.
struct FlowWindow: Equatable {
  static let largest = 0x7FFF_FFFF

  private(set) var available: Int

  init(_ available: Int) { self.available = available }

  /// Bytes were sent.
  mutating func spend(_ count: Int) { available -= count }

  /// The other side allows so many more; false where it allows more than there may be.
  mutating func grow(by count: Int) -> Bool {
    available += count
    return available <= Self.largest
  }
}

/// How many bytes of DATA a client may send, and which of them are still to be credited.
struct ReceiveWindow {
  private let size: Int
  private var available: Int
  private var uncredited = 0

  init(_ size: Int) {
    self.size = size
    available = size
  }

  /// Bytes came; false where there was no room for them.
  mutating func receive(_ count: Int) -> Bool {
    available -= count
    return available >= 0
  }

  /// Bytes are dealt with. Returns the credit to give once it is a quarter of the window.
  mutating func credit(_ count: Int) -> Int? {
    uncredited += count
    guard uncredited >= size / 4 else { return nil }
    defer { uncredited = 0 }
    available += uncredited
    return uncredited
  }
}

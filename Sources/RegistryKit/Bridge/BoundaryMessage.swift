package import CRegistryPlugin

/// Messages of failures, as they cross the boundary in memory of the caller.
package enum BoundaryMessage {
  static let capacity = 1024

  /// Calls `body` with room for a message, and throws its failure with what was written there.
  ///
  /// - Parameter fallback: the message where the callee wrote none.
  package static func throwing(
    _ fallback: @autoclosure () -> String,
    _ body: (UnsafeMutablePointer<registry_message_v1>) -> registry_code
  ) throws(RegistryError) {
    let failure: RegistryError? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
      room -> RegistryError? in
      // Zeroed, as a length may be told without the bytes.
      room.initialize(repeating: 0)
      var message = registry_message_v1(data: room.baseAddress, capacity: capacity, length: 0)
      let code = body(&message)
      guard code != registry_code(REGISTRY_OK) else { return nil }
      let length = min(size(message.length), capacity)
      let text = oneLine(UnsafeRawBufferPointer(room).prefix(length))
      return RegistryError(.init(boundary: code), text.isEmpty ? fallback() : text)
    }
    if let failure { throw failure }
  }

  /// Writes as much of `error`'s message as fits, and returns its code.
  package static func write(
    _ error: RegistryError, to message: UnsafeMutablePointer<registry_message_v1>?
  ) -> registry_code {
    guard let message, let data = message.pointee.data else { return error.code.boundary }
    var text = error.message
    message.pointee.length = text.withUTF8 { bytes in
      var length = min(bytes.count, size(message.pointee.capacity))
      // Not within a character: the bytes that continue one are 10xxxxxx.
      while length > 0, length < bytes.count, bytes[length] & 0xC0 == 0x80 { length -= 1 }
      UnsafeMutableRawBufferPointer(start: data, count: length).copyBytes(from: bytes.prefix(length))
      return length
    }
    return error.code.boundary
  }

  /// Text for a person as one line: what isn't UTF-8 is repaired, control characters become spaces.
  package static func oneLine(_ bytes: some Collection<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
    let scalars = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
    return String(String.UnicodeScalarView(scalars))
  }

  /// `text` for a person, as one line of at most `limit` bytes.
  package static func oneLine(_ text: registry_string_v1, limit: Int = 4096) -> String {
    guard let data = text.data, text.length > 0 else { return "" }
    return oneLine(UnsafeRawBufferPointer(start: data, count: min(text.length, limit)))
  }

  /// A size_t as it was meant: one above Int.max arrives as a negative number.
  private static func size(_ number: Int) -> Int { Int(clamping: UInt(bitPattern: number)) }
}

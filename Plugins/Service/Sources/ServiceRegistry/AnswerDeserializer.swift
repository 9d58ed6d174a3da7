import GRPCCore
import SwiftProtobuf

/// Reads an answer that lists affiliates, unless it has more items than any cluster has: made of tiny items,
/// a message takes fifty times the memory of its bytes.
struct AnswerDeserializer<Answer: Message>: MessageDeserializer {
  /// The most affiliates and endpoints of an answer, counted together.
  static var maximumItems: Int { 200_000 }

  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Answer {
    try bytes.withUnsafeBytes { bytes in
      guard let count = AffiliateListScan.itemCount(bytes), count <= Self.maximumItems else {
        throw RPCError(code: .dataLoss, message: "an answer has more than \(Self.maximumItems) items")
      }
      do {
        return try Answer(serializedBytes: [UInt8](bytes))
      } catch {
        throw RPCError(
          code: .dataLoss, message: "an answer isn't the message that it should be", cause: error)
      }
    }
  }
}

/// Counts the affiliates of a ListResponse or a WatchResponse, and their endpoints, without making them.
enum AffiliateListScan {
  private static let affiliates: UInt64 = 1
  private static let endpoints: UInt64 = 3

  /// How many there are; nil where `bytes` aren't fields.
  static func itemCount(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var count = 0
    var fields = Fields(bytes)
    while let field = fields.next() {
      guard field.number == affiliates else { continue }
      count += 1
      var inner = Fields(field.content)
      while let field = inner.next() { count += field.number == endpoints ? 1 : 0 }
      guard inner.isComplete else { return nil }
    }
    return fields.isComplete ? count : nil
  }

  /// The fields of a message that have a length. Groups, which nobody uses, end it.
  private struct Fields {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    private(set) var isComplete = true

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> (number: UInt64, content: UnsafeRawBufferPointer)? {
      while isComplete, offset < bytes.count {
        guard let key = varint() else { return stop() }
        switch key & 7 {
        case 0: guard varint() != nil else { return stop() }
        case 1: guard skip(8) else { return stop() }
        case 2:
          guard let length = varint(), length <= UInt64(bytes.count - offset) else { return stop() }
          defer { offset += Int(length) }
          return (key >> 3, UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + Int(length))]))
        case 5: guard skip(4) else { return stop() }
        default: return stop()
        }
      }
      return nil
    }

    private mutating func stop() -> (number: UInt64, content: UnsafeRawBufferPointer)? {
      isComplete = false
      return nil
    }

    private mutating func skip(_ count: Int) -> Bool {
      guard count <= bytes.count - offset else { return false }
      offset += count
      return true
    }

    private mutating func varint() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 70, by: 7) {
        guard offset < bytes.count else { return nil }
        let byte = bytes[offset]
        offset += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
      }
      return nil
    }
  }
}

import ClusterModel
import NIOCore

/// `last_update`, a field of our own: when an affiliate's node last published or renewed it. Other clients skip it.
///
/// A `google.protobuf.Timestamp`, in milliseconds. What a clock says that stands before 1970 isn't a time: it is left out.
enum RenewalTime {
  /// The field's number, the same in each message that has it.
  static let field = 1001
  /// The tag of a length-delimited field 1001.
  private static let tag: [UInt8] = [0xCA, 0x3E]

  /// Bytes that the field takes, with its tag.
  static func size(_ time: Timestamp?) -> Int {
    guard let time, time.milliseconds > 0 else { return 0 }
    return tag.count + 1 + contentSize(time.milliseconds)
  }

  /// Appends the field to a message.
  static func write(_ time: Timestamp?, to buffer: inout ByteBuffer) {
    guard let milliseconds = time?.milliseconds, milliseconds > 0 else { return }
    buffer.writeBytes(tag)
    buffer.writeInteger(UInt8(contentSize(milliseconds)))
    let (seconds, nanoseconds) = parts(milliseconds)
    if seconds > 0 { buffer.writeVarintField(1, seconds) }
    if nanoseconds > 0 { buffer.writeVarintField(2, nanoseconds) }
  }

  /// Two numbers of at most ten bytes: the length is one byte.
  private static func contentSize(_ milliseconds: Int64) -> Int {
    let (seconds, nanoseconds) = parts(milliseconds)
    return (seconds > 0 ? ProtobufSize.varintField(seconds) : 0)
      + (nanoseconds > 0 ? ProtobufSize.varintField(nanoseconds) : 0)
  }

  private static func parts(_ milliseconds: Int64) -> (seconds: UInt64, nanoseconds: UInt64) {
    (UInt64(milliseconds / 1000), UInt64(milliseconds % 1000) * 1_000_000)
  }
}

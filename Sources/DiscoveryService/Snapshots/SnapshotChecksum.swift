import NIOCore

/// The checksum of a snapshot file, in two fields that others don't know and skip: one in front says that it has one,
/// the other at its end is the CRC-64 (ECMA-182) of all before.
///
/// A file of the existing service has neither and is taken as it is.
struct SnapshotChecksum {
  /// The two fields' numbers, which nothing else has.
  static let fields = 2046...2047
  /// Field 2046: the number 1.
  static let mark: [UInt8] = [0xF0, 0x7F, 1]
  /// Field 2047: eight bytes.
  private static let head: [UInt8] = [0xFA, 0x7F, 8]

  private var value: UInt64 = 0

  /// Takes the next bytes of the file in.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { value = value << 8 ^ Self.table[Int(UInt8(value >> 56) ^ byte)] }
  }

  /// The file's last bytes.
  var trailer: [UInt8] { Self.head + (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }

  /// What a file holds between mark and checksum; nil where they don't fit.
  static func content(_ file: ByteBuffer) -> ByteBuffer? {
    guard file.readableBytesView.starts(with: mark) else { return file }
    let count = file.readableBytes - head.count - 8
    guard count >= mark.count,
      let trailer = file.getBytes(at: file.readerIndex + count, length: head.count + 8)
    else { return nil }
    var sum = SnapshotChecksum()
    file.withUnsafeReadableBytes { sum.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    guard sum.trailer == trailer else { return nil }
    return file.getSlice(at: file.readerIndex + mark.count, length: count - mark.count)
  }

  private static let table: [UInt64] = (0..<256 as Range<UInt64>).map { index in
    var value = index << 56
    for _ in 0..<8 { value = value & 1 << 63 == 0 ? value << 1 : value << 1 ^ 0x42F0_E1EB_A9EA_3693 }
    return value
  }
}

import NIOCore

/// The checksum of a snapshot file, in two fields that others don't know and skip: the first cluster begins with one
/// that says that the file has it, the last one ends with the other, the CRC-64 (ECMA-182) of all before that field.
///
/// They stand inside of clusters, as the existing service refuses a file with anything else beside them. Its own files
/// have neither and are taken as they are. Files of versions before this one have both around the clusters.
struct SnapshotChecksum {
  /// The two fields' numbers, which nothing else has.
  static let fields = 2046...2047
  /// Field 2046: the number 1.
  static let mark: [UInt8] = [0xF0, 0x7F, 1]
  /// Field 2047: what stands before its bytes.
  static let head: [UInt8] = [0xFA, 0x7F, UInt8(size)]
  /// Bytes of the checksum.
  static let size = 8

  private var value: UInt64 = 0

  /// Takes the next bytes of the file in.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { value = value << 8 ^ Self.table[Int(UInt8(value >> 56) ^ byte)] }
  }

  /// What follows ``head``, the file's last bytes.
  var bytes: [UInt8] { (0..<Self.size).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }

  /// The fields of a file, clusters and what is to be skipped; nil where its checksum isn't that of what it holds.
  static func content(_ file: ByteBuffer) -> ByteBuffer? {
    let view = file.readableBytesView
    let isOlder = view.starts(with: mark)
    let isMarked = isOlder || hasMarkInCluster(file)
    let isClosed =
      view.count >= head.count + size && view.dropLast(size).suffix(head.count).elementsEqual(head)
    // It is enough to have one of them: the other one may be what was damaged.
    guard isMarked || isClosed else { return file }
    guard isMarked, isClosed else { return nil }
    var sum = SnapshotChecksum()
    file.withUnsafeReadableBytes {
      sum.update(UnsafeRawBufferPointer(rebasing: $0.dropLast(head.count + size)))
    }
    guard view.suffix(size).elementsEqual(sum.bytes) else { return nil }
    guard isOlder else { return file }
    let around = mark.count + head.count + size
    guard view.count >= around else { return nil }
    return file.getSlice(at: file.readerIndex + mark.count, length: view.count - around)
  }

  /// Whether the first field is a cluster that begins with the mark.
  private static func hasMarkInCluster(_ file: ByteBuffer) -> Bool {
    file.withUnsafeReadableBytes { raw in
      var reader = ProtobufReader(raw)
      guard let (field, value) = try? reader.next(), field == 1, case .bytes(let cluster) = value else {
        return false
      }
      return cluster.starts(with: mark)
    }
  }

  private static let table: [UInt64] = (0..<256 as Range<UInt64>).map { index in
    var value = index << 56
    for _ in 0..<8 { value = value & 1 << 63 == 0 ? value << 1 : value << 1 ^ 0x42F0_E1EB_A9EA_3693 }
    return value
  }
}

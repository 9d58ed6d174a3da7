import NIOCore

/// Watches one cluster: notes the newest sequence of each affiliate and how long changes were on their way.
final class WatcherRole {
  let cluster: Int
  private(set) var seen: [UInt32]
  var isEnded = false
  var hasSnapshot = false
  var notifications = 0
  var fanOut = Latencies()
  private var rest = ByteBuffer()

  init(cluster: Int, affiliates: Int) {
    self.cluster = cluster
    seen = [UInt32](repeating: 0, count: affiliates)
  }

  func forgetFigures() {
    notifications = 0
    fanOut = Latencies()
  }

  func receive(_ bytes: ByteBuffer) {
    if rest.readableBytes == 0 { rest = bytes } else { rest.writeImmutableBuffer(bytes) }
    let now = NIODeadline.now().uptimeNanoseconds
    while let length = rest.getInteger(at: rest.readerIndex + 1, as: UInt32.self),
      rest.readableBytes >= Int(length) + 5
    {
      rest.moveReaderIndex(forwardBy: 5)
      guard var message = rest.readSlice(length: Int(length)) else { break }
      while message.readableBytes > 0 { readAffiliate(&message, now) }
      hasSnapshot = true
    }
    if rest.readableBytes == 0 { rest = ByteBuffer() }
  }

  private func readAffiliate(_ message: inout ByteBuffer, _ now: UInt64) {
    guard message.readInteger(as: UInt8.self) == 0x0A, let length = message.readVarint(),
      var affiliate = message.readSlice(length: length)
    else { return message.moveReaderIndex(to: message.writerIndex) }
    var index: Int?
    while let tag = affiliate.readInteger(as: UInt8.self), let length = affiliate.readVarint() {
      guard tag & 7 == 2, let field = affiliate.readSlice(length: length) else { return }
      if tag == 0x0A {
        index = Int(field.getString(at: field.readerIndex + 1, length: field.readableBytes - 1) ?? "")
      } else if tag == 0x12, let index, seen.indices.contains(index),
        let stamp = field.getInteger(at: field.readerIndex, as: UInt64.self),
        let sequence = field.getInteger(at: field.readerIndex + 8, as: UInt32.self)
      {
        seen[index] = max(seen[index], sequence)
        if hasSnapshot {
          notifications += 1
          fanOut.add(Int64(now) - Int64(stamp))
        }
      }
    }
  }
}

extension ByteBuffer {
  mutating func readVarint() -> Int? {
    var value = 0
    var shift = 0
    while shift < 35, let byte = readInteger(as: UInt8.self) {
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  mutating func writeVarint(_ value: Int) {
    var rest = value
    while rest >= 0x80 {
      writeInteger(UInt8(rest & 0x7F | 0x80))
      rest >>= 7
    }
    writeInteger(UInt8(rest))
  }

  mutating func writeField(_ field: UInt8, _ bytes: some Collection<UInt8>) {
    writeInteger(field << 3 | 2)
    writeVarint(bytes.count)
    writeBytes(bytes)
  }
}

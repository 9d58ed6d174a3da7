/// Watches one cluster: notes the newest sequence of each affiliate and how long changes were on their way.
final class WatcherRole {
  let cluster: Int
  private(set) var seen: [UInt32]
  var isEnded = false
  var hasSnapshot = false
  var notifications = 0
  var fanOut = Latencies()
  private var rest: [UInt8] = []

  init(cluster: Int, affiliates: Int) {
    self.cluster = cluster
    seen = [UInt32](repeating: 0, count: affiliates)
  }

  func forgetFigures() {
    notifications = 0
    fanOut = Latencies()
  }

  func receive(_ bytes: UnsafeRawBufferPointer) {
    let now = steadyNanoseconds()
    if rest.isEmpty {
      let used = take(bytes, now)
      if used < bytes.count { rest.append(contentsOf: bytes[used...]) }
    } else {
      rest.append(contentsOf: bytes)
      let used = rest.withUnsafeBytes { take($0, now) }
      rest.removeFirst(used)
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer, _ now: Int64) -> Int {
    var used = 0
    while bytes.count - used >= 5 {
      let length = Int(bytes.loadUnaligned(fromByteOffset: used + 1, as: UInt32.self).bigEndian)
      guard bytes.count - used - 5 >= length else { break }
      var message = FieldReader(UnsafeRawBufferPointer(rebasing: bytes[used + 5..<used + 5 + length]))
      used += 5 + length
      while let field = message.next() { if field.number == 1 { readAffiliate(field.bytes, now) } }
      hasSnapshot = true
    }
    return used
  }

  private func readAffiliate(_ bytes: UnsafeRawBufferPointer, _ now: Int64) {
    var affiliate = FieldReader(bytes)
    var index: Int?
    while let field = affiliate.next() {
      if field.number == 1 {
        // The id is `a` and the affiliate's number.
        index = field.bytes.dropFirst().reduce(0) { $0 * 10 + Int($1) - 48 }
      } else if field.number == 2, field.bytes.count >= 12, let index, seen.indices.contains(index) {
        let stamp = field.bytes.loadUnaligned(as: Int64.self).bigEndian
        let sequence = field.bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self).bigEndian
        seen[index] = max(seen[index], sequence)
        if hasSnapshot {
          notifications += 1
          fanOut.add(now - stamp)
        }
      }
    }
  }
}

/// Walks over a message's fields; all others than length-delimited ones are passed over.
struct FieldReader {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() -> (number: Int, bytes: UnsafeRawBufferPointer)? {
    while let tag = varint() {
      if tag & 7 == 0 {
        _ = varint()
        continue
      }
      guard tag & 7 == 2, let length = varint(), length <= bytes.count - at else { return nil }
      defer { at += length }
      return (tag >> 3, UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]))
    }
    return nil
  }

  private mutating func varint() -> Int? {
    var value = 0
    var shift = 0
    while at < bytes.count, shift < 35 {
      let byte = bytes[at]
      at += 1
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}

#if canImport(Glibc)
  import Glibc
#endif

/// The bytes of a file, read piece by piece: a plugin with its debug information may be large.
struct FileBytes {
  let count: Int
  private let readPiece: (_ offset: Int, _ count: Int) -> [UInt8]?

  init(_ bytes: [UInt8]) {
    count = bytes.count
    readPiece = { offset, count in Array(bytes[offset..<(offset + count)]) }
  }

  /// The bytes of the open file `descriptor`, which must stay open.
  init(descriptor: Int32, count: Int) {
    self.count = count
    readPiece = { offset, count in
      var bytes = [UInt8](repeating: 0, count: count)
      var done = 0
      while done < count {
        let got = bytes.withUnsafeMutableBytes { buffer in
          buffer.baseAddress.map { pread(descriptor, $0 + done, count - done, offset + done) } ?? 0
        }
        guard got > 0 else { return nil }
        done += got
      }
      return bytes
    }
  }

  /// Whether all of `size` bytes from `offset` are there.
  func has(_ offset: UInt64, _ size: UInt64) -> Bool {
    offset <= UInt64(count) && size <= UInt64(count) - offset
  }

  /// The `size` bytes from `offset`, or nil where they aren't all there or are more than a sane file has.
  func read(_ offset: UInt64, _ size: UInt64) -> FilePiece? {
    guard has(offset, size), size <= 1 << 24 else { return nil }
    return readPiece(Int(offset), Int(size)).map(FilePiece.init)
  }
}

/// Bytes with numbers in them, in this machine's byte order. Reading past the end gives nil.
struct FilePiece {
  let bytes: [UInt8]

  func load<Number: FixedWidthInteger>(_ offset: Int, as _: Number.Type = Number.self) -> Number? {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= bytes.count - size else { return nil }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
  }
}

/// What libFuzzer calls with its inputs: the bytes are read as a list and as a watch, whole and in pieces.
///
/// Whatever the bytes are, no memory fault and no trap may follow, and how they are cut can't matter.
@c(LLVMFuzzerTestOneInput) public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: data, count: count)
  let list = ListOutcome(bytes, pieceLength: count)
  let watch = WatchOutcome(bytes, pieceLength: count)
  // Which length follows from the input, so that each run costs little and fails again in the same way.
  let lengths = [1, 2, 3, 7, 8, 9, 33, 256]
  let length = lengths[bytes.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % lengths.count]
  guard ListOutcome(bytes, pieceLength: length) == list else { fatalError("a list in pieces of \(length)") }
  guard WatchOutcome(bytes, pieceLength: length) == watch else {
    fatalError("a watch in pieces of \(length)")
  }
  return 0
}

/// All that a list's decoder tells.
private struct ListOutcome: Equatable {
  var nodes: [NodeObject] = []
  var end: NodeListEnd?
  var error: NodeDecodeError?
  var skipped = 0
  var dropped = 0

  init(_ bytes: UnsafeRawBufferPointer, pieceLength: Int) {
    var decoder = NodeListDecoder(prefixes: LabelPrefixes(["a", "networking.talos.dev/"]))
    do throws(NodeDecodeError) {
      for piece in pieces(bytes, pieceLength) { nodes += try decoder.feed(piece) }
      end = try decoder.finish()
    } catch {
      self.error = error
    }
    (skipped, dropped) = (decoder.skipped, decoder.dropped)
  }
}

/// All that a watch's decoder tells.
private struct WatchOutcome: Equatable {
  var events: [NodeWatchEvent] = []
  var error: NodeDecodeError?
  var skipped = 0
  var dropped = 0

  init(_ bytes: UnsafeRawBufferPointer, pieceLength: Int) {
    var decoder = NodeWatchDecoder(prefixes: LabelPrefixes(["a", "networking.talos.dev/"]))
    do throws(NodeDecodeError) {
      for piece in pieces(bytes, pieceLength) { events += try decoder.feed(piece) }
      try decoder.finish()
    } catch {
      self.error = error
    }
    (skipped, dropped) = (decoder.skipped, decoder.dropped)
  }
}

/// The pieces of `bytes`, each with memory of its own, so that a read beyond its end is seen.
private func pieces(_ bytes: UnsafeRawBufferPointer, _ length: Int) -> [[UInt8]] {
  stride(from: 0, to: bytes.count, by: max(1, length)).map { start in
    Array(bytes[start..<min(start + max(1, length), bytes.count)])
  }
}

import NIOCore

/// Puts a header block together from HEADERS and CONTINUATION, within bounds.
///
/// A block that nobody wants has to be put together and decoded as well: the tables of both sides go on with it.
struct HeaderBlock {
  struct Whole {
    let stream: UInt32
    let endsStream: Bool
    /// The client said that the stream depends on itself, which is an error of the stream.
    let dependsOnItself: Bool
    var bytes: ByteBuffer
  }

  /// So many frames may follow a HEADERS frame.
  static let continuations = 8

  private let largest: Int
  private var open: Whole?
  private var frames = 0

  /// - Parameter largest: Bytes of a whole block.
  init(largest: Int) { self.largest = largest }

  /// Whether nothing but a CONTINUATION may come.
  var isOpen: Bool { open != nil }

  /// Bytes that it keeps.
  var keptBytes: Int { open?.bytes.storageCapacity ?? 0 }

  /// A HEADERS frame; the block where it is whole with that.
  mutating func begin(_ head: FrameHead, _ payload: ByteBuffer) -> Result<Whole?, FrameFailure> {
    guard var bytes = payload.withoutPadding(head) else { return .failure(.init(.protocolError)) }
    var dependsOnItself = false
    if head.has(FrameHead.Flag.priority) {
      guard let (dependency, _) = bytes.readMultipleIntegers(as: (UInt32, UInt8).self) else {
        return .failure(.init(.frameSizeError))
      }
      dependsOnItself = dependency & 0x7FFF_FFFF == head.stream
    }
    guard bytes.readableBytes <= largest else { return .failure(.init(.enhanceYourCalm)) }
    let isWhole = head.has(FrameHead.Flag.endHeaders)
    let block = Whole(
      stream: head.stream, endsStream: head.has(FrameHead.Flag.endStream), dependsOnItself: dependsOnItself,
      bytes: isWhole ? bytes : ByteBuffer(bytes: bytes.readableBytesView))
    if isWhole { return .success(block) }
    open = block
    frames = 0
    return .success(nil)
  }

  /// A CONTINUATION frame; the block where it is whole with that.
  mutating func append(_ head: FrameHead, _ payload: ByteBuffer) -> Result<Whole?, FrameFailure> {
    guard var block = open, block.stream == head.stream else { return .failure(.init(.protocolError)) }
    open = nil
    frames += 1
    guard frames <= Self.continuations, block.bytes.readableBytes + payload.readableBytes <= largest else {
      return .failure(.init(.enhanceYourCalm))
    }
    block.bytes.writeImmutableBuffer(payload)
    if head.has(FrameHead.Flag.endHeaders) { return .success(block) }
    open = block
    return .success(nil)
  }
}

/// A breach of the protocol that ends the connection.
struct FrameFailure: Error, Equatable {
  let code: FrameErrorCode
  /// The label it is counted under, where it is a flood.
  let reason: String?

  init(_ code: FrameErrorCode, reason: String? = nil) {
    self.code = code
    self.reason = reason
  }
}

extension ByteBuffer {
  /// A payload of DATA or HEADERS without its padding; nil where there would be more padding than payload.
  func withoutPadding(_ head: FrameHead) -> ByteBuffer? {
    guard head.has(FrameHead.Flag.padded) else { return self }
    var bytes = self
    guard let padding: UInt8 = bytes.readInteger(), Int(padding) <= bytes.readableBytes else { return nil }
    return bytes.readSlice(length: bytes.readableBytes - Int(padding))
  }
}

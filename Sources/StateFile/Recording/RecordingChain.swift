import Sealing

/// The frames of a recording so far: each one's digest is of its content and of the digest before.
struct RecordingChain {
  /// How many bytes are before a frame's content: four of its length and eight of its digest.
  static let headSize = 12
  /// The most bytes that a frame's content may have: more than a registry with all nodes that it may have needs.
  static let maximumLength = 1 << 30

  private var last: [UInt8] = []

  /// What comes before `content` as the next frame; nil where it is too long, or the system makes no digest.
  mutating func head(of content: [UInt8]) -> [UInt8]? {
    guard content.count <= Self.maximumLength, let digest = SealedBlob.digest(last + content) else {
      return nil
    }
    last = digest
    let length = UInt32(content.count)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + digest.prefix(8)
  }

  /// How long the content is after `head`.
  static func length(in head: ArraySlice<UInt8>) -> Int {
    head.prefix(4).reduce(0) { $0 << 8 | Int($1) }
  }
}

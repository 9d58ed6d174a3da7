import NIOCore
import Testing

@testable import DiscoveryService

@Suite("Cutting what is read into frames")
struct FrameReaderTests {
  /// The frames that `bytes` are, cut after each `cut` bytes, and the most that was kept between two reads.
  private func read(_ bytes: [UInt8], cut: Int) -> (frames: [(FrameHead, [UInt8])], kept: Int) {
    var reader = FrameReader()
    var frames: [(FrameHead, [UInt8])] = []
    var kept = 0
    var rest = bytes[...]
    while !rest.isEmpty {
      reader.feed(ByteBuffer(bytes: rest.prefix(cut)))
      rest = rest.dropFirst(cut)
      reading: while true {
        switch reader.next() {
        case .frame(let head, let payload): frames.append((head, Array(buffer: payload)))
        case .ignored(let head): frames.append((head, []))
        case .incomplete, .failed: break reading
        }
      }
      kept = max(kept, reader.keptBytes)
    }
    return (frames, kept)
  }

  @Test("gives the same frames however they are cut", arguments: [1, 2, 8, 9, 10, 100, 16_384, 1 << 20])
  func cuts(cut: Int) {
    let payloads: [[UInt8]] = [
      [], [1], [UInt8](repeating: 7, count: 500), [UInt8](repeating: 8, count: 16_384),
    ]
    var bytes = RawSocket.preface
    for (index, payload) in payloads.enumerated() {
      bytes += RawSocket.frame(type: UInt8(index), flags: 9, stream: UInt32(index), payload)
      bytes += RawSocket.frame(type: 200, stream: 7, payload)
    }
    let frames = read(bytes, cut: cut).frames
    #expect(frames.count == 8)
    for (index, payload) in payloads.enumerated() {
      let (head, content) = frames[2 * index]
      #expect(
        head == FrameHead(length: payload.count, kind: UInt8(index), flags: 9, stream: UInt32(index)))
      #expect(content == payload)
      #expect(frames[2 * index + 1].0.kind == 200)
    }
  }

  @Test(
    "keeps nothing of frames that nobody knows, and of others no more than one",
    arguments: [100, 4096, 16_390])
  func memory(cut: Int) {
    let unknown = RawSocket.frame(type: 77, [UInt8](repeating: 1, count: 16_384))
    // Never on the border of a frame: a parser that keeps what it has read until it has nothing left keeps it all.
    #expect(read(RawSocket.preface + (0..<200).flatMap { _ in unknown }, cut: cut).kept <= 16)
    let data = RawSocket.frame(type: 0, stream: 1, [UInt8](repeating: 1, count: 16_384))
    #expect(read(RawSocket.preface + (0..<200).flatMap { _ in data }, cut: cut).kept <= 32_768)
  }

  @Test("a head alone takes no room for its payload")
  func headAlone() {
    #expect(read(RawSocket.preface + [0, 0x40, 0, 0, 0, 0, 0, 0, 1], cut: .max).kept <= 64)
  }

  @Test("a wrong preface and a frame of more than 16 KiB are errors, and nothing comes after them")
  func failures() {
    var reader = FrameReader()
    reader.feed(ByteBuffer(string: "GET / HTTP/1.1\r\n"))
    guard case .failed(.protocolError) = reader.next() else { Issue.record("no failure"); return }
    reader = FrameReader()
    reader.feed(ByteBuffer(bytes: RawSocket.preface + [0, 0x40, 1, 0, 0, 0, 0, 0, 1]))
    guard case .failed(.frameSizeError) = reader.next() else { Issue.record("no failure"); return }
    reader.feed(ByteBuffer(bytes: RawSocket.emptySettings))
    guard case .incomplete = reader.next() else { Issue.record("something came"); return }
  }
}

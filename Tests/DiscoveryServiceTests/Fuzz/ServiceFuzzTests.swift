import Foundation
import Testing

@testable import DiscoveryService

@Suite("The service's fuzz target")
struct ServiceFuzzTests {
  static let inputs: [URL] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Fuzz/DiscoveryService").standardizedFileURL
    return ["Corpus", "Findings"].flatMap {
      (try? FileManager.default.contentsOfDirectory(
        at: folder.appending(path: $0), includingPropertiesForKeys: nil)) ?? []
    }
  }()

  @Test("has inputs of each kind")
  func present() throws {
    let found = Set(
      try Self.inputs.compactMap { try Data(contentsOf: $0).first.map { $0 % ServiceFuzz.kinds } })
    #expect(found == Set(0..<ServiceFuzz.kinds))
  }

  @Test(
    "finds that what must hold holds for each input, cut off anywhere and with any byte changed",
    arguments: inputs)
  func holds(input: URL) throws {
    let bytes = Array(try Data(contentsOf: input))
    try ServiceFuzz.check(bytes)
    for index in bytes.indices {
      try ServiceFuzz.check(Array(bytes[..<index]))
      guard index > 0 else { continue }
      for value in [0x00, 0x7F, 0x80, 0xFF] as [UInt8] {
        var changed = bytes
        changed[index] = value
        try ServiceFuzz.check(changed)
      }
    }
  }
}

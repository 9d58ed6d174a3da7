import Foundation
import Testing

@Suite("The fuzz target's inputs")
struct FuzzCorpusTests {
  static let inputs: [URL] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Fuzz/DiscoveryProtocol").standardizedFileURL
    let files = FileManager.default
    return ["Corpus", "Findings"].flatMap {
      (try? files.contentsOfDirectory(at: folder.appending(path: $0), includingPropertiesForKeys: nil)) ?? []
    }
  }()

  @Test("there are some of each kind")
  func present() throws {
    let kinds = Set(try Self.inputs.compactMap { try Data(contentsOf: $0).first.map { $0 % 5 } })
    #expect(kinds == [0, 1, 2, 3, 4])
  }

  @Test("hold what must hold", arguments: inputs)
  func hold(input: URL) throws { try OpenFuzz.check(Array(try Data(contentsOf: input))) }
}

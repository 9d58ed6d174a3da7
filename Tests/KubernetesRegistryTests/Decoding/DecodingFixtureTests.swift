import Foundation
import KubernetesRegistry
import Testing

/// An answer, `name.json`, and what has to come of it, `name.txt`. Those called `api-server-1.20` were recorded from one,
/// all others are written by hand.
struct DecodingFixture: CustomTestStringConvertible, Sendable {
  let folder: String
  let name: String
  let bytes: [UInt8]
  let expected: String

  var testDescription: String { "\(folder)/\(name)" }

  /// What comes of it in these pieces.
  func outcome(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
    folder.hasPrefix("list") ? .list(pieces) : .watch(pieces)
  }

  static let all: [DecodingFixture] = ["list/good", "list/bad", "watch/good", "watch/bad"].flatMap(load)

  private static func load(_ folder: String) -> [DecodingFixture] {
    let url = Bundle.module.resourceURL?.appendingPathComponent("DecodingFixtures/\(folder)")
    guard let url, let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else {
      return []
    }
    return names.filter { $0.hasSuffix(".json") }.sorted().map { file in
      let json = url.appendingPathComponent(file)
      let text = json.deletingPathExtension().appendingPathExtension("txt")
      return DecodingFixture(
        folder: folder, name: String(file.dropLast(5)),
        bytes: (try? Data(contentsOf: json)).map(Array.init) ?? [],
        expected: (try? String(contentsOf: text, encoding: .utf8)) ?? "no \(text.lastPathComponent)")
    }
  }
}

@Suite("Answers in files, recorded and written")
struct DecodingFixtureTests {
  @Test("there are good and bad ones of lists and watches")
  func fixturesExist() {
    for folder in ["list/good", "list/bad", "watch/good", "watch/bad"] {
      #expect(DecodingFixture.all.filter { $0.folder == folder }.count > 5, "\(folder)")
    }
  }

  @Test("each gives exactly what is written beside it", arguments: DecodingFixture.all)
  func fixture(_ fixture: DecodingFixture) {
    #expect(fixture.outcome([fixture.bytes[...]]).description == fixture.expected)
  }

  @Test("each gives the same in two pieces, wherever it is cut", arguments: DecodingFixture.all)
  func twoPieces(_ fixture: DecodingFixture) {
    // The long one would take a minute in debug, and is cut everywhere by the next test too.
    let step = fixture.bytes.count < 4000 ? 1 : 97
    for cut in stride(from: 0, through: fixture.bytes.count, by: step) {
      let outcome = fixture.outcome([fixture.bytes[..<cut], fixture.bytes[cut...]])
      #expect(outcome.description == fixture.expected, "cut at byte \(cut)")
      if outcome.description != fixture.expected { return }
    }
  }

  @Test("each gives the same in pieces of 1 to 9 bytes", arguments: DecodingFixture.all)
  func smallPieces(_ fixture: DecodingFixture) {
    for length in 1...9 {
      let outcome = fixture.outcome(pieces(of: fixture.bytes, length: length))
      #expect(outcome.description == fixture.expected, "pieces of \(length)")
    }
  }

  @Test("the bad ones end with an error, the good ones without", arguments: DecodingFixture.all)
  func goodAndBad(_ fixture: DecodingFixture) {
    let isGood = fixture.expected.split(separator: "\n").last?.hasPrefix("end") == true
    #expect(isGood == fixture.folder.hasSuffix("good"))
  }
}

import RegistryKit
import TestSupport
import Testing

@testable import RegistryProtocol

/// Bytes that nobody means.
@Suite struct HostileLineTests {
  private static let lines = [
    #"{"snapshot":[{"nodeId":"n1","hostname":"h","addresses":["10.0.0.1","fd00::2"],"labels":{"a":"b"}}],"more":true}"#,
    #"{"upsert":{"id":17,"kubespan":{"publicKey":"","address":"fd00::1","endpoints":["[fd00::2]:51820"]},"ready":false}}"#,
    #"{"updates":[{"remove":["a","b"],"reason":"expired"},{"sourceGone":"s"}],"health":[{"aspect":"content","error":{"code":"failed","message":"\u00e9\ud83d\ude00"}}]}"#,
    #"{"hello":{"protocol":1,"match":["hostname: short"]},"published":{"revision":18446744073709551615},"log":["a",{"level":"error","message":"b"}]}"#,
    #"{"settings":{"protocol":1,"options":{"a":[1,{"b":null}]},"staleAfterMilliseconds":300000,"host":{"name":"x"}}}"#,
    #"{"publish":{"revision":3,"node":{"nodeId":"me"},"seenEndpoints":{"a":["10.0.0.1:1"]}}}"#,
  ]

  @Test("lines with bytes changed, left out, repeated and cut are read or refused", arguments: 0..<20)
  func mutations(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let readers = [ProgramLineReader(.program), ProgramLineReader(.plugin)]
    var refused = 0
    for _ in 0..<1500 {
      var bytes = Array((Self.lines.randomElement(using: &generator) ?? "").utf8)
      for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[place] = .random(in: .min ... .max, using: &generator)
        case 1: bytes.remove(at: place)
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
        default: bytes[place] = Array("{}[]\",:\\0-e.tnf".utf8).randomElement(using: &generator) ?? 0
        }
      }
      for reader in readers {
        do throws(RegistryError) { _ = try reader.read(bytes) } catch { refused += 1 }
      }
      _ = ProgramLineReader(.program).readNodes(bytes)
      do throws(RegistryError) { _ = try HostLineReader.read(bytes) } catch { refused += 1 }
      do throws(RegistryError) { _ = try ProgramDocument.read(bytes) } catch { refused += 1 }
    }
    #expect(refused > 0)
  }
}

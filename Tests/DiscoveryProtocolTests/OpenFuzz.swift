import ClusterModel
import DiscoveryProtocol
import Sealing

/// What must hold for any bytes that a service may send. Shared by the fuzz target and the tests.
enum OpenFuzz {
  struct Broken: Error {
    var what: String
  }

  /// Runs `input`, whose first byte says what the others are.
  static func check(_ input: [UInt8]) throws {
    let cipher = AffiliateCipher(key: try ClusterKey(bytes: RawSeal.key))
    guard let mode = input.first else { return }
    let bytes = Array(input.dropFirst())
    switch mode % 5 {
    case 0: _ = try? cipher.openMessage(bytes)
    case 1: try checkMessage(bytes, cipher)
    case 2: _ = try? cipher.openEndpoint(bytes)
    case 3: try checkEndpoint(bytes, cipher)
    default: try checkAnswer(bytes, cipher)
    }
  }

  /// `bytes` well sealed, by somebody who has the key.
  private static func checkMessage(_ bytes: [UInt8], _ cipher: AffiliateCipher) throws {
    guard let message = try? cipher.openMessage(try RawSeal.seal(bytes)) else { return }
    let again = try PlainAffiliate(serializedBytes: try message.serializedBytes() as [UInt8])
    guard again == message else { throw Broken(what: "a message isn't the same when written again") }
    let nodeID = try NodeIdentity("n")
    let opened = OpenedAffiliate(message, nodeID: nodeID)
    let second = OpenedAffiliate(PlainAffiliate(opened.affiliate), nodeID: nodeID)
    guard second.affiliate == opened.affiliate, second.skipped.isEmpty else {
      throw Broken(what: "what was taken isn't taken again: \(second.skipped)")
    }
  }

  /// `bytes` as an endpoint's blocks, made with the key.
  private static func checkEndpoint(_ bytes: [UInt8], _ cipher: AffiliateCipher) throws {
    let padded = bytes + [UInt8](repeating: 0, count: (16 - bytes.count % 16) % 16)
    guard let endpoint = try? cipher.openEndpoint(try RawSeal.blocks(padded)) else { return }
    guard try cipher.openEndpoint(try cipher.seal(endpoint)) == endpoint else {
      throw Broken(what: "an endpoint isn't the same when sealed again")
    }
  }

  /// `bytes` as an answer of Watch.
  private static func checkAnswer(_ bytes: [UInt8], _ cipher: AffiliateCipher) throws {
    guard let answer = try? WireWatchResponse(serializedBytes: bytes) else { return }
    for affiliate in answer.affiliates {
      do throws(OpenError) {
        guard let opened = try cipher.open(affiliate) else { continue }
        guard opened.affiliate.nodeID.text == affiliate.id else {
          throw OpenError(.identityMismatch, "opened as another")
        }
      } catch {
        guard error.message.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) else {
          throw Broken(what: "a message has control characters")
        }
      }
    }
  }
}

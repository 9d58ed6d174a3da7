import DiscoveryProtocol
import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("The items of an answer")
struct AnswerDeserializerTests {
  private func count(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { AffiliateListScan.itemCount($0) } }

  @Test("are its affiliates and their endpoints, whatever else is in it")
  func counted() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<200 {
      let affiliates = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
        WireAffiliate.with {
          $0.id = String(repeating: "x", count: Int.random(in: 0...300, using: &generator))
          $0.data = Data(count: Int.random(in: 0...300, using: &generator))
          $0.endpoints = (0..<Int.random(in: 0...64, using: &generator)).map { Data(count: $0) }
          if Bool.random(using: &generator) { $0.lastUpdate = Google_Protobuf_Timestamp(seconds: 1) }
        }
      }
      let answer = WireWatchResponse.with {
        $0.affiliates = affiliates
        $0.deleted = Bool.random(using: &generator)
        $0.reason = .expired
        $0.lastUpdate = Google_Protobuf_Timestamp(seconds: 1, nanos: 5)
      }
      // Fields that nobody knows: of eight bytes, of four, and a number.
      let bytes: [UInt8] = [0x41, 1, 2, 3, 4, 5, 6, 7, 8, 0x45, 1, 2, 3, 4, 0x48, 0xFF, 1]
      let expected = affiliates.count + affiliates.reduce(0) { $0 + $1.endpoints.count }
      #expect(count(bytes + (try answer.serializedBytes())) == expected)
    }
  }

  @Test(
    "can't be counted where there are no fields",
    arguments: [
      [0x0A], [0x0A, 5, 1], [0x0A, 2, 0x1A, 9], [0x0B, 0x0C], [0x09, 1, 2], [0x0D, 1], [0x08],
      [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
    ] as [[UInt8]])
  func malformed(bytes: [UInt8]) { #expect(count(bytes) == nil) }
}

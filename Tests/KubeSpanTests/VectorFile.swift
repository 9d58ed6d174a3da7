import ClusterModel
import Foundation
import KubeSpan
import Testing

/// The cases of a file in Vectors.
func vectors<Case: Decodable>(_ name: String, as type: Case.Type = Case.self) throws -> [Case] {
  let file = try #require(
    Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
  return try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
}

/// An endpoint as vectors write it: empty where there is none.
func endpoint(_ text: String) throws -> IPEndpoint? { text.isEmpty ? nil : try IPEndpoint(text) }

func prefixes(_ texts: String...) throws -> [IPPrefix] { try texts.map { try IPPrefix($0) } }

/// A WireGuard public key that is `number`'s alone.
func publicKey(_ number: Int) -> String {
  var bytes = [UInt8](repeating: 7, count: 32)
  for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
  return Data(bytes).base64EncodedString()
}

func secretKey(_ byte: UInt8) throws -> DeviceKey {
  try #require(DeviceKey(bytes: [UInt8](repeating: byte, count: 32)))
}

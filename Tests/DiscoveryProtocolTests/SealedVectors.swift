import DiscoveryProtocol
import Foundation
import Sealing
import Testing

/// What the existing Go client sealed, and what is inside.
struct SealedVector: Decodable, Sendable, CustomTestStringConvertible {
  var secret: String
  var clusterID: String
  var affiliateID: String
  var data: Data
  var endpoints: [Data]
  /// The affiliate as the Go client serialized it.
  var plain: Data
  var plainEndpoints: [String]

  var testDescription: String { affiliateID }

  var wire: WireAffiliate {
    .with {
      $0.id = affiliateID
      $0.data = data
      $0.endpoints = endpoints
    }
  }

  func cipher() throws -> AffiliateCipher { AffiliateCipher(key: try ClusterKey(base64: secret)) }

  static let all: [SealedVector] = {
    guard let file = Bundle.module.url(forResource: "sealed", withExtension: "json", subdirectory: "Vectors"),
      let data = try? Data(contentsOf: file),
      let vectors = try? JSONDecoder().decode([SealedVector].self, from: data)
    else { return [] }
    return vectors
  }()
}

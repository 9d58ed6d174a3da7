import FoundationEssentials
import RegistryKit

/// One Node as the server answers a get or a patch with.
struct NodeReply: Decodable {
  struct Metadata: Decodable {
    var name: String
    var resourceVersion: String?
    var annotations: [String: String]?
  }

  var metadata: Metadata

  /// Reads `body`, the answer to `request`.
  static func read(_ body: [UInt8], of request: APIRequest) throws(APIError) -> LocalNode.Known {
    let metadata: Metadata
    do {
      metadata = try JSONDecoder().decode(NodeReply.self, from: Data(body)).metadata
    } catch {
      throw APIError(
        .malformed, RegistryError(.failed, "the answer to \(request.action) isn't a Node in JSON"))
    }
    let ours = Set(NodeAnnotation.allCases.map(\.rawValue))
    return LocalNode.Known(
      name: metadata.name, version: metadata.resourceVersion.flatMap { UInt64($0) },
      annotations: (metadata.annotations ?? [:]).filter { ours.contains($0.key) })
  }
}

import Foundation
import KubernetesTestSupport
import NodeFixtures
import TestSupport

extension TestCluster {
  /// Nodes as kubelets make them, some 12 KB each.
  func createFixtures(count: Int) async throws {
    let folder = try TemporaryFolder()
    let files = try (0..<count).map { index in
      let json = Data(NodeFixture(index: index, resourceVersion: 1).objectJSON.utf8)
      guard var node = try JSONSerialization.jsonObject(with: json) as? [String: Any],
        var metadata = node["metadata"] as? [String: Any]
      else { throw Failure(description: "a fixture isn't a Node") }
      // The server's to say.
      for key in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] { metadata[key] = nil }
      node["metadata"] = metadata
      let body = try JSONSerialization.data(withJSONObject: node)
      return try folder.write(String(decoding: body, as: UTF8.self), to: "\(index).json")
    }
    try await create(files, at: "/api/v1/nodes")
  }
}

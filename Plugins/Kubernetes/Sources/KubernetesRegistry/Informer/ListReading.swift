import NIOCore
import RegistryKit

/// Reads a list of Nodes, page by page, without touching what is known.
actor ListReading {
  private let view: NodeView
  private let localNode: LocalNode
  private var draft = NodeView.Draft()
  private var decoder = NodeListDecoder()
  private var version = ""

  init(view: NodeView, localNode: LocalNode) {
    self.view = view
    self.localNode = localNode
  }

  /// Reads the page that `request` asks for.
  ///
  /// - Returns: what to ask the next page with; nil where this was the last one.
  func page(from client: KubernetesClient, _ request: APIRequest) async throws -> String? {
    decoder = NodeListDecoder()
    let silence = client.timing.silence
    do {
      try await client.stream(request, silence: { silence }) { part in try await self.take(part) }
      let end = try decoder.finish()
      version = end.resourceVersion
      return end.continueToken
    } catch let error as NodeDecodeError {
      throw APIError(.malformed, RegistryError(.failed, "the list of nodes can't be read: \(error)"))
    }
  }

  /// All that was read, and the version from which to watch.
  var result: (NodeView.Draft, String) { (draft, version) }

  private func take(_ part: ByteBuffer) throws {
    for node in try part.withUnsafeReadableBytes({ try decoder.feed($0) }) {
      localNode.observe(node)
      view.add(node, to: &draft)
    }
  }
}

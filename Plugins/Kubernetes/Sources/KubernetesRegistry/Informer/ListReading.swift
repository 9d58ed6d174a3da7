import NIOCore
import RegistryKit

/// Reads a list of Nodes, page by page, without touching what is known.
///
/// A server whose pages have no end is given up on when there are more Nodes than may be.
actor ListReading {
  private let view: NodeView
  private let localNode: LocalNode
  private let cluster: Access.Cluster?
  private let limit: Int
  private var draft = NodeView.Draft()
  /// How many Nodes came, one that came twice counted twice, and a page without any as one.
  private var total = 0
  private var decoder = NodeListDecoder()
  private var version = ""

  /// - Parameters:
  ///   - cluster: whose pages are read; nil for any cluster.
  ///   - limit: the most Nodes.
  init(
    view: NodeView, localNode: LocalNode, of cluster: Access.Cluster? = nil,
    limit: Int = InformerTiming().nodeLimit
  ) {
    self.view = view
    self.localNode = localNode
    self.cluster = cluster
    self.limit = limit
    draft.own = localNode.beginReading()
  }

  /// Reads the page that `request` asks for.
  ///
  /// - Returns: what to ask the next page with; nil where this was the last one.
  func page(from client: KubernetesClient, _ request: APIRequest) async throws -> String? {
    decoder = NodeListDecoder()
    let silence = client.timing.silence
    do {
      let before = total
      try await client.stream(request, of: cluster, silence: { silence }) { part in try await self.take(part)
      }
      let end = try decoder.finish()
      if total == before { try read(1) }
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
      try read(1)
      localNode.add(node, to: &draft.own)
      view.add(node, to: &draft)
    }
  }

  private func read(_ more: Int) throws {
    total += more
    guard total <= limit else { throw APIError.tooManyNodes(limit: limit) }
  }
}

extension APIError {
  /// More Nodes than a registry may tell of.
  static func tooManyNodes(limit: Int) -> APIError {
    APIError(
      .malformed, RegistryError(.limitExceeded, "the server has more than \(limit) nodes, which are too many")
    )
  }
}

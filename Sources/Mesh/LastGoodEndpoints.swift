package import ClusterModel
package import Platform

/// The file in which a node keeps at which endpoints peers were up last, so that after a restart these are tried
/// first: `kubespan-endpoints`, a line for each peer, its identity and the endpoint.
///
/// Nothing is lost where it is: a line that can't be read counts as not there.
package struct LastGoodEndpoints: Sendable {
  /// The file's name in its folder.
  package static let name = "kubespan-endpoints"
  /// No more than that is read: a line has at most a hundred bytes or so.
  private static let limit = 1 << 20

  /// The file's path.
  package let path: String

  /// The file in `folder`, the node's state folder.
  package init(folder: String) { path = FilePaths.resolve(Self.name, base: folder) }

  /// What the file says; nothing where there is none.
  ///
  /// - Throws: ``FileError`` where it can't be read.
  package func read() throws(FileError) -> [NodeIdentity: IPEndpoint] {
    let text: String
    do throws(FileError) {
      text = try BoundedFile.text(path, limit: Self.limit)
    } catch {
      if error.isMissing { return [:] }
      throw error
    }
    var endpoints: [NodeIdentity: IPEndpoint] = [:]
    for line in text.lines {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let node = try? NodeIdentity(parts[0]),
        let endpoint = try? IPEndpoint(parts[1].trimmed)
      else { continue }
      endpoints[node] = endpoint
    }
    return endpoints
  }

  /// Puts `endpoints` in place of what it says, by one step.
  package func write(_ endpoints: [NodeIdentity: IPEndpoint]) throws(FileError) {
    // An identity with a space in it would be read as another one.
    let lines = endpoints.filter { !$0.key.text.contains(where: \.isWhitespace) }
      .sorted { $0.key < $1.key }.map { "\($0.key.text) \($0.value)\n" }
    try AtomicFile.replace(path, with: lines.joined().utf8)
  }
}

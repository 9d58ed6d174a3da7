public import ClusterModel
public import ClusterResources
import Platform

/// What a daemon answered.
public struct StatusResponse: Hashable, Sendable {
  /// The status: 200 to 299.
  public let status: Int
  /// What it is, as the daemon says.
  public let contentType: String
  /// The answer.
  public let body: [UInt8]
  /// The daemon's version; nil where it doesn't say.
  public let version: String?

  /// The answer as a document.
  ///
  /// - Parameter omitted: fields that nobody needs.
  /// - Throws: ``StatusError`` where it is none.
  public func document(without omitted: Set<String> = []) throws(StatusError) -> ResourceValue {
    do throws(ResourceError) {
      return try ResourceValue(json: body, without: omitted)
    } catch {
      throw StatusError(.malformed, "the daemon's answer can't be read: \(error.message)", status: status)
    }
  }
}

/// A list of the daemon's resources, of one revision.
public struct ResourceList: Sendable {
  /// The documents.
  public let items: [ResourceValue]
  /// What the list says of itself.
  public let metadata: ResourceValue

  /// The list that `document` is.
  ///
  /// - Throws: ``StatusError`` where it is none.
  public init(_ document: ResourceValue) throws(StatusError) {
    guard case .list(let items)? = document["items"], let metadata = document["metadata"] else {
      throw StatusError(.malformed, "the daemon's answer isn't a list of resources")
    }
    self.items = items
    self.metadata = metadata
  }

  /// The daemon's time: what ages are measured to.
  public var now: Timestamp { metadata["now"]?.time ?? .now() }

  /// The enabled registries of which nothing is in the list: those that failed or were never heard.
  public var partial: [String] { metadata["partial"]?.items.compactMap(\.text) ?? [] }

  /// The revision of the list: where a watch goes on.
  public var resourceVersion: String? { metadata["resourceVersion"]?.text }

  /// What the NODE column says; nil where the daemon doesn't say.
  public var node: String? { metadata["node"]?.text }
}

public import ClusterModel

/// In which order the endpoints of a peer are tried.
public enum EndpointRotation {
  /// The endpoint after `lastUsed`, around and around (siderolabs/talos, `PeerStatusSpec.pickEndpoint`).
  ///
  /// The first one where none was used yet, or the last used one isn't listed any more. An endpoint that is listed
  /// twice counts where it comes first.
  ///
  /// - Parameters:
  ///   - endpoints: what there is to try, the preferred one first.
  ///   - lastUsed: what was tried last.
  ///   - current: what the device has. A single endpoint that it has already needn't be set again.
  /// - Returns: what to set; nil: leave the device as it is.
  public static func next(
    in endpoints: [IPEndpoint], after lastUsed: IPEndpoint?, current: IPEndpoint? = nil
  ) -> IPEndpoint? {
    guard let lastUsed, let position = endpoints.firstIndex(of: lastUsed) else { return endpoints.first }
    let next = endpoints[(position + 1) % endpoints.count]
    return next == lastUsed && current == next ? nil : next
  }
}

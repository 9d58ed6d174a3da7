/// Kubeconfigs for a server.
extension TestCluster {
  /// A kubeconfig of one context, `x`.
  ///
  /// - Parameters:
  ///   - user: the user, as YAML in one line.
  ///   - authority: the certificate authority's file; the server's own by default.
  ///   - cluster: more of the cluster, beginning with a comma.
  public func config(
    user: String, authority: String? = nil, server: String? = nil, cluster: String = ""
  ) -> String {
    """
    clusters: [{name: c, cluster: {server: "\(server ?? url)", certificate-authority: "\(authority ?? path("pki/ca.crt"))"\(cluster)}}]
    users: [{name: u, user: \(user)}]
    contexts: [{name: x, context: {cluster: c, user: u}}]
    current-context: x

    """
  }

  /// A user who is known by the certificate `pki/<name>`.
  public func certificateUser(_ name: String) -> String {
    "{client-certificate: \"\(path("pki/\(name).crt"))\", client-key: \"\(path("pki/\(name).key"))\"}"
  }

  /// The administrator's kubeconfig.
  public var adminConfig: String { config(user: certificateUser("admin")) }
}

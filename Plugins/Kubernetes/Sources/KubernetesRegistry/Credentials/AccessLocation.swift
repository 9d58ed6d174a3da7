import HTTPTransport
import Platform
import RegistryKit

/// Where it is written how to reach the API server.
struct AccessLocation: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// kubeconfig files, merged in this order.
    case files([String], mustExist: Bool)
    /// The service account of the pod that this process runs in.
    case serviceAccount(folder: String, host: String, port: String)
  }

  let kind: Kind
  let context: String?
  let allowInsecure: Bool

  /// Where Kubernetes puts a service account's files in a pod.
  static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

  init(_ kind: Kind, context: String? = nil, allowInsecure: Bool = false) {
    self.kind = kind
    self.context = context
    self.allowInsecure = allowInsecure
  }

  /// Finds where to look: the option `kubeconfig`, the service account where the option `inCluster` asks for
  /// it, the files of `KUBECONFIG`, the service account of the pod that this is unless a context is named, as
  /// it has none, `~/.kube/config`.
  init(
    settings: KubernetesSettings, baseDirectory: String, environment: [String: String],
    serviceAccountFolder: String = Self.serviceAccountFolder
  ) throws(RegistryError) {
    let host = environment["KUBERNETES_SERVICE_HOST"] ?? ""
    let port = environment["KUBERNETES_SERVICE_PORT"] ?? ""
    let serviceAccount = Kind.serviceAccount(folder: serviceAccountFolder, host: host, port: port)
    let kind: Kind
    if let path = settings.kubeconfig {
      kind = .files([FilePaths.resolve(path, base: baseDirectory)], mustExist: true)
    } else if settings.inCluster == true {
      guard !host.isEmpty else {
        throw RegistryError(
          .invalidArgument,
          "inCluster: this process doesn't run in a pod: KUBERNETES_SERVICE_HOST isn't set; name a kubeconfig instead"
        )
      }
      kind = serviceAccount
    } else if let list = environment["KUBECONFIG"], !list.isEmpty {
      kind = .files(list.split(separator: ":").map(String.init), mustExist: false)
    } else if settings.inCluster != false, settings.context == nil, !host.isEmpty,
      FilePaths.exists("\(serviceAccountFolder)/token")
    {
      kind = serviceAccount
    } else if let home = environment["HOME"], !home.isEmpty {
      kind = .files(["\(home)/.kube/config"], mustExist: true)
    } else {
      throw RegistryError(
        .invalidArgument,
        "it isn't known how to reach Kubernetes: set the option 'kubeconfig' to a kubeconfig file")
    }
    self.init(kind, context: settings.context, allowInsecure: settings.allowInsecure)
  }

  /// Reads what is written there. Blocks.
  func plan() throws(RegistryError) -> AccessPlan {
    switch kind {
    case .files(let paths, let mustExist): return try plan(of: paths, mustExist: mustExist)
    case .serviceAccount(let folder, let host, let port):
      guard let port = UInt16(port.isEmpty ? "443" : port) else {
        throw RegistryError(.invalidArgument, "KUBERNETES_SERVICE_PORT '\(port)' isn't a port")
      }
      return AccessPlan(
        server: ServerURL(host: host, port: Int(port)), certificateAuthority: .file("\(folder)/ca.crt"),
        token: .file("\(folder)/token"), origin: "the pod's service account in \(folder)")
    }
  }

  private func plan(of paths: [String], mustExist: Bool) throws(RegistryError) -> AccessPlan {
    var config = KubeConfig()
    var found = 0
    // As kubectl: of several files some may not exist.
    for path in paths where mustExist || FilePaths.exists(path) {
      try config.merge(try SmallFiles.read(path, what: "kubeconfig"), from: path)
      found += 1
    }
    guard found > 0 else {
      let all = paths.joined(separator: ":")
      throw RegistryError(.unavailable, "there is none of the files of KUBECONFIG (\(all))")
    }
    return try AccessPlan(config, context: context, allowInsecure: allowInsecure)
  }
}

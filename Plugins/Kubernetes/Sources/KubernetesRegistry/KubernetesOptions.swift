import RegistryKit

/// What a person writes in the registry's section.
public struct KubernetesOptions: Decodable, Sendable {
  /// A kubeconfig file.
  public var kubeconfig: String?
  /// The context of the kubeconfig; its current one by default.
  public var context: String?
  /// Whether to use the service account of the pod that the process runs in; by default where it is in one.
  public var inCluster: Bool?
  /// Whether `insecure-skip-tls-verify`, and a token over plain HTTP, are accepted.
  public var allowInsecure: Bool?
  /// Whether this node is told to the others.
  public var publish: Bool?
  /// Whether this node's annotations are removed when it leaves.
  public var withdrawOnStop: Bool?
  /// Whether nodes are read in one stream where the server can do that, rather than in pages.
  public var sendInitialEvents: Bool?

  public init(
    kubeconfig: String? = nil, context: String? = nil, inCluster: Bool? = nil, allowInsecure: Bool? = nil,
    publish: Bool? = nil, withdrawOnStop: Bool? = nil, sendInitialEvents: Bool? = nil
  ) {
    self.kubeconfig = kubeconfig
    self.context = context
    self.inCluster = inCluster
    self.allowInsecure = allowInsecure
    self.publish = publish
    self.withdrawOnStop = withdrawOnStop
    self.sendInitialEvents = sendInitialEvents
  }

  /// The options' JSON Schema.
  static let schema = #"""
    {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "kubeconfig": {
          "type": "string", "minLength": 1, "maxLength": 4096,
          "description": "A kubeconfig file, relative to the configuration file's folder. By default KUBECONFIG, the pod's service account or ~/.kube/config."
        },
        "context": {
          "type": "string", "minLength": 1, "maxLength": 1024,
          "description": "The context of the kubeconfig. By default its current one."
        },
        "inCluster": {
          "type": "boolean",
          "description": "true uses the service account of the pod that rollcall runs in, false never does. By default it is used in a pod where no kubeconfig or context is named."
        },
        "allowInsecure": {
          "type": "boolean", "default": false,
          "description": "Accepts insecure-skip-tls-verify in the kubeconfig, and a token over plain HTTP."
        },
        "publish": {
          "type": "boolean", "default": true,
          "description": "Whether this node is told to the others, as annotations of its Node."
        },
        "withdrawOnStop": {
          "type": "boolean", "default": false,
          "description": "Whether the annotations are removed when this node leaves."
        },
        "sendInitialEvents": {
          "type": "boolean", "default": true,
          "description": "Whether nodes are read in one stream, rather than in pages, where the server offers it (Kubernetes 1.32 and later)."
        }
      }
    }
    """#
}

/// The options with defaults filled in.
struct KubernetesSettings: Hashable, Sendable {
  var kubeconfig: String?
  var context: String?
  var inCluster: Bool?
  var allowInsecure: Bool
  var publishes: Bool
  var withdrawsOnStop: Bool
  var sendsInitialEvents: Bool

  init(_ options: KubernetesOptions) throws(RegistryError) {
    kubeconfig = options.kubeconfig
    context = options.context
    inCluster = options.inCluster
    allowInsecure = options.allowInsecure ?? false
    publishes = options.publish ?? true
    withdrawsOnStop = options.withdrawOnStop ?? false
    sendsInitialEvents = options.sendInitialEvents ?? true
    if inCluster == true, let name = kubeconfig != nil ? "kubeconfig" : context != nil ? "context" : nil {
      throw RegistryError(.invalidArgument, "inCluster: true and \(name) exclude each other")
    }
  }
}

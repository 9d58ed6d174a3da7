public import RegistryKit

/// What a person writes in the registry's section.
public struct KubernetesOptions: RegistryOptions {
  /// A kubeconfig file.
  public var kubeconfig: String?
  /// The context of the kubeconfig; its current one by default.
  public var context: String?
  /// Whether to use the service account of the pod that the process runs in; by default where it is in one.
  public var inCluster: Bool?
  /// Whether `insecure-skip-tls-verify`, and a token over plain HTTP, are accepted.
  public var allowInsecure = false
  /// Which Nodes have a record.
  public var nodes = NodeChoice.annotated
  /// What keys of labels and annotations start with that become labels.
  public var labels: [String] = []
  /// Whether this node is published; by default where only annotated Nodes are read.
  public var publish: Bool?
  /// Whether this node's annotations are removed when it leaves.
  public var withdrawOnStop = false
  /// Whether nodes are read in one stream where the server can do that, rather than in pages.
  public var sendInitialEvents = true

  public init() {}

  public static let options = OptionList<Self> {
    RegistryOption(
      "kubeconfig", \.kubeconfig, .path,
      "a kubeconfig file, relative to the folder of the configuration file; by default `KUBECONFIG`, the pod's "
        + "service account or `~/.kube/config`")
    RegistryOption(
      "context", \.context, .text(length: 1...1024),
      "the kubeconfig's context; by default its `current-context`")
    RegistryOption(
      "inCluster", \.inCluster, .flag,
      "`true`: the service account of the pod that rollcall runs in; `false`: never that; by default in a pod where "
        + "no kubeconfig or context is named")
    RegistryOption(
      "allowInsecure", \.allowInsecure, .flag,
      "whether `insecure-skip-tls-verify` in the kubeconfig, and a token over plain HTTP, are accepted")
    RegistryOption(
      "nodes", \.nodes, .choice,
      "`annotated`: the Nodes that have an identity among their annotations; `all`: the others as well, by their names"
    )
    RegistryOption(
      "labels", \.labels, .list(of: .text(length: 1...317), count: 0...64),
      "labels and annotations of a Node whose key starts with one of these texts, such as `topology.kubernetes.io/`, "
        + "become labels")
    RegistryOption(
      "publish", \.publish, .flag,
      "whether this node is published, as annotations of its Node; by default `true`, with `nodes: all` `false`"
    )
    RegistryOption(
      "withdrawOnStop", \.withdrawOnStop, .flag, "whether the annotations are removed when this node leaves")
    RegistryOption(
      "sendInitialEvents", \.sendInitialEvents, .flag,
      "whether all Nodes are read in one stream, rather than in pages, where the server offers it (Kubernetes 1.32 "
        + "and later)")
  }
}

/// Which Nodes a registry has records of.
public enum NodeChoice: String, CaseIterable, Sendable {
  /// Those that have an identity among their annotations.
  case annotated
  /// All: those without an identity under a local id, which is the Node's name.
  case all
}

/// The options, found to work together.
struct KubernetesSettings: Hashable, Sendable {
  let kubeconfig: String?
  let context: String?
  let inCluster: Bool?
  let allowInsecure: Bool
  let nodes: NodeChoice
  let labels: LabelPrefixes
  let publishes: Bool
  let withdrawsOnStop: Bool
  let sendsInitialEvents: Bool

  init(_ options: KubernetesOptions) throws(RegistryError) {
    try options.check()
    kubeconfig = options.kubeconfig
    context = options.context
    inCluster = options.inCluster
    allowInsecure = options.allowInsecure
    nodes = options.nodes
    labels = LabelPrefixes(options.labels)
    publishes = options.publish ?? (options.nodes == .annotated)
    withdrawsOnStop = options.withdrawOnStop
    sendsInitialEvents = options.sendInitialEvents
    if inCluster == true, let name = kubeconfig != nil ? "kubeconfig" : context != nil ? "context" : nil {
      throw RegistryError(.invalidArgument, "inCluster: true and \(name) exclude each other")
    }
  }
}

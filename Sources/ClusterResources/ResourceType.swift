import Platform
// What resources are made of is part of what they are.
@_exported public import ResourceValues

/// A kind of resource, and the names under which a person may ask for it.
public struct ResourceType: Hashable, Sendable {
  /// The name in YAML: `Members.cluster.talos.dev`.
  public let name: String
  /// The name in a table's TYPE column: `Member`.
  public let kind: String
  /// Further short names.
  public let aliases: [String]
  /// The namespaces in which there are some, the one that is meant when none is named first.
  public let namespaces: [String]
  /// The type's own columns, after those that all have.
  public let columns: [String]

  /// This node's own identity.
  public static let identity = ResourceType(
    name: "Identities.cluster.talos.dev", kind: "Identity", aliases: ["id", "ids"], namespaces: ["cluster"],
    columns: ["ID"])
  /// What is known of each node, merged or raw.
  public static let affiliate = ResourceType(
    name: "Affiliates.cluster.talos.dev", kind: "Affiliate", aliases: [],
    namespaces: ["cluster", "cluster-raw"], columns: ["HOSTNAME", "MACHINE TYPE", "ADDRESSES"])
  /// Affiliates that have a nodename.
  public static let member = ResourceType(
    name: "Members.cluster.talos.dev", kind: "Member", aliases: [], namespaces: ["cluster"],
    columns: ["HOSTNAME", "MACHINE TYPE", "OS", "ADDRESSES"])
  /// How the registries are.
  public static let registry = ResourceType(
    name: "Registries.rollcall.dev", kind: "Registry", aliases: [], namespaces: ["rollcall"],
    columns: ["PLUGIN", "STATE", "SINCE", "AFFILIATES", "LAST ERROR"])
  /// What contradicts itself.
  public static let conflict = ResourceType(
    name: "Conflicts.rollcall.dev", kind: "Conflict", aliases: [], namespaces: ["rollcall"],
    columns: ["SEVERITY", "KIND", "NODES", "SINCE", "WHO SAYS SO"])

  /// This node's place in the WireGuard mesh.
  public static let kubeSpanIdentity = ResourceType(
    name: "KubeSpanIdentities.kubespan.talos.dev", kind: "KubeSpanIdentity", aliases: [],
    namespaces: ["kubespan"], columns: ["ADDRESS", "PUBLICKEY"])
  /// What WireGuard is to know of each peer.
  public static let kubeSpanPeerSpec = ResourceType(
    name: "KubeSpanPeerSpecs.kubespan.talos.dev", kind: "KubeSpanPeerSpec", aliases: [],
    namespaces: ["kubespan"], columns: ["LABEL", "ENDPOINTS"])
  /// How each peer is.
  public static let kubeSpanPeerStatus = ResourceType(
    name: "KubeSpanPeerStatuses.kubespan.talos.dev", kind: "KubeSpanPeerStatus", aliases: [],
    namespaces: ["kubespan"], columns: ["LABEL", "ENDPOINT", "STATE", "RX", "TX"])
  /// Where peers are up that didn't list it.
  public static let kubeSpanEndpoint = ResourceType(
    name: "KubeSpanEndpoints.kubespan.talos.dev", kind: "KubeSpanEndpoint", aliases: [],
    namespaces: ["kubespan"], columns: ["ENDPOINT", "AFFILIATE ID"])

  /// Those of the WireGuard mesh.
  public static let kubeSpan = [
    kubeSpanIdentity, kubeSpanPeerSpec, kubeSpanPeerStatus, kubeSpanEndpoint,
  ]
  /// All types, as they are listed for a person.
  public static let all = [identity, affiliate, member, registry, conflict] + kubeSpan

  /// The plural that a person types: `members`.
  public var plural: String { String(name.prefix { $0 != "." }).lowercased() }

  /// Every name that means this type, in lower case, by the rule of existing clusters (cosi-project/runtime,
  /// `ResourceDefinitionSpec`): the plural, alone and with what follows it cut at each dot; what is its own; the
  /// singular; and, where that has several capitals, these, alone and with an `s` unless they end in one.
  public var names: [String] {
    let parts = name.lowercased().split(separator: ".")
    let plurals = (1...parts.count).map { parts.prefix($0).joined(separator: ".") }
    let capitals = kind.filter(\.isUppercase).lowercased()
    let short = capitals.count < 2 ? [] : [capitals] + (capitals.hasSuffix("s") ? [] : [capitals + "s"])
    return plurals + aliases + [kind.lowercased()] + short
  }

  /// The type that `name` means, in any case.
  ///
  /// - Throws: ``ResourceError`` that says what is meant perhaps, and what there is; or which several are meant.
  public static func named(_ name: String) throws(ResourceError) -> ResourceType {
    let wanted = name.lowercased()
    let meant = all.filter { $0.names.contains(wanted) }
    if let type = meant.first, meant.count == 1 { return type }
    guard meant.isEmpty else {
      throw ResourceError(
        "the resource type '\(String(name.prefix(80)).shown)' is ambiguous: it means "
          + "\(meant.map(\.plural).joined(separator: " and ")); write one of them")
    }
    let known = all.map(\.plural)
    let advice = didYouMean(wanted, among: all.flatMap { [$0.plural, $0.kind.lowercased()] })
    throw ResourceError(
      "there is no resource type '\(String(name.prefix(80)).shown)'"
        + (advice.map { ": \($0)" } ?? "")
        + " (the types are \(known.joined(separator: ", ")))")
  }

  /// The namespace `name` of this type, or its default where it is nil.
  ///
  /// - Throws: ``ResourceError`` where the type has none of that name.
  public func namespace(_ name: String?) throws(ResourceError) -> String {
    let known = namespaces
    guard let name else { return known.first ?? "" }
    if known.contains(name) { return name }
    let advice = didYouMean(name, among: known)
    throw ResourceError(
      "there are no \(plural) in namespace '\(String(name.prefix(80)).shown)'"
        + (advice.map { ": \($0)" } ?? "")
        + " (they are in \(known.joined(separator: ", ")))")
  }
}

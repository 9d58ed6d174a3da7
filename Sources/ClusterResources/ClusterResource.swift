public import ClusterModel

/// Values of the model as resources. Keys and their order are those of existing clusters.
extension Resource {
  /// This node's own identity.
  public static func identity(_ identity: NodeIdentity, node: String, created: Timestamp) -> Resource {
    Resource(
      node: node,
      metadata: ResourceMetadata(
        namespace: "cluster", type: .identity, id: "local", version: 1, owner: "rollcall", created: created,
        updated: created),
      spec: ["nodeId": .text(identity.text)], cells: [identity.text.shown])
  }

  /// A merged affiliate or, with `rawID`, one registry's word on a node.
  ///
  /// - Parameter rawID: `k8s/<node id>`; the affiliate is then in `cluster-raw`.
  public static func affiliate(
    _ affiliate: Affiliate, rawID: String? = nil, owner: String = "rollcall", version: UInt64, node: String,
    created: Timestamp, updated: Timestamp
  ) -> Resource {
    Resource(
      node: node,
      metadata: ResourceMetadata(
        namespace: rawID == nil ? "cluster" : "cluster-raw", type: .affiliate,
        id: rawID ?? affiliate.nodeID.text, version: version, owner: owner, created: created,
        updated: updated),
      spec: .affiliate(affiliate),
      cells: [
        affiliate.hostname.shown, affiliate.machineType.description,
        JSONText.compact(.texts(affiliate.addresses)),
      ])
  }

  /// A member.
  public static func member(
    _ member: Member, version: UInt64, node: String, created: Timestamp, updated: Timestamp
  ) -> Resource {
    Resource(
      node: node,
      metadata: ResourceMetadata(
        namespace: "cluster", type: .member, id: member.id, version: version, owner: "rollcall",
        created: created, updated: updated),
      spec: .member(member),
      cells: [
        member.hostname.shown, member.machineType.description, member.operatingSystem.shown,
        JSONText.compact(.texts(member.addresses)),
      ])
  }
}

extension ResourceValue {
  /// The `spec` of an affiliate. What nobody said is left out where existing clusters leave it out.
  public static func affiliate(_ affiliate: Affiliate) -> ResourceValue {
    var fields: [Field] = [
      Field("nodeId", .text(affiliate.nodeID.text)),
      Field("addresses", .texts(affiliate.addresses)),
      Field("hostname", .text(affiliate.hostname)),
    ]
    if !affiliate.nodename.isEmpty { fields.append(Field("nodename", .text(affiliate.nodename))) }
    fields.append(Field("operatingSystem", .text(affiliate.operatingSystem)))
    fields.append(Field("machineType", .text(affiliate.machineType.description)))
    if let kubeSpan = affiliate.kubeSpan { fields.append(Field("kubespan", .kubeSpan(kubeSpan))) }
    if let controlPlane = affiliate.controlPlane {
      fields.append(Field("controlPlane", .controlPlane(controlPlane)))
    }
    return .fields(fields)
  }

  /// The `spec` of a member.
  public static func member(_ member: Member) -> ResourceValue {
    var fields: [Field] = [
      Field("nodeId", .text(member.nodeID.text)),
      Field("addresses", .texts(member.addresses)),
      Field("hostname", .text(member.hostname)),
      Field("machineType", .text(member.machineType.description)),
      Field("operatingSystem", .text(member.operatingSystem)),
    ]
    if let controlPlane = member.controlPlane {
      fields.append(Field("controlPlane", .controlPlane(controlPlane)))
    }
    return .fields(fields)
  }

  private static func kubeSpan(_ kubeSpan: KubeSpanAffiliate) -> ResourceValue {
    [
      "publicKey": .text(kubeSpan.publicKey), "address": .text(kubeSpan.address?.description ?? ""),
      "additionalAddresses": .texts(kubeSpan.additionalAddresses), "endpoints": .texts(kubeSpan.endpoints),
      "excludeAdvertisedNetworks": .texts(kubeSpan.excludeAdvertisedNetworks),
    ]
  }

  private static func controlPlane(_ controlPlane: ControlPlane) -> ResourceValue {
    ["port": .integer(Int64(controlPlane.apiServerPort))]
  }
}

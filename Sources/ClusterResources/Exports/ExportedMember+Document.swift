import ClusterModel

extension ExportedMember {
  /// The row of a member's document, as the API gives it.
  ///
  /// What isn't an address, a label or a port in it is left out: the document may be another version's.
  public init(_ document: ResourceValue) {
    func text(_ value: ResourceValue?) -> String { value?.scalarText ?? "" }
    let (spec, status) = (document["spec"], document["status"])
    var labels: [String: String] = [:]
    if case .fields(let fields)? = document.at("metadata", "labels") {
      for field in fields { labels[field.name] = field.value.scalarText }
    }
    let isTombstone = document.at("metadata", "phase")?.text == "tombstone"
    self.init(
      id: text(document.at("metadata", "id")), nodeID: text(spec?["nodeId"]),
      hostname: text(spec?["hostname"]),
      machineType: spec?["machineType"]?.text ?? MachineType.unknown.rawValue,
      operatingSystem: text(spec?["operatingSystem"]),
      addresses: spec?["addresses"]?.items.compactMap { $0.text.flatMap { try? IPAddress($0) } } ?? [],
      // Of several registries they may be more than a node of one may have.
      labels: NodeLabels(merging: labels),
      controlPlanePort: spec?.at("controlPlane", "port")?.integer.flatMap { UInt16(exactly: $0) },
      flags: status?["flags"]?.items.compactMap(\.text) ?? [],
      sources: status?["sources"]?.items.compactMap { source in
        ["fresh", "published"].contains(source["presence"]?.text) ? source["registry"]?.text : nil
      } ?? [],
      isListed: !isTombstone && status?["heldBy"] == nil && status?["reason"]?.text != "superseded",
      isTombstone: isTombstone)
    if let state = status?["state"]?.text { self.state = state }
    if let reason = status?["reason"]?.text { self.reason = reason }
    if let since = status?["since"]?.time { self.since = since }
  }
}

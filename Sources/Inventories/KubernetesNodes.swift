import ClusterModel
import Documents
import Platform

/// Reads Nodes as `kubectl get nodes -o json|yaml` prints them: a list, or single ones.
///
/// A Node that carries its node's identity in an annotation has that one; another one is known by its name.
struct KubernetesNodes {
  private let diagnostics: Diagnostics
  private var hidesNodes = false

  static func read(_ stream: YAMLStream, into builder: inout InventoryBuilder) throws(YAMLError) {
    var reader = KubernetesNodes(diagnostics: builder.diagnostics)
    for document in stream.contents {
      guard let kind = document["kind"]?.string else {
        throw YAMLError(
          file: builder.diagnostics.file, mark: document.mark,
          message: "a document of Kubernetes has its `kind`: a NodeList, a List or a Node")
      }
      if kind == "Node" {
        builder.add(reader.node(document), at: document.mark)
      } else if kind == "List" || kind.hasSuffix("List") {
        guard let items = document["items"]?.items else {
          // An empty list may be printed as null.
          guard let value = document["items"], value.isNull else {
            throw YAMLError(
              file: builder.diagnostics.file, mark: document["items"]?.mark ?? document.mark,
              message: "a \(kind) needs the list of its `items`")
          }
          builder.listNodes()
          continue
        }
        builder.listNodes()
        for item in items where !builder.isFull {
          // Items of a NodeList don't say their kind when an API server sends it.
          let itemKind = item["kind"]?.string ?? (kind == "NodeList" ? "Node" : "")
          guard item.pairs == nil || itemKind == "Node" else {
            reader.skip(item, itemKind)
            continue
          }
          builder.add(reader.node(item), at: item.mark)
        }
      } else if kind == "Status" {
        // What an API server answers in place of a list.
        let message = document["message"]?.string.map { ": \($0)" } ?? ""
        reader.diagnostics.error(document.mark, "this is a Status of Kubernetes, no list of Nodes\(message)")
        reader.hidesNodes = true
      } else {
        reader.skip(document, kind)
      }
    }
    if reader.hidesNodes { builder.hideNodes() }
  }

  private init(diagnostics: Diagnostics) { self.diagnostics = diagnostics }

  private func skip(_ node: YAMLNode, _ kind: String) {
    diagnostics.warning(node.mark, "an object of kind \(quoted(kind)) is skipped; Nodes are read")
  }

  private mutating func node(_ node: YAMLNode) -> AffiliateRecord? {
    let name = node["metadata"]?["name"]?.scalar?.text ?? ""
    let subject = name.isEmpty ? "" : "Node \(quoted(name))"
    func reader(_ node: YAMLNode?, _ what: String, _ path: String) -> FieldReader {
      FieldReader(
        node, what, path: path, subject: subject, keys: nil, style: .lenient, diagnostics: diagnostics)
    }
    guard node.pairs != nil else {
      diagnostics.error(node.mark, "an item \(node.written.mismatch(must: "a Node"))")
      return nil
    }
    let metadata = reader(node["metadata"], "metadata", "metadata")
    guard let nodename = metadata.text("name", maximum: InventoryLimits.nameBytes) else {
      if metadata.value("name") == nil { metadata.error(node.mark, "a Node needs its `metadata.name`") }
      return nil
    }
    var draft = MachineDraft(nodename, at: node.mark)
    draft.nodename = nodename
    let annotations = metadata.section("annotations", keys: nil)
    if annotations.value(Self.nodeIDKey) != nil {
      let identity = annotations.value(Self.nodeIDKey, maximum: InventoryLimits.textBytes) {
        (text) throws(ModelError) in try NodeIdentity(text)
      }
      guard let identity else { return nil }
      draft.identity = identity
    }
    readLabels(metadata.section("labels", keys: nil), into: &draft)
    draft.createdAt = metadata.value("creationTimestamp")?.scalar.flatMap { Timestamp(rfc3339: $0.text) }
    readStatus(reader(node["status"], "status", "status"), into: &draft)
    do throws(ModelError) {
      return try draft.record()
    } catch {
      metadata.error("name", error)
      return nil
    }
  }

  private static let nodeIDKey = "cluster.talos.dev/node-id"

  private func readLabels(_ fields: FieldReader, into draft: inout MachineDraft) {
    draft.machineType = .worker
    for pair in fields.pairs {
      if Self.controlPlaneLabels.contains(pair.key) { draft.machineType = .controlplane }
      do throws(ModelError) {
        try draft.addLabel(pair.key, pair.value.scalar.map { $0.kind == .null ? "" : $0.text } ?? "")
      } catch {
        fields.error(pair.value.mark, "metadata.labels: \(error)")
      }
    }
  }

  private static let controlPlaneLabels = [
    "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master",
  ]

  private func readStatus(_ status: FieldReader, into draft: inout MachineDraft) {
    let info = status.section("nodeInfo", keys: nil)
    draft.operatingSystem = info.text("osImage", maximum: InventoryLimits.operatingSystemBytes) ?? ""
    // Where there is no /etc/machine-id some kubelets write something else, or nothing.
    let machineID = info.value("machineID")?.scalar?.text ?? ""
    draft.machineID = (try? MachineID.parse(machineID)) ?? ""
    let listed = status.sections("addresses", of: "addresses", keys: nil)
    for type in ["InternalIP", "ExternalIP"] {
      for address in listed where address.value("type")?.scalar?.text == type {
        let parsed = address.value("address", maximum: InventoryLimits.textBytes) {
          (text) throws(ModelError) in try NodeAddress.parse(text)
        }
        if let parsed { draft.add(parsed) }
      }
    }
    let named = listed.first { $0.value("type")?.scalar?.text == "Hostname" }
    // Where the cloud knows no name it is an address.
    if let name = named?.text("address", maximum: InventoryLimits.nameBytes),
      MachineHost.address(name) == nil
    {
      draft.hostname = name
    }
    for condition in status.sections("conditions", of: "conditions", keys: nil)
    where condition.value("type")?.scalar?.text == "Ready" {
      // Unknown, of a Node whose kubelet has gone, isn't ready either.
      let isReady = condition.value("status")?.scalar?.text.lowercased() == "true"
      let reason = condition.value("reason")?.scalar?.text ?? ""
      draft.health = isReady ? .ready : .notReady(word: reason)
      break
    }
  }
}

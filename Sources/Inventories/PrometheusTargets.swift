import ClusterModel
import Documents

/// Reads what Prometheus discovers targets by (`file_sd_configs`, `http_sd_configs`): a list of groups with
/// `targets` and `labels`.
///
/// A machine is the host of a target: several ports of one host are one. Labels that begin with `__` steer Prometheus
/// and are left out, but for what Rollcall's own export says by `__meta_rollcall_…`, and a Kubernetes Node's name.
struct PrometheusTargets {
  private let diagnostics: Diagnostics
  private var machines = MachineDrafts()
  private var hidesNodes = false

  static func read(_ stream: YAMLStream, into builder: inout InventoryBuilder) throws(YAMLError) {
    var reader = PrometheusTargets(diagnostics: builder.diagnostics)
    for document in stream.contents {
      guard let groups = document.items else {
        throw YAMLError(
          file: builder.diagnostics.file, mark: document.mark,
          message: "target groups "
            + document.written.mismatch(must: "a list of mappings with targets and labels"))
      }
      builder.listNodes()
      for group in groups where !reader.machines.isFull { reader.group(group) }
    }
    if reader.hidesNodes { builder.hideNodes() }
    if !stream.contents.isEmpty { reader.machines.finish(into: &builder) }
  }

  private init(diagnostics: Diagnostics) { self.diagnostics = diagnostics }

  private mutating func group(_ node: YAMLNode) {
    let fields = FieldReader(
      node, "a target group", keys: ["targets", "labels"], style: .lenient, diagnostics: diagnostics)
    guard let targets = fields.items("targets", of: "targets such as 10.5.0.2:9100") else {
      if fields.node != nil, fields.value("targets") == nil {
        fields.error(fields.mark, "a target group needs its `targets`")
      }
      hidesNodes = true
      return
    }
    let labels = fields.section("labels", keys: nil)
    for target in targets where !machines.isFull { self.target(target, labels) }
  }

  private mutating func target(_ node: YAMLNode, _ labels: FieldReader) {
    guard let scalar = node.scalar, scalar.kind != .null, scalar.text.utf8.count <= 1024 else {
      diagnostics.error(node.mark, "a target \(node.written.mismatch(must: "text such as 10.5.0.2:9100"))")
      hidesNodes = true
      return
    }
    let host: MachineHost
    do throws(ModelError) {
      host = try MachineHost(scalar.text)
    } catch {
      diagnostics.error(node.mark, "a target: \(error)")
      hidesNodes = true
      return
    }
    guard host != .own else {
      diagnostics.warning(
        node.mark, "the target \(quoted(scalar.text)) is whatever machine asks it, and left out")
      return
    }
    let identity = Self.meta("node_id", labels).flatMap { try? NodeIdentity($0) }
    machines.change(identity.map { "/\($0.text)" } ?? host.key, new: MachineDraft(host.text, at: node.mark)) {
      draft in
      draft.identity = identity
      host.apply(to: &draft)
      Self.apply(labels, to: &draft)
    }
  }

  private static let metaPrefix = "__meta_rollcall_"

  private static func meta(_ name: String, _ labels: FieldReader) -> String? {
    labels.node?[metaPrefix + name]?.scalar.flatMap { $0.text.isEmpty ? nil : $0.text }
  }

  private static func apply(_ labels: FieldReader, to draft: inout MachineDraft) {
    for pair in labels.pairs {
      guard let scalar = pair.value.scalar else {
        labels.error(
          pair.value.mark, "the label \(quoted(pair.key)) \(pair.value.written.mismatch(must: "text"))")
        continue
      }
      let text = scalar.kind == .null ? "" : scalar.text
      do throws(ModelError) {
        if pair.key.hasPrefix(metaPrefix) {
          try apply(String(pair.key.dropFirst(metaPrefix.count)), text, to: &draft)
        } else if pair.key == "__meta_kubernetes_node_name" {
          draft.nodename = try name(text)
        } else if !pair.key.hasPrefix("__"), !text.isEmpty {
          // To Prometheus an empty label is none.
          try draft.addLabel(pair.key, text)
        }
      } catch {
        labels.error(pair.value.mark, "the label \(quoted(pair.key)): \(error)")
      }
    }
  }

  /// What Rollcall's export says of a member.
  private static func apply(
    _ key: String, _ text: String, to draft: inout MachineDraft
  ) throws(ModelError) {
    guard !text.isEmpty else { return }
    switch key {
    // Who is known by a local id is called by it, with a slash.
    case "id": if !text.contains("/") { draft.nodename = try name(text) }
    case "hostname": draft.hostname = try name(text)
    case "machine_type": draft.machineType = try NodeReader.machineType(text)
    case "operating_system":
      if text.utf8.count <= InventoryLimits.operatingSystemBytes { draft.operatingSystem = text }
    case "control_plane_port":
      if let port = UInt16(text), port > 0 { draft.controlPlane = ControlPlane(apiServerPort: port) }
    case "addresses":
      for part in text.split(separator: ",") { draft.add(try NodeAddress.parse(part)) }
    case _ where key.hasPrefix("label_"): try draft.addLabel(String(key.dropFirst(6)), text)
    default: break
    }
  }

  private static func name(_ text: String) throws(ModelError) -> String {
    guard text.utf8.count <= InventoryLimits.nameBytes else {
      throw ModelError(
        "a name has at most \(InventoryLimits.nameBytes) bytes, this one has \(text.utf8.count)")
    }
    return text
  }
}

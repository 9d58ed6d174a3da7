import ClusterModel

/// A column of a table: what stands above it, and what it says of a document.
struct TableColumn: Sendable {
  let title: String
  let cell: @Sendable (_ document: ResourceValue, _ now: Timestamp) -> String

  init(_ title: String, _ cell: @escaping @Sendable (ResourceValue, Timestamp) -> String) {
    self.title = title
    self.cell = cell
  }

  init(_ title: String, _ cell: @escaping @Sendable (ResourceValue) -> String) {
    self.init(title) { document, _ in cell(document) }
  }

  /// A scalar, escaped; nothing where it isn't there.
  init(_ title: String, at first: String, _ second: String) {
    self.init(title) { document in document[first]?[second]?.scalarText?.shown ?? "" }
  }
}

extension ResourceType {
  /// The columns of existing clusters, so that scripts go on working; of conflicts, which they don't have, those that
  /// a person looks for.
  var tableColumns: [TableColumn] {
    let kind = kind
    let common = [
      TableColumn("NODE") { $0["node"]?.scalarText?.shown ?? "" },
      TableColumn("NAMESPACE", at: "metadata", "namespace"),
      TableColumn("TYPE") { _ in kind },
      TableColumn("ID", at: "metadata", "id"),
      TableColumn("VERSION", at: "metadata", "version"),
    ]
    switch self {
    case .identity: return common + [TableColumn("ID", at: "spec", "nodeId")]
    case .affiliate:
      return common + [
        TableColumn("HOSTNAME", at: "spec", "hostname"),
        TableColumn("MACHINE TYPE", at: "spec", "machineType"),
        .addresses,
      ]
    case .member:
      return common + [
        TableColumn("HOSTNAME", at: "spec", "hostname"),
        TableColumn("MACHINE TYPE", at: "spec", "machineType"),
        TableColumn("OS", at: "spec", "operatingSystem"), .addresses,
      ]
    case .registry:
      return common + [
        TableColumn("PLUGIN", at: "spec", "plugin"), .status("STATE", "state"), .status("SINCE", "since"),
        .status("AFFILIATES", "records", or: "affiliates"), .lastError,
      ]
    case .kubeSpanIdentity:
      return common + [
        TableColumn("ADDRESS", at: "spec", "address"), TableColumn("PUBLICKEY", at: "spec", "publicKey"),
      ]
    case .kubeSpanPeerSpec:
      return common + [
        TableColumn("LABEL", at: "spec", "label"),
        TableColumn("ENDPOINTS") { $0.at("spec", "endpoints").map { JSONText.compact($0) } ?? "[]" },
      ]
    case .kubeSpanPeerStatus:
      return common + [
        TableColumn("LABEL", at: "spec", "label"), TableColumn("ENDPOINT", at: "spec", "endpoint"),
        TableColumn("STATE", at: "spec", "state"), TableColumn("RX", at: "spec", "receiveBytes"),
        TableColumn("TX", at: "spec", "transmitBytes"),
      ]
    case .kubeSpanEndpoint:
      return common + [
        TableColumn("ENDPOINT", at: "spec", "endpoint"),
        TableColumn("AFFILIATE ID", at: "spec", "affiliateID"),
      ]
    default: return wideColumns
    }
  }

  /// The columns that a person looks for.
  var wideColumns: [TableColumn] {
    switch self {
    case .member:
      [
        TableColumn("ID", at: "metadata", "id"), .status,
        TableColumn("REASON", at: "status", "reason"), .since(at: "status", "since"), .sources,
        TableColumn("MACHINE TYPE", at: "spec", "machineType"), .addresses,
        TableColumn("NODE ID") { ShortID.text($0.at("spec", "nodeId")?.scalarText ?? "").shown },
      ]
    case .registry:
      [
        TableColumn("ID", at: "metadata", "id"), TableColumn("STATE", at: "status", "state"),
        .since(at: "status", "since"),
        TableColumn("LEASE") { $0.at("spec", "lease")?.bool == true ? "yes" : "no" },
        TableColumn("READ") { RegistryAspects($0).reading },
        TableColumn("PUBLISH") { RegistryAspects($0).publishing },
        TableColumn("CREDENTIALS") { RegistryAspects($0).credentials },
        TableColumn("RECORDS", at: "status", "records"), .count("STALE", at: "staleRecords"), .lacks,
        .count("UPDATES", at: "updates"),
        TableColumn("LAST SUCCESS") { document, now in
          document.at("status", "lastSuccess")?.time.map { AgeText.text(from: $0, to: now) } ?? "never"
        },
        .lastError,
      ]
    case .conflict:
      [
        TableColumn("ID") { ShortID.conflict($0.at("metadata", "id")?.scalarText ?? "").shown },
        TableColumn("SEVERITY", at: "spec", "severity"), TableColumn("KIND", at: "spec", "kind"),
        TableColumn("NODES") { conflict in
          let nodes = conflict.at("spec", "nodes")?.items.compactMap(\.scalarText) ?? []
          let more = (conflict.at("spec", "nodeCount")?.integer ?? 0) - Int64(nodes.count)
          return (nodes.map(ShortID.text).joined(separator: ",") + (more > 0 ? ",+\(more)" : "")).shown
        },
        .since(at: "spec", "since"),
        TableColumn("WHO SAYS SO") { conflict in
          (conflict.at("spec", "message") ?? conflict.at("spec", "whoSaysSo"))?.scalarText?.shown ?? ""
        },
      ]
    default: tableColumns
    }
  }
}

extension TableColumn {
  /// Addresses as a JSON list.
  fileprivate static let addresses = TableColumn("ADDRESSES") {
    $0.at("spec", "addresses").map { JSONText.compact($0) } ?? "[]"
  }

  /// `notready,conflict`
  fileprivate static let status = TableColumn("STATUS") { MemberText.status($0).shown }

  /// `kubernetes!,inventory,-service`
  fileprivate static let sources = TableColumn("SOURCES") { MemberText.sources($0).shown }

  /// What last went wrong, or why it is disabled.
  fileprivate static let lastError = TableColumn("LAST ERROR") { document in
    let disabled = document.at("status", "disabledReason") ?? document.at("spec", "disabledReason")
    let error = document.at("status", "lastError", "message") ?? document.at("spec", "lastError")
    return (disabled ?? error)?.scalarText?.shown
      ?? ""
  }

  /// A field of `status`, or of `spec` where the document has no status.
  fileprivate static func status(_ title: String, _ name: String, or other: String? = nil) -> TableColumn {
    TableColumn(title) { document in
      let value = document["status"]?[name] ?? document["spec"]?[other ?? name]
      return value?.scalarText?.shown ?? ""
    }
  }

  fileprivate static let lacks = TableColumn("LACKS") { document in
    if document.at("status", "state")?.text == "disabled" { return "-" }
    return document.at("status", "lacks")?.scalarText?.shown ?? "0"
  }

  fileprivate static func count(_ title: String, at field: String) -> TableColumn {
    TableColumn(title) { $0["status"]?[field]?.scalarText?.shown ?? "0" }
  }

  fileprivate static func since(at first: String, _ second: String) -> TableColumn {
    TableColumn("SINCE") { document, now in
      document[first]?[second]?.time.map { AgeText.text(from: $0, to: now) } ?? ""
    }
  }
}

/// How a registry's parts are, each in a word: `ok`, `failing`, `-` where it hasn't that part.
struct RegistryAspects {
  private let document: ResourceValue

  init(_ document: ResourceValue) { self.document = document }

  var reading: String { state("reading", "content") }
  var credentials: String { state("credentials") }

  /// What became of what this node published there, where it was accepted the aspect's own state.
  var publishing: String {
    let state = state("publishing")
    switch document.at("status", "publication", "state")?.text {
    case nil: return state
    case "accepted": return state == "-" ? "ok" : state
    case let other?: return other.shown
    }
  }

  private func state(_ names: String...) -> String {
    if document.at("status", "state")?.text == "disabled" { return "-" }
    let aspects = document.at("status", "aspects")?.items.filter { aspect in
      names.contains(aspect["aspect"]?.text ?? "")
    }
    guard let aspects, !aspects.isEmpty else { return "-" }
    return aspects.allSatisfy { $0["ok"]?.bool == true } ? "ok" : "failing"
  }
}

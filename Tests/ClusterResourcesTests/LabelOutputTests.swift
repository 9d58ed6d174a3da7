import ClusterModel
import Documents
import Foundation
import Testing

@testable import ClusterResources

/// A node's labels in everything that is printed of it.
@Suite struct LabelOutputTests {
  private static let labels = [
    "topology.kubernetes.io/zone": "eu-1a", "rack": "r 7", "gpu": "", "quoted": "a \"b\", c",
  ]

  private static func document() throws -> ResourceValue {
    var metadata = ResourceMetadata(
      namespace: "cluster", type: .member, id: "w-1", version: 3, owner: "rollcall", created: created,
      updated: updated)
    metadata.labels = try NodeLabels(labels)
    let member = try #require(
      Member(
        Affiliate(
          nodeID: try NodeIdentity("w-1-id"), addresses: [try IPAddress("10.20.0.21")], hostname: "w-1",
          nodename: "w-1", machineType: .worker)))
    return .document(metadata, spec: .member(member))
  }

  private static func text(_ format: String, _ options: ExportOptions = ExportOptions()) throws -> String {
    var printer = try OutputFormat(format).printer(of: .member, export: options)
    return try printer.text(of: [PrintedResource(try document())], at: updated)
  }

  private static func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test("YAML and JSON have them as metadata.labels")
  func documents() throws {
    for (format, path) in [("yaml", "metadata"), ("json", "metadata")] {
      let documents = try YAML.parse(Array(try Self.text(format).utf8), file: format).documents
      let found = documents.first?[path]?["labels"]?.pairs ?? []
      let pairs = found.map { ($0.key, $0.value.string ?? "") }
      #expect(Dictionary(uniqueKeysWithValues: pairs) == Self.labels, "\(format)")
      #expect(pairs.map(\.0) == Self.labels.keys.sorted(), "\(format)")
    }
    #expect(try Self.text("jsonpath={.metadata.labels.rack}").contains("r 7"))
    #expect(try Self.text(#"jsonpath={.metadata.labels.topology\.kubernetes\.io/zone}"#).contains("eu-1a"))
    #expect(try Self.text("custom-columns=RACK:.metadata.labels.rack").contains("r 7"))
  }

  @Test("CSV has them as a JSON object")
  func csv() throws {
    let line = try #require(try Self.text("csv").split(separator: "\r\n").last)
    // The last column, quoted as it has quotes itself.
    let start = try #require(line.firstRange(of: "\"{"))
    let cell = line[start.lowerBound...].dropFirst().dropLast().replacing("\"\"", with: "\"")
    #expect(try Self.json(String(cell)) as? [String: String] == Self.labels)
  }

  @Test("Prometheus has them as meta labels, and as labels of its own where they are asked for")
  func prometheus() throws {
    let text = try Self.text("prometheus", ExportOptions(labels: ["topology.kubernetes.io/zone", "rack"]))
    let targets = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    let labels = try #require(targets.first?["labels"] as? [String: String])
    let expected = [
      "__meta_rollcall_label_topology_kubernetes_io_zone": "eu-1a", "__meta_rollcall_label_rack": "r 7",
      "__meta_rollcall_label_gpu": "", "__meta_rollcall_label_quoted": "a \"b\", c",
      "__meta_rollcall_labelpresent_gpu": "true", "topology_kubernetes_io_zone": "eu-1a", "rack": "r 7",
    ]
    for (key, value) in expected { #expect(labels[key] == value, "\(key)") }
  }

  @Test("Ansible has them as variables of the host, and as groups where they are asked for")
  func ansible() throws {
    let text = try Self.text("ansible", ExportOptions(labels: ["topology.kubernetes.io/zone", "gpu"]))
    let inventory = try Self.json(text)
    let hosts = (inventory["_meta"] as? [String: Any])?["hostvars"] as? [String: [String: Any]]
    #expect(hosts?["w-1"]?["rollcall_labels"] as? [String: String] == Self.labels)
    for group in ["topology_kubernetes_io_zone_eu_1a", "gpu_"] {
      #expect((inventory[group] as? [String: [String]])?["hosts"] == ["w-1"], "\(group)")
    }
    #expect(inventory["rack_r_7"] == nil)
  }

  @Test(
    "-l selects by them",
    arguments: [
      ("rack=r 7", true), ("rack!=r 7", false), ("gpu", true), ("!gpu", false), ("gpu=", true),
      ("topology.kubernetes.io/zone in (eu-1a,eu-1b)", true), ("topology.kubernetes.io/zone=eu-1b", false),
      ("none", false), ("topology.kubernetes.io/zone,rack", true),
    ])
  func selector(text: String, isSelected: Bool) throws {
    let selector = try LabelSelector(text)
    #expect(selector.matches(SelectableFields(try Self.document(), [])) == isSelected)
    #expect(selector.matches(try NodeLabels(Self.labels)) == isSelected)
  }

  @Test("of several registries they may be more than one may give, and none is lost")
  func many() throws {
    let labels = (0..<200).map {
      ResourceValue.Field("label-\($0)", .text(String(repeating: "v", count: 50)))
    }
    let row = ExportedMember(["metadata": ["id": "a", "labels": .fields(labels)], "spec": ["nodeId": "n"]])
    #expect(row.labels.count == 200 && row.labels["label-199"] != nil)
  }
}

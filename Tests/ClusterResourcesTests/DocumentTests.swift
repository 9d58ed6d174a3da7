import ClusterModel
import ClusterResources
import Testing

@Suite struct DocumentTests {
  @Test("an identity's YAML ends as in the documentation of existing clusters")
  func identity() throws {
    let identity = try NodeIdentity("Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd")
    let text = try printed(
      [.identity(identity, node: "172.20.0.2", created: created)], .identity, "yaml")
    #expect(try text == golden("identity.yaml"))
    // The documentation leaves out the beginning with "...".
    #expect(try text.hasSuffix(golden("seed-identities.yaml").dropFirst("...".count)))
  }

  @Test("affiliates as YAML have talosctl's keys, order and indentation, and --- only in between")
  func affiliates() throws {
    let bare = Affiliate(
      nodeID: try NodeIdentity("6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA"), machineType: .worker)
    let resources: [Resource] = [
      .affiliate(
        try fullAffiliate(), version: 4, node: "172.20.0.2", created: created, updated: updated),
      .affiliate(
        bare, rawID: "k8s/\(bare.nodeID)", owner: "kubernetes", version: 2, node: "172.20.0.2",
        created: created, updated: updated),
    ]
    #expect(try printed(resources, .affiliate, "yaml") == golden("affiliates.yaml"))
    // Also where they are printed one by one.
    var printer = OutputFormat.yaml.printer(of: .affiliate)
    var text = ""
    for resource in resources { text += try printer.text(of: [PrintedResource(resource)]) }
    #expect(try text == golden("affiliates.yaml"))
  }

  @Test("networks that a node excludes are a list, also where it is empty")
  func excludedNetworks() throws {
    var affiliate = try fullAffiliate()
    affiliate.kubeSpan?.excludeAdvertisedNetworks = []
    let text = YAMLText.text(of: .affiliate(affiliate))
    #expect(text.contains("\n    excludeAdvertisedNetworks: []\n"))
  }

  @Test("JSON is one indented object after the other, keys sorted")
  func json() throws {
    let resources = [
      try member(
        "talos-default-controlplane-1", "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd",
        addresses: ["10.5.0.2"], type: .controlplane, os: "Talos (v1.2.3)", port: 6443),
      try member("talos-default-worker-1", os: "Talos (v1.2.3)"),
    ]
    #expect(try printed(resources, .member, "json") == golden("members.json"))
  }

  @Test("a watched document says what happened")
  func events() throws {
    let resource = try member("worker-1")
    var yaml = OutputFormat.yaml.printer(of: .member, watching: true)
    #expect(
      try yaml.text(of: [PrintedResource(resource, event: .destroyed)])
        .hasPrefix("node: 10.5.0.2\nevent: destroyed\nmetadata:\n"))
    var json = OutputFormat.json.printer(of: .member, watching: true)
    #expect(
      try json.text(of: [PrintedResource(resource, event: .created)])
        .hasPrefix("{\n    \"event\": \"created\",\n"))
  }

  @Test("JSON escapes what JSON must and what could draw on a terminal")
  func escapes() {
    #expect(JSONText.compact(["a": [1, "b"], "c": [:]]) == #"{"a":[1,"b"],"c":{}}"#)
    #expect(JSONText.pretty(["b": [], "a": [:]]) == "{\n    \"a\": {},\n    \"b\": []\n}")
  }
}

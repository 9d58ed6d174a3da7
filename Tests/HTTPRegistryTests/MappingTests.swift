import ClusterModel
import Documents
import RegistryKit
import Testing

@testable import HTTPRegistry

@Suite struct MappingTests {
  private static let netbox = """
    {"count": 3, "next": null, "results": [
      {"id": 17, "name": "w-1", "primary_ip": {"address": "10.0.0.1/24"}, "serial": "S1", "site": {"slug": "fra"},
       "tags": [{"slug": "prod"}, {"slug": "gpu"}], "status": {"value": "active"}, "height": 1.5},
      {"id": 18, "name": "w-2", "primary_ip": null, "serial": "", "site": null, "tags": []},
      {"id": "x/y", "name": "w-3", "primary_ip": {"address": "nowhere"}}
    ]}
    """

  private func mapping(_ configure: (inout MappingOptions) -> Void) throws -> ListMapping {
    try ListMapping(
      MappingOptions {
        $0.items = ".results[*]"
        $0.id = ".id"
        configure(&$0)
      })
  }

  @Test("each part is found by its path, and an item that can't be read has its place")
  func reads() throws {
    let mapping = try mapping {
      $0.hostname = "{.name}"
      $0.addresses = ".primary_ip.address"
      $0.labels = [
        "serial": ".serial", "site": ".site.slug", "tags": ".tags[*].slug", "height": ".height",
        "none": ".nothing",
      ]
    }
    let inventory = try mapping.read(Array(Self.netbox.utf8), name: "u")
    let records = inventory.nodes.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
    #expect(records.map(\.affiliate.nodeID.text) == ["17", "18"])
    #expect(records.map(\.isLocalID) == [true, true])
    #expect(records.map(\.affiliate.hostname) == ["w-1", "w-2"])
    #expect(records[0].affiliate.addresses == [try IPAddress("10.0.0.1")])
    #expect(
      records[0].labels.map { "\($0.key)=\($0.value)" } == [
        "height=1.5", "serial=S1", "site=fra", "tags=prod,gpu",
      ])
    #expect(records[1].labels.map(\.key) == ["serial"])
    #expect(inventory.hidesNodes)
    #expect(
      inventory.problems.kept.map(\.description) == [
        "u: items[2]: node 'w-3': id: node identity 'x/y' may only have printable ASCII without spaces and '/'",
        "u: items[2]: node 'w-3': addresses[0]: 'nowhere' isn't an IP address such as 10.5.0.2 or fd00::2",
      ])
  }

  @Test("readiness, identity and key are parts as others are")
  func parts() throws {
    let mapping = try ListMapping(
      MappingOptions {
        $0.items = "$"
        ($0.nodeID, $0.ready, $0.publicKey) = (".uid", ".up", ".wg")
        ($0.machineType, $0.machineID, $0.nodename) = (".role", ".mid", ".node")
      })
    let text = """
      [{"uid": "a", "up": true, "wg": "OmGTVg0tUwDcAxOmGTVg0tUwDcAxOmGTVg0tUwDcAxI=", "role": "worker", "node": "n",
        "mid": "0123456789abcdef0123456789abcdef"}, {"uid": "b", "up": "False"}]
      """
    let inventory = try mapping.read(Array(text.utf8), name: "u")
    #expect(inventory.problems.isEmpty)
    let a = try #require(inventory.nodes[.init(nodeID: try NodeIdentity("a"))])
    #expect(a.health == .ready && !a.isLocalID && a.affiliate.nodename == "n")
    #expect(a.affiliate.machineType == .worker && a.affiliate.kubeSpan?.publicKey.hasPrefix("OmGT") == true)
    #expect(a.machineID == "0123456789abcdef0123456789abcdef")
    #expect(inventory.nodes[.init(nodeID: try NodeIdentity("b"))]?.health == .notReady(reason: "NotReady"))
  }

  @Test(
    "an empty list is one, and what isn't there is none",
    arguments: [
      (".results[*]", #"{"results": []}"#, true), (".results", #"{"results": []}"#, true), ("$", "[]", true),
      ("[*]", "[]", true), ("$[*]", "[]", true), (".a.b[*]", #"{"a": {"b": []}}"#, true),
      (".results[*]", "{}", false), (".results[*]", #"{"error": "x"}"#, false), (".results", "{}", false),
      (".results[*]", #"{"results": null}"#, false), (".results[*]", "[", false), (".results[*]", "", false),
      (".results[*]", "<html>", false), ("[*]", "null", false), (".results[*]", #"{"results": "x"}"#, false),
    ])
  func empty(items: String, text: String, isList: Bool) throws {
    let mapping = try mapping { $0.items = items }
    let inventory = try? mapping.read(Array(text.utf8), name: "u")
    #expect(
      (inventory?.listsNodes ?? false) == isList, "\(inventory.map(String.init(describing:)) ?? "nothing")")
    #expect(inventory?.nodes.isEmpty ?? true)
  }

  @Test(
    "a path that is none is found at once, with its column",
    arguments: [
      (".results[", "mapping.items: "), ("", "mapping.items: "), ("{range .a[*]}{end}", "mapping.items: "),
      ("{.a}{.b}", "mapping.items: "),
    ])
  func badPaths(items: String, says: String) {
    let error = #expect(throws: RegistryError.self) { try mapping { $0.items = items } }
    #expect(error?.message.hasPrefix(says) == true, "\(error?.message ?? "")")
  }

  @Test("a mapping that doesn't say what machines are known by is none")
  func nameless() {
    let error = #expect(throws: RegistryError.self) {
      try ListMapping(
        MappingOptions {
          $0.items = "$"
          $0.machineType = ".x"
        })
    }
    #expect(error?.message.contains("what machines are known by") == true)
  }
}

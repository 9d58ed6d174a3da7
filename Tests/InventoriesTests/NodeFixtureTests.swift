import ClusterModel
import Documents
import Foundation
import Testing

@testable import Inventories

/// Every file in `Fixtures/good` and `Fixtures/bad` has beside it what is read from it.
@Suite struct NodeFixtureTests {
  static let goodFiles = [
    "short.yaml", "list.json", "documents.yaml", "empty.yaml", "affiliates.yaml", "raw.yaml", "members.json",
    "others.yaml", "quoted.yaml", "merge.yaml", "several.yaml", "mapped.yaml",
    "oddities.yaml", "local.yaml",
  ]
  static let badFiles = [
    "nodes.yaml", "toplevel.yaml", "resources.yaml", "syntax.yaml", "stream.json", "addresses.yaml",
  ]

  @Test("a good file is read whole and without a problem", arguments: goodFiles)
  func good(name: String) throws {
    let text = try Self.described("good", name)
    #expect(!text.contains("problem "))
    #expect(try text == Self.expected("good", name))
  }

  @Test("a bad file keeps its good nodes and has each problem with its place", arguments: badFiles)
  func bad(name: String) throws {
    let text = try Self.described("bad", name)
    #expect(text.contains("problem "))
    #expect(try text == Self.expected("bad", name), "\(text)")
  }

  @Test("no fixture is forgotten", arguments: ["good", "bad"])
  func complete(folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.path(folder, ""))
      .filter { !$0.hasSuffix(".expected") }
    #expect(names.sorted() == (folder == "good" ? Self.goodFiles : Self.badFiles).sorted())
  }

  private static func path(_ folder: String, _ name: String) throws -> String {
    try #require(Bundle.module.resourcePath) + "/Fixtures/\(folder)/\(name)"
  }

  private static func expected(_ folder: String, _ name: String) throws -> String {
    let base = name.prefix { $0 != "." }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: try path(folder, "\(base).expected")))
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func described(_ folder: String, _ name: String) throws -> String {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: try path(folder, name)))
    do throws(YAMLError) {
      return try Inventory.read(Array(bytes), name: name).description
    } catch {
      return "problem \(error)\n"
    }
  }
}

extension Inventory: CustomStringConvertible {
  /// A line for each node, and for each problem and note.
  public var description: String {
    var lines = nodes.map { key, record in "\(key.origin)/\(record.line)" }.sorted()
    if hidesNodes { lines.append("hides nodes") }
    lines += problems.kept.map { "problem \($0)" }
    lines += notes.kept.map { "note \($0)" }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension AffiliateRecord {
  /// All that is set, in one line; a local id has a `~`.
  var line: String {
    var parts = [(isLocalID ? "~" : "") + affiliate.line]
    if !machineID.isEmpty { parts.append("machine=\(machineID)") }
    if !labels.isEmpty {
      parts.append("labels=" + labels.map { "\($0.key)=\($0.value)" }.joined(separator: ";"))
    }
    if let health { parts.append("health=\(health)") }
    if let createdAt { parts.append("created=\(createdAt)") }
    if isStale { parts.append("stale") }
    return parts.joined(separator: " ")
  }
}

extension Affiliate {
  /// All that is set, in one line.
  var line: String {
    let fields: [(String, String)] = [
      ("hostname", hostname), ("nodename", nodename), ("os", operatingSystem),
      ("type", machineType == .unknown ? "" : machineType.rawValue),
      ("addresses", Self.list(addresses)), ("port", controlPlane.map { "\($0.apiServerPort)" } ?? ""),
      ("key", kubeSpan?.publicKey ?? ""), ("kubespan", kubeSpan?.address?.description ?? ""),
      ("additional", Self.list(kubeSpan?.additionalAddresses ?? [])),
      ("excluded", Self.list(kubeSpan?.excludeAdvertisedNetworks ?? [])),
      ("endpoints", Self.list(kubeSpan?.endpoints ?? [])),
    ]
    return ([nodeID.text] + fields.filter { !$0.1.isEmpty }.map { "\($0.0)=\($0.1)" }).joined(separator: " ")
  }

  private static func list(_ items: [some CustomStringConvertible]) -> String {
    items.map(\.description).joined(separator: ",")
  }
}

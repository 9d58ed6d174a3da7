import ClusterModel
import Inventories
import RegistryKit
import RegistryTestSupport
import Testing

@testable import StaticFileRegistry

@Suite struct SourcePlanTests {
  private func contents(_ files: KnownFiles, _ paths: String...) throws -> (SourceContents, [RegistryError]) {
    try SourcePlan(paths.map { try PathPattern($0) }).contents(of: files)
  }

  private func known(_ files: KeyValuePairs<String, String>) throws -> KnownFiles {
    var known = KnownFiles()
    _ = known.take(
      Scan(files: try files.map { Scan.File(shown: $0.key, outcome: try read($0.value)) }))
    return known
  }

  @Test("one plain path is one source")
  func single() throws {
    let (contents, _) = try contents(try known(["a/n.yaml": "nodeId: x"]), "a/n.yaml")
    #expect(contents.keys.map(\.name) == [""])
  }

  @Test("no file at all is one empty source: the registry is synced")
  func none() throws {
    #expect(try contents(KnownFiles(), "*.yaml").0 == [.only: [:]])
  }

  @Test("files are named after what tells them apart")
  func names() throws {
    let files = try known([
      "/etc/r/a/n 1.yaml": "nodeId: x", "/etc/r/a/n_1.yaml": "nodeId: x", "/etc/r/b/é": "nodes:",
    ])
    let (contents, _) = try contents(files, "/etc/r/a/*", "/etc/r/b/*")
    #expect(contents.keys.map(\.name).sorted() == ["a_n_1.yaml", "a_n_1.yaml#2", "b___"])
  }

  @Test("raw documents are a source by their origin")
  func origins() throws {
    func raw(_ prefix: String) -> String {
      "metadata: {type: affiliates.cluster.talos.dev, id: \(prefix)/x}\nspec: {nodeId: x}\n"
    }
    let text = raw("k8s") + "---\n" + raw("service") + "---\nnodeId: x\n"
    let one = try contents(try known(["n.yaml": text]), "n.yaml").0
    #expect(one.keys.map(\.name).sorted() == ["", "k8s", "service"])
    let several = try contents(try known(["n.yaml": text]), "*.yaml").0
    #expect(several.keys.map(\.name).sorted() == ["n.yaml", "n.yaml:k8s", "n.yaml:service"])
  }

  @Test("more files than sources are one source, in which the first file counts")
  func pooled() throws {
    var known = KnownFiles()
    let names = (100..<165).map { "\($0).yaml" }
    _ = known.take(
      Scan(
        files: try names.map { name in
          Scan.File(shown: name, outcome: try read(nodes(["\(name)": "own", "shared": "\(name)"])))
        }))
    let (contents, repetitions) = try contents(known, "*.yaml")
    #expect(contents.keys.map(\.name) == [""])
    #expect(contents[.only]?.count == 66)
    #expect(contents[.only]?[try NodeIdentity("shared")]?.affiliate.hostname == "100.yaml")
    #expect(repetitions.count == 64)
    #expect(repetitions.first?.message == "101.yaml: node 'shared' is in '100.yaml' already, which is kept")
  }

  private func records(_ ids: some Sequence<Int>) throws -> [NodeIdentity: AffiliateRecord] {
    try Dictionary(
      uniqueKeysWithValues: ids.map { number in
        let id = try NodeIdentity("n\(number)")
        return (id, AffiliateRecord(Affiliate(nodeID: id)))
      })
  }

  @Test("a node that moves from one file to another is removed there and added here, in one batch")
  func moves() throws {
    let a = try RegistrySource("a")
    let b = try RegistrySource("b")
    let updates = SourceContents.updates(
      from: [a: try records([1, 2]), b: try records([3])], to: [a: try records([1]), b: try records([2, 3])])
    #expect(updates.map(\.summary) == ["a: remove n2 deleted", "b: upsert n2"])
  }

  @Test("the nodes of a file that is gone were deleted")
  func gone() throws {
    let a = try RegistrySource("a")
    let updates = SourceContents.updates(from: [a: try records([1])], to: [.only: [:]])
    #expect(
      updates == [
        .snapshot([], source: a, absent: .deleted), .sourceGone(a),
        .snapshot([], source: .only, absent: .deleted),
      ])
  }

  @Test("nothing new is no update, and much that is new is a snapshot")
  func sizes() throws {
    #expect(SourceContents.updates(from: [.only: try records(0..<9)], to: [.only: try records(0..<9)]) == [])
    let much = SourceContents.updates(
      from: [.only: try records(0..<200)], to: [.only: try records(150..<350)])
    #expect(much.count == 1)
    guard case .snapshot(let all, source: .only, absent: .deleted) = much.first else {
      Issue.record("\(much)")
      return
    }
    #expect(all.count == 200)
    #expect(SourceContents.updates(from: [:], to: [.only: [:]]).map(\.summary) == ["snapshot"])
  }

  @Test("at no point of a batch are there more sources or nodes than before or after it")
  func bound() throws {
    for _ in 0..<50 {
      let old = try contents("old"), new = try contents(Bool.random() ? "old" : "new")
      var now = old
      for update in SourceContents.updates(from: old, to: new) {
        switch update {
        case .snapshot(let records, let source, _):
          now[source] = Dictionary(uniqueKeysWithValues: records.map { ($0.affiliate.nodeID, $0) })
        case .upsert(let record, let source): now[source]?[record.affiliate.nodeID] = record
        case .remove(let id, let source, _): now[source]?[id] = nil
        case .sourceGone(let source): now[source] = nil
        }
        #expect(now.count <= max(old.count, new.count))
        #expect(count(now) <= max(count(old), count(new)))
      }
      #expect(now == new)
    }
  }

  /// Up to 40 sources with up to 200 nodes.
  private func contents(_ prefix: String) throws -> SourceContents {
    var contents: SourceContents = [:]
    for number in 0..<Int.random(in: 1...40) {
      let first = Int.random(in: 0..<100)
      contents[try RegistrySource("\(prefix)-\(number)")] = try records(first..<Int.random(in: first...300))
    }
    return contents
  }

  private func count(_ contents: SourceContents) -> Int { contents.values.reduce(0) { $0 + $1.count } }
}

extension SourceContents {
  fileprivate static func updates(from old: SourceContents, to new: SourceContents) -> [RegistryUpdate] {
    old.updates(to: new)
  }
}

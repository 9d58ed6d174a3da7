import ClusterModel
import Documents
import Foundation
import Logging
import RegistryKit
import Synchronization
import Testing

@testable import StaticFileRegistry

/// How often something was called.
final class Counter: Sendable {
  private let value = Mutex(0)
  var count: Int { value.withLock { $0 } }
  func increment() { value.withLock { $0 += 1 } }
}

/// What one look finds, without any file.
private func look(_ files: KeyValuePairs<String, Scan.Outcome>, missing: [String] = []) -> Scan {
  Scan(
    files: files.map { Scan.File(shown: $0.key, outcome: $0.value) },
    missing: missing.map { ($0, Trouble(.unavailable, "there is no \($0)")) })
}

private func read(_ text: String, at seconds: Int64 = 100) throws -> Scan.Outcome {
  .read(try FileParser.parse(Array(text.utf8), file: "f"), mark(seconds))
}

private func mark(_ seconds: Int64) -> FileMark {
  var status = stat()
  status.st_mtim.tv_sec = Int(seconds)
  return FileMark(signature: FileSignature(status), digest: Int(seconds), isRecent: false)
}

@Suite struct StateTests {
  @Test("a file that isn't found is kept for one more look, then its nodes go")
  func removal() throws {
    var files = KnownFiles()
    #expect(files.take(look(["a": try read("nodeId: x")])) == false)
    #expect(files.take(look([:], missing: ["a"])) == true)
    #expect(files.files["a"] != nil)
    #expect(files.allTroubles == [])
    #expect(files.take(look([:], missing: ["a"])) == false)
    #expect(files.files["a"] == nil)
    #expect(files.allTroubles.map(\.message) == ["there is no a"])
  }

  @Test("a file that comes back between two looks was never gone")
  func comeback() throws {
    var files = KnownFiles()
    for _ in 0..<3 {
      _ = files.take(look(["a": try read("nodeId: x")]))
      #expect(files.take(look([:])) == true)
    }
    #expect(files.files["a"]?.nodes[""]?.count == 1)
  }

  @Test("where a folder can't be looked into nothing is taken for gone")
  func partial() throws {
    var files = KnownFiles()
    _ = files.take(look(["a": try read("nodeId: x"), "b": try read("nodeId: y")]))
    var scan = look(["b": .unchanged(mark(100))])
    scan.isPartial = true
    scan.troubles = [Trouble(.permissionDenied, "no entry")]
    for _ in 0..<3 { #expect(files.take(scan) == false) }
    #expect(files.order == ["a", "b"])
    #expect(files.allTroubles.map(\.message) == ["no entry"])
  }

  @Test("a file that is unreadable or malformed keeps its nodes")
  func keeps() throws {
    var files = KnownFiles()
    _ = files.take(look(["a": try read("nodeId: x")]))
    _ = files.take(look(["a": .unreadable(Trouble(path: "a", errno: EIO))]))
    #expect(files.allTroubles.map(\.message) == ["'a' can't be read: Input/output error"])
    let error = YAMLError(file: "a", mark: YAMLMark(line: 2, column: 3), message: "no YAML")
    _ = files.take(look(["a": .malformed(error, mark(101))]))
    #expect(files.allTroubles.map(\.message) == ["a:2:3: no YAML"])
    #expect(files.files["a"]?.nodes[""]?.count == 1)
    _ = files.take(look(["a": .unchanged(mark(101))]))
    #expect(files.allTroubles.map(\.message) == ["a:2:3: no YAML"])
  }

  @Test("a file that makes too many nodes of all is told and keeps what it said")
  func tooManyNodes() throws {
    var files = KnownFiles(maximumNodes: 3)
    _ = files.take(look(["a": try read("[{nodeId: x}, {nodeId: y}]"), "b": try read("nodeId: z")]))
    #expect(files.allTroubles == [])
    _ = files.take(look(["a": .unchanged(mark(100)), "b": try read("[{nodeId: v}, {nodeId: w}]")]))
    #expect(files.files["b"]?.nodes[""]?.keys.map(\.text) == ["z"])
    #expect(
      files.allTroubles.map(\.message) == [
        "with 'b' all files have 4 nodes, more than 3; its change isn't taken over"
      ])
    #expect(files.marks.keys.sorted() == ["a"])
  }

  @Test("a file that is always being written to is told of after a while")
  func unsettled() throws {
    var files = KnownFiles()
    let outcome = Scan.Outcome.unsettled(Trouble(.unavailable, "'a' is being written to"))
    for _ in 0..<20 {
      #expect(files.take(look(["a": outcome])) == true)
      #expect(files.allTroubles == [])
    }
    #expect(files.take(look(["a": outcome])) == false)
    #expect(files.allTroubles.count == 1)
  }

  @Test("only what changed in a file is as new as the file")
  func ages() throws {
    var files = KnownFiles()
    _ = files.take(look(["a": try read(nodes(["x": "1", "y": "1"]), at: 100)]))
    _ = files.take(look(["a": try read(nodes(["x": "1", "y": "2"]), at: 200)]))
    let ages = files.files["a"]?.nodes[""]?.map { "\($0.key) \($0.value.confirmedAt?.milliseconds ?? -1)" }
    #expect(ages?.sorted() == ["x 100000", "y 200000"])
    _ = files.take(look(["a": try read(nodes(["x": "2"]), at: 0)]))
    #expect(files.files["a"]?.nodes[""]?.values.map(\.confirmedAt) == [nil])
  }
}

@Suite struct SourceTests {
  private func contents(_ files: KnownFiles, _ paths: String...) throws -> (SourceContents, [Trouble]) {
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

  @Test("raw documents are told under their origin")
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

  @Test("more files than sources are told as one, the first file's word counting")
  func pooled() throws {
    var known = KnownFiles()
    let names = (100..<164).map { "\($0).yaml" }
    _ = known.take(
      Scan(
        files: try names.map { name in
          Scan.File(shown: name, outcome: try read(nodes(["\(name)": "own", "shared": "\(name)"])))
        }))
    let (contents, troubles) = try contents(known, "*.yaml")
    #expect(contents.keys.map(\.name) == [""])
    #expect(contents[.only]?.count == 65)
    #expect(contents[.only]?[try NodeIdentity("shared")]?.affiliate.hostname == "100.yaml")
    #expect(troubles.count == 63)
    #expect(troubles.first?.message == "101.yaml: node 'shared' is in '100.yaml' already, which is kept")
  }

  private func records(_ ids: some Sequence<Int>) throws -> [NodeIdentity: AffiliateRecord] {
    try Dictionary(
      uniqueKeysWithValues: ids.map { number in
        let id = try NodeIdentity("n\(number)")
        return (id, AffiliateRecord(Affiliate(nodeID: id)))
      })
  }

  private func kinds(_ updates: [RegistryUpdate]) -> [String] {
    updates.map { update in
      switch update {
      case .snapshot(let records, let source): "snapshot \(source.name) \(records.count)"
      case .upsert(let record, let source): "upsert \(source.name) \(record.affiliate.nodeID)"
      case .remove(let id, let source): "remove \(source.name) \(id)"
      case .sourceGone(let source): "gone \(source.name)"
      }
    }
  }

  @Test("a node that moves from one file to another is told of throughout")
  func moves() throws {
    let a = try RegistrySource("a")
    let b = try RegistrySource("b")
    let changes = SourceChanges.from(
      [a: try records([1, 2]), b: try records([3])], to: [a: try records([1]), b: try records([2, 3])])
    #expect(kinds(changes) == ["upsert b n2", "remove a n2"])
    let move = SourceChanges.from([a: try records([1])], to: [b: try records([1])])
    #expect(kinds(move) == ["snapshot b 1", "gone a"])
  }

  @Test("nothing new is nothing to tell, and much that is new is a snapshot")
  func sizes() throws {
    #expect(SourceChanges.from([.only: try records(0..<9)], to: [.only: try records(0..<9)]) == [])
    let much = SourceChanges.from([.only: try records(0..<200)], to: [.only: try records(150..<350)])
    #expect(kinds(much) == ["snapshot  200"])
    #expect(kinds(SourceChanges.from([:], to: [.only: [:]])) == ["snapshot  0"])
  }

  @Test("there are never more sources than a registry may have")
  func bound() throws {
    let old = try (0..<40).map { (try RegistrySource("old-\($0)"), try records([$0])) }
    let new = try (0..<40).map { (try RegistrySource("new-\($0)"), try records([$0])) }
    let changes = SourceChanges.from(
      Dictionary(uniqueKeysWithValues: old), to: Dictionary(uniqueKeysWithValues: new))
    var sources = Set(old.map(\.0))
    var most = 0
    for change in changes {
      if case .snapshot(_, let source) = change { sources.insert(source) }
      if case .sourceGone(let source) = change { sources.remove(source) }
      most = max(most, sources.count)
    }
    #expect(most <= RegistrySource.maximumCount)
    #expect(sources == Set(new.map(\.0)))
  }
}

@Suite struct ReportTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("a status names the first ten problems and counts the others, and is told once")
  func bounded() throws {
    var report = TroubleReport()
    #expect(report.update([], logger: logger) == nil)
    let troubles = (1...25).map { Trouble(.invalidArgument, "problem \($0)") }
    let expected = (1...10).map { "problem \($0); " }.joined() + "and 15 more"
    #expect(report.update(troubles, logger: logger) == .degraded(RegistryError(.invalidArgument, expected)))
    #expect(report.update(troubles, logger: logger) == nil)
    #expect(report.update([], logger: logger) == .healthy)
  }

  @Test("a million bad nodes are counted, not kept")
  func manyProblems() throws {
    let text = "nodes:\n" + String(repeating: "- {}\n", count: 5000)
    let reading = try FileParser.parse(Array(text.utf8), file: "f")
    #expect(reading.problems.count == 5000)
    #expect(reading.problems.kept.count == ProblemList.maximumKept)
  }
}

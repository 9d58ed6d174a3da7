import ClusterModel
import Documents
import Foundation
import Inventories
import Logging
import Platform
import RegistryKit
import Testing

@testable import StaticFileRegistry

/// What one scan finds, without any file.
private func scan(_ files: KeyValuePairs<String, Scan.Outcome>, missing: [String] = []) -> Scan {
  Scan(
    files: files.map { Scan.File(shown: $0.key, outcome: $0.value) },
    missing: missing.map { ($0, RegistryError(.unavailable, "there is no \($0)")) })
}

func read(_ text: String, at seconds: Int64 = 100) throws -> Scan.Outcome {
  .read(try Inventory.read(Array(text.utf8), name: "f"), mark(seconds))
}

private func mark(_ seconds: Int64) -> FileMark {
  var status = stat()
  status.st_mtim.tv_sec = Int(seconds)
  return FileMark(signature: FileSignature(status), digest: Int(seconds), isRecent: false)
}

@Suite struct KnownFilesTests {
  @Test("a file that isn't found is kept for one more scan, then its nodes go")
  func removal() throws {
    var files = KnownFiles()
    #expect(files.take(scan(["a": try read("nodeId: x")])) == nil)
    #expect(files.take(scan([:], missing: ["a"])) != nil)
    #expect(files.nodes(of: "a") != nil)
    #expect(files.readErrors == [])
    #expect(files.take(scan([:], missing: ["a"])) == nil)
    #expect(files.nodes(of: "a") == nil)
    #expect(files.readErrors.map(\.message) == ["there is no a"])
  }

  @Test("a file that comes back between two scans was never gone")
  func comeback() throws {
    var files = KnownFiles()
    for _ in 0..<3 {
      _ = files.take(scan(["a": try read("nodeId: x")]))
      #expect(files.take(scan([:])) != nil)
    }
    #expect(files.nodes(of: "a")?.byOrigin[""]?.count == 1)
  }

  @Test("where a folder can't be looked into nothing is taken for gone")
  func partial() throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("nodeId: x"), "b": try read("nodeId: y")]))
    var partial = scan(["b": .unchanged(mark(100))])
    partial.isPartial = true
    partial.errors = [RegistryError(.permissionDenied, "no entry")]
    for _ in 0..<3 { #expect(files.take(partial) == nil) }
    #expect(files.order == ["a", "b"])
    #expect(files.readErrors.map(\.message) == ["no entry"])
  }

  @Test("a file that is unreadable or malformed keeps its nodes")
  func keeps() throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("nodeId: x")]))
    _ = files.take(scan(["a": .unreadable(RegistryError(FileError(.read, "a", .system(EIO))))]))
    #expect(files.readErrors.map(\.message) == ["'a' can't be read: Input/output error"])
    let error = YAMLError(file: "a", mark: YAMLMark(line: 2, column: 3), message: "no YAML")
    _ = files.take(scan(["a": .malformed(error, mark(101))]))
    #expect(files.contentErrors.map(\.message) == ["a:2:3: no YAML"])
    #expect(files.nodes(of: "a")?.byOrigin[""]?.count == 1)
    _ = files.take(scan(["a": .unchanged(mark(101))]))
    #expect(files.contentErrors.map(\.message) == ["a:2:3: no YAML"])
  }

  @Test("a file that makes too many nodes of all keeps its nodes, and is an error")
  func tooManyNodes() throws {
    var files = KnownFiles(maximumNodes: 3)
    _ = files.take(scan(["a": try read("[{nodeId: x}, {nodeId: y}]"), "b": try read("nodeId: z")]))
    #expect(files.contentErrors == [])
    _ = files.take(scan(["a": .unchanged(mark(100)), "b": try read("[{nodeId: v}, {nodeId: w}]")]))
    #expect(files.nodes(of: "b")?.byOrigin[""]?.keys.map(\.text) == ["z"])
    #expect(
      files.contentErrors.map(\.message) == [
        "with 'b' all files have 4 nodes, more than 3; its change isn't taken over"
      ])
    #expect(files.marks.keys.sorted() == ["a"])
  }

  @Test("a file that is always being written to is an error after a while")
  func unsettled() throws {
    var files = KnownFiles()
    let outcome = Scan.Outcome.unsettled(RegistryError(.unavailable, "'a' is being written to"))
    for step in 0..<20 {
      #expect(files.take(scan(["a": outcome]), at: .milliseconds(100 + 240 * step)) == .milliseconds(50))
      #expect(files.readErrors == [])
    }
    #expect(files.isSettling)
    #expect(files.take(scan(["a": outcome]), at: .milliseconds(5100)) == .seconds(1))
    #expect(!files.isSettling)
    #expect(files.readErrors.count == 1)
  }

  @Test("a file that says nothing of nodes keeps those that it had, and is an error", arguments: silent)
  func silence(text: String) throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("[{nodeId: x}, {nodeId: y}]")]))
    _ = files.take(scan(["a": try read(text, at: 101)]))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.keys.map(\.text).sorted() == ["x", "y"])
    #expect(files.contentErrors.count == 1)
    _ = files.take(scan(["a": .unchanged(mark(101))]))
    #expect(files.contentErrors.count == 1)
    _ = files.take(scan(["a": try read("nodes: []", at: 102)]))
    #expect(files.nodes(of: "a")?.byOrigin == [:])
    #expect(files.contentErrors == [])
  }

  static let silent = [
    "", "\n", "# nodes.yaml\n", "---\n", "null", "~", "nodes:\n", "{}", "nodes: {a: b}",
    "node: [{nodeId: x}]",
    "just text", "12", "metadata: {type: Members.cluster.talos.dev}", "---\n---\n",
  ]

  @Test(
    "a list that is empty says that there are no nodes", arguments: ["nodes: []", "[]", "{\"nodes\": []}"])
  func none(text: String) throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("[{nodeId: x}, {nodeId: y}]")]))
    _ = files.take(scan(["a": try read(text, at: 101)]))
    #expect(files.nodes(of: "a")?.byOrigin == [:])
    #expect(files.contentErrors == [])
  }

  @Test(
    "a file that never had nodes says so, if that is meant: for who begins now it is as for who knew it before"
  )
  func alwaysEmpty() throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("# to come\n")]))
    #expect(
      files.contentErrors.map(\.message) == [
        "'a' lists no nodes, not even none. Write `nodes: []` if there are none"
      ])
    _ = files.take(
      scan(["a": try read("{metadata: {type: Identities.cluster.talos.dev, id: local}, spec: {}}", at: 101)]))
    #expect(files.contentErrors == [])
    #expect(files.notes.count == 1)
  }

  @Test("an entry that doesn't say which node it is of may be of any: none is taken for removed")
  func hidden() throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("[{nodeId: x}, {nodeId: y}]")]))
    _ = files.take(scan(["a": try read("[{nodeId: x}, {nodeID: y}]", at: 101)]))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.keys.map(\.text).sorted() == ["x", "y"])
    #expect(files.contentErrors.count == 2)
    _ = files.take(scan(["a": try read("[{nodeId: x}]", at: 102)]))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.keys.map(\.text) == ["x"])
  }

  @Test("a mistake in a node is the same for who knew it before and who begins now", arguments: mistakes)
  func sameForAll(item: String) throws {
    var before = KnownFiles()
    _ = before.take(
      scan(["a": try read("- {nodeId: x, hostname: h, addresses: [10.0.0.1, 10.0.0.2]}\n- {nodeId: y}")]))
    let bad = try read("- {nodeId: x, \(item)}\n- {nodeId: y}", at: 101)
    _ = before.take(scan(["a": bad]))
    var fresh = KnownFiles()
    _ = fresh.take(scan(["a": bad]))
    let affiliates = { (files: KnownFiles) in files.nodes(of: "a")?.byOrigin[""]?.mapValues(\.affiliate) }
    #expect(affiliates(before) == affiliates(fresh))
    #expect(affiliates(fresh)?.count == 2)
    #expect(before.contentErrors.map(\.message) == fresh.contentErrors.map(\.message))
    #expect(before.contentErrors.count == 1)
  }

  static let mistakes = [
    "addresses: [10.0.0.2, 10.0.0.300]", "addresses: [10.0.0.2, 'fe80::1%eth0']", "addresses: 10.0.0.2",
    "addresses: {a: b}", "hostname: [a]", "hostname: \"a\\nb\"", "machineType: wroker", "hostnam: x",
    "controlPlane: {port: -1}", "controlPlane: {}", "controlPlane: 6443", "kubespan: {publicKey: short}",
    "kubespan: {endpoints: [10.0.0.1]}", "nodename: {}", "operatingSystem: []",
  ]

  @Test("a file that is gone keeps its nodes for staleAfter, and is an error meanwhile")
  func gone() throws {
    var files = KnownFiles(staleAfter: .seconds(60))
    _ = files.take(scan(["a": try read("[{nodeId: x}, {nodeId: y}]"), "b": try read("nodes: []")]))
    #expect(files.take(scan([:], missing: ["a"]), at: .seconds(10)) != nil)
    #expect(files.readErrors == [])
    #expect(files.take(scan([:], missing: ["a"]), at: .seconds(11)) == .seconds(60))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.count == 2)
    // Elsewhere somebody may say otherwise now: that goes before the word of a file that is gone.
    #expect(files.nodes(of: "a")?.byOrigin[""]?.values.allSatisfy(\.isStale) == true)
    // What has no nodes is gone at once.
    #expect(files.order == ["a"])
    #expect(
      files.readErrors.map(\.message) == [
        "'a' is gone; what it listed (2 nodes) stays until it has been away for 1m. A file with `nodes: []` "
          + "lists none at once"
      ])
    #expect(files.take(scan([:], missing: ["a"]), at: .seconds(41)) == .seconds(30))
    #expect(files.take(scan([:], missing: ["a"]), at: .seconds(71)) == nil)
    #expect(files.nodes(of: "a") == nil)
    #expect(files.readErrors.map(\.message) == ["there is no a"])
  }

  @Test(
    "a file that comes back as it was is fresh again, whether it is read or not", arguments: [true, false])
  func freshAgain(isRead: Bool) throws {
    var files = KnownFiles(staleAfter: .seconds(60))
    _ = files.take(scan(["a": try read("[{nodeId: x}]")]))
    for elapsed in [1, 2] { _ = files.take(scan([:], missing: ["a"]), at: .seconds(elapsed)) }
    #expect(files.nodes(of: "a")?.byOrigin[""]?.values.map(\.isStale) == [true])
    let revision = files.revision
    _ = files.take(
      scan(["a": isRead ? try read("[{nodeId: x}]", at: 101) : .unchanged(mark(100))]), at: .seconds(3))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.values.map(\.isStale) == [false])
    #expect(files.revision > revision)
  }

  @Test(
    "a key that is there twice may hide nodes: none is taken for removed",
    arguments: ["nodes: [{nodeId: a}]\nnodes: [{nodeId: b}]", "nodes: [{nodeId: a, hostname: h, nodeId: b}]"])
  func repeatedKey(text: String) throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read("nodes: [{nodeId: a}, {nodeId: b}]")]))
    _ = files.take(scan(["a": try read(text, at: 101)]))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.keys.map(\.text).sorted() == ["a", "b"])
    #expect(files.contentErrors.count == 1)
  }

  @Test("a file that comes back in time was never gone, and has its whole time the next time")
  func backInTime() throws {
    var files = KnownFiles(staleAfter: .seconds(60))
    _ = files.take(scan(["a": try read("nodeId: x")]))
    for start in [10, 100] {
      _ = files.take(scan([:]), at: .seconds(start))
      #expect(files.take(scan([:]), at: .seconds(start + 1)) == .seconds(60))
      _ = files.take(scan(["a": .unchanged(mark(100))]), at: .seconds(start + 50))
      #expect(files.readErrors == [])
      #expect(files.nodes(of: "a")?.byOrigin[""]?.count == 1)
    }
  }

  @Test("only what changed in a file is as new as the file")
  func ages() throws {
    var files = KnownFiles()
    _ = files.take(scan(["a": try read(nodes(["x": "1", "y": "1"]), at: 100)]))
    _ = files.take(scan(["a": try read(nodes(["x": "1", "y": "2"]), at: 200)]))
    let ages = files.nodes(of: "a")?.byOrigin[""]?.map {
      "\($0.key) \($0.value.confirmedAt?.milliseconds ?? -1)"
    }
    #expect(ages?.sorted() == ["x 100000", "y 200000"])
    _ = files.take(scan(["a": try read(nodes(["x": "2"]), at: 0)]))
    #expect(files.nodes(of: "a")?.byOrigin[""]?.values.map(\.confirmedAt) == [nil])
  }
}

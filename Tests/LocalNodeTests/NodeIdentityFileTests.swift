import ClusterModel
import Foundation
import TestSupport
import Testing

@testable import Rollcall

@Suite("The file of a node's identity")
struct NodeIdentityFileTests {
  private let folder: TemporaryFolder
  private let state: String
  private let file: NodeIdentityFile

  init() throws {
    folder = try TemporaryFolder()
    state = folder.path("a/state")
    file = NodeIdentityFile(folder: state)
  }

  private func mode(_ path: String) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
  }

  @Test("it is made once, for its owner alone, and read from then on")
  func madeOnce() throws {
    #expect(try file.read() == nil)
    let identity = try file.readOrCreate()
    #expect(identity.bytes?.count == 32)
    #expect(try file.readOrCreate() == identity)
    #expect(try file.read() == identity)
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "nodeId: \(identity)\n")
    #expect(try mode(file.path) == 0o600)
    #expect(try mode(state) == 0o700)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state) == ["node-identity.yaml"])
  }

  @Test("all that make it at once end up with the same identity")
  func race() async throws {
    let file = file
    let identities = try await withThrowingTaskGroup(of: NodeIdentity.self) { group in
      for _ in 0..<50 { group.addTask { try file.readOrCreate() } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(identities.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state) == ["node-identity.yaml"])
  }

  @Test(
    "a file as others write it is read",
    arguments: ["nodeId: \"abc\"\n", "---\n# kept\nnodeId: abc", "nodeId:   'abc'\r\n"])
  func forms(text: String) throws {
    try folder.write(text, to: "a/state/node-identity.yaml")
    #expect(try file.read()?.text == "abc")
  }

  @Test(
    "a file that isn't right is told with its place and left as it is",
    arguments: [
      ("", "there is no 'nodeId: <identity>' in it; restore the file, or remove it for a new identity", 0),
      ("nodeId:\n", "a node identity can't be empty", 1),
      ("# x\nnodeId: a/b\n", "node identity 'a/b' may only have printable ASCII without spaces and '/'", 2),
      ("nodeId: a\nnodeId: b\n", "a second nodeId", 2),
      ("nodeid: a\n", "only 'nodeId: <identity>' may stand here", 1),
    ])
  func wrong(text: String, message: String, line: Int) throws {
    try folder.write(text, to: "a/state/node-identity.yaml")
    let error = #expect(throws: NodeIdentityFileError.self) { try file.readOrCreate() }
    #expect(error?.message == "\(file.path):\(line == 0 ? "" : "\(line):") \(message)")
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == text)
  }

  @Test("a folder that can't be made is told with its path")
  func noFolder() throws {
    try folder.write("", to: "file")
    let error = #expect(throws: NodeIdentityFileError.self) {
      try NodeIdentityFile(folder: folder.path("file/state")).readOrCreate()
    }
    #expect(error?.message.hasPrefix(folder.path("file/state")) == true)
    #expect(error?.message.hasSuffix("Not a directory") == true)
  }
}

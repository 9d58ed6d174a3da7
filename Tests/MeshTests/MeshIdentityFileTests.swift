import Foundation
import KubeSpan
import Mesh
import Platform
import TestSupport
import Testing

@Suite("The file of a node's WireGuard keys")
struct MeshIdentityFileTests {
  private static let privateKey = "sF45u5ePau58WeeCUY3T8D9foEKaQ8Opx4cGC8g4XE4="
  private static let publicKey = "Oak2fBEWngBhwslBxDVgnRNHXs88OAp4kjroSX0uqUE="

  private let folder: TemporaryFolder
  private let state: String
  private let file: MeshIdentityFile

  init() throws {
    folder = try TemporaryFolder()
    state = folder.path("a/state")
    file = MeshIdentityFile(folder: state)
  }

  private func mode(_ path: String) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
  }

  private func write(_ text: String) throws {
    try folder.write(text, to: "a/state/kubespan-identity.yaml")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
  }

  @Test("it is made once, for its owner alone, and read from then on")
  func madeOnce() throws {
    #expect(try file.read() == nil)
    let keys = try file.readOrCreate()
    #expect(try file.readOrCreate() == keys)
    #expect(try file.read() == keys)
    let bytes = keys.privateKey.bytes
    #expect(bytes[0] & 7 == 0 && bytes[31] & 0xC0 == 0x40)
    #expect(
      try String(contentsOfFile: file.path, encoding: .utf8) == """
        address: ""
        subnet: ""
        privateKey: \(Base64.encode(bytes))
        publicKey: \(keys.publicKey)

        """)
    #expect(keys.warning == nil)
    #expect(try mode(file.path) == 0o600)
    #expect(try mode(state) == 0o700)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state) == ["kubespan-identity.yaml"])
    #expect(try MeshIdentityFile(folder: folder.path("b")).readOrCreate().publicKey != keys.publicKey)
  }

  @Test("all that make it at once end up with the same keys")
  func race() async throws {
    let file = file
    let keys = try await withThrowingTaskGroup(of: MeshIdentityFile.Keys.self) { group in
      for _ in 0..<50 { group.addTask { try file.readOrCreate() } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(keys.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state) == ["kubespan-identity.yaml"])
  }

  @Test(
    "a file as the existing system or a person writes it is read",
    arguments: [
      "address: \"\"\nsubnet: \"\"\nprivateKey: \(privateKey)\npublicKey: \(publicKey)\n",
      "address: fd83::1/128\nsubnet: fd83::/64\nprivateKey: \(privateKey)\npublicKey: \(publicKey)\nx: 1",
      "privateKey: \(privateKey)\n", "publicKey: \"\"\r\nprivateKey: '\(privateKey)'\r\n",
      "{\"privateKey\": \"\(privateKey)\", \"publicKey\": null}",
      // The same key before its bits were set: what a device makes of it.
      "privateKey: sV45u5ePau58WeeCUY3T8D9foEKaQ8Opx4cGC8g4XM4=\npublicKey: \(publicKey)\n",
    ])
  func forms(text: String) throws {
    try write(text)
    let keys = try #require(try file.read())
    #expect(keys.publicKey == Self.publicKey)
    #expect(Base64.encode(keys.privateKey.bytes) == Self.privateKey)
    #expect(keys.warning == nil && !"\(keys)".contains(Self.privateKey))
  }

  @Test(
    "a file that isn't right is told with its place and without its keys, and left as it is",
    arguments: [
      ("", "", "there is no privateKey in it; restore the file, or remove it"),
      (
        "address: \"\"\nsubnet: \"\"\nprivateKey: \"\"\npublicKey: \"\"\n", "", "there is no privateKey in it"
      ),
      ("publicKey: \(publicKey)\n", "", "there is no privateKey in it"),
      ("privateKey: sF45\n", "1:13:", "privateKey: it must be the base64 text of 32 bytes, not of 3"),
      ("a: 1\nprivateKey: s!45\n", "2:13:", "privateKey: it isn't base64"),
      ("privateKey: 12\n", "1:13:", "privateKey must be text"),
      ("privateKey: [\(privateKey)]\n", "1:13:", "privateKey must be text"),
      (
        "privateKey: \(privateKey)\npublicKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "2:12:",
        "publicKey isn't that of privateKey, which would be \(publicKey)"
      ),
      ("privateKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "1:13:", "privateKey is all zero"),
      ("privateKey: \(privateKey)\nprivateKey: \(privateKey)\n", "2:1:", "a key stands there twice"),
      ("privateKey: \(privateKey)\n---\nprivateKey: \(privateKey)\n", "3:1:", "a second document begins"),
      ("privateKey:\(privateKey)\n", "1:1:", "the file must be a mapping, not text"),
      ("privateKey: \"\(privateKey)\n", "", "it is no YAML"),
    ])
  func wrong(text: String, place: String, message: String) throws {
    try write(text)
    let error = try #require(throws: MeshIdentityFileError.self) { try file.readOrCreate() }
    #expect(error.message.hasPrefix("\(file.path):\(place)"), "\(error)")
    #expect(error.message.contains(message) && !error.message.contains("sF45"), "\(error)")
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == text)
  }

  @Test("that others may read it is told, and it is used")
  func exposed() throws {
    try write("privateKey: \(Self.privateKey)\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
    let keys = try #require(try file.read())
    #expect(keys.publicKey == Self.publicKey)
    #expect(keys.warning?.contains("others may read '\(file.path)' (mode 640)") == true)
  }

  @Test("what can't be a file is refused at once, and stays")
  func noFile() throws {
    try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: true)
    let error = try #require(throws: MeshIdentityFileError.self) { try file.readOrCreate() }
    #expect(error.message == "\(file.path): it can't be read: it is a folder, not a file")
    try folder.write("", to: "plain")
    let beneath = MeshIdentityFile(path: folder.path("plain/kubespan-identity.yaml"))
    let other = try #require(throws: MeshIdentityFileError.self) { try beneath.readOrCreate() }
    #expect(other.message.hasPrefix(folder.path("plain")))
  }
}

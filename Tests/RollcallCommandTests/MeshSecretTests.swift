import ClusterResources
import Foundation
import Glibc
import Mesh
import Platform
import TestSupport
import Testing

@testable import RollcallCommand

@Suite("The private key of the mesh")
struct MeshSecretTests {
  private let folder: TemporaryFolder
  private let path: String
  private let keys: MeshIdentityFile.Keys

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("kubespan-identity.yaml")
    keys = try MeshIdentityFile(path: path).readOrCreate()
  }

  private func document(_ publicKey: String) -> ResourceValue {
    [
      "metadata": ["id": "local"],
      "spec": .kubeSpanIdentity(address: nil, subnet: nil, publicKey: publicKey),
    ]
  }

  private func error(_ publicKey: String? = nil, user: UInt32 = geteuid()) -> String? {
    do {
      _ = try MeshSecret.revealed(document(publicKey ?? keys.publicKey), path, user: user)
      return nil
    } catch { return "\(error)" }
  }

  @Test("it is shown to who owns its file, in place of what stood for it")
  func shown() throws {
    let revealed = try MeshSecret.revealed(document(keys.publicKey), path)
    #expect(revealed.at("spec", "privateKey")?.text == Base64.encode(keys.privateKey.bytes))
    #expect(revealed.at("metadata", "id")?.text == "local")
    #expect(revealed.at("spec", "publicKey")?.text == keys.publicKey)
  }

  @Test("it isn't shown to others, of a file that others may use, of another node, or without a file")
  func hidden() throws {
    #expect(error(user: geteuid() &+ 1) == "'\(path)' belongs to another user")
    #expect(error("other")?.hasPrefix("'\(path)' has the key of another node") == true)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    #expect(error() == "others may use '\(path)'; set its mode to 600")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    #expect(error() == nil)
    try FileManager.default.removeItem(atPath: path)
    #expect(error()?.contains("there is no such file") == true)
  }
}

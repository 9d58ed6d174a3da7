import ClusterModel
import Documents
public import KubeSpan
import Platform
import Sealing

/// The file in which a node keeps its WireGuard keys: `kubespan-identity.yaml`, with `privateKey` and `publicKey` in it,
/// and `address` and `subnet`, which are empty and not looked at: what they would say is computed at each start.
///
/// Form, name and mode are the existing system's (siderolabs/talos, `KubeSpanIdentitySpec`), so that its own file is
/// read. It is made once and never overwritten: a node with another key is another peer. Several programs that make it
/// at once end up with the same one.
public struct MeshIdentityFile: Sendable {
  /// A node's keys.
  public struct Keys: Hashable, Sendable {
    /// Clamped, as a device keeps it.
    public let privateKey: DeviceKey
    /// What others know the node by: base64 of 32 bytes.
    public let publicKey: String
    /// What a person should know of the file although it is used, such as that others may read it: one line.
    public let warning: String?

    package init(privateKey: DeviceKey, publicKey: String, warning: String?) {
      self.privateKey = privateKey
      self.publicKey = publicKey
      self.warning = warning
    }
  }

  /// The file's name in the node's state folder, where nothing else is configured.
  public static let name = "kubespan-identity.yaml"

  /// The file's path.
  public let path: String

  /// The file at `path`.
  public init(path: String) { self.path = path }

  /// The file in `folder`, the node's state folder.
  public init(folder: String) { self.init(path: FilePaths.resolve(Self.name, base: folder)) }

  /// The keys in the file; nil where there is no file.
  ///
  /// - Throws: ``MeshIdentityFileError`` where there is one that can't be read or doesn't hold a pair of keys.
  public func read() throws(MeshIdentityFileError) -> Keys? {
    let file: BoundedFile
    do throws(FileError) {
      file = try BoundedFile.read(path, limit: 65_536)
    } catch {
      if error.isMissing { return nil }
      throw MeshIdentityFileError(error)
    }
    var warning: String?
    do throws(FileError) { try file.checkOwnerOnly() } catch { warning = error.description }
    return try keys(in: file.bytes, warning: warning)
  }

  /// The keys in the file, which is made with new ones where there is none yet: mode 0600, in a folder that is made
  /// with mode 0700 where it doesn't exist. Both are on the disk when this returns.
  ///
  /// - Throws: ``MeshIdentityFileError``; a file that is there is never touched.
  public func readOrCreate() throws(MeshIdentityFileError) -> Keys {
    if let keys = try read() { return keys }
    guard let privateKey = Curve25519.randomPrivateKey(),
      let publicKey = Curve25519.publicKey(of: privateKey)
    else { throw MeshIdentityFileError("\(path): no key can be made for it: the system has no random bytes") }
    let text = """
      address: ""
      subnet: ""
      privateKey: \(Base64.encode(privateKey))
      publicKey: \(Base64.encode(publicKey))

      """
    do throws(FileError) {
      try FilePaths.makeFolder(FilePaths.folder(of: path))
      // Another program may be first: what is in the file counts.
      _ = try AtomicFile.create(path, with: text.utf8)
    } catch {
      throw MeshIdentityFileError(error)
    }
    guard let keys = try read() else {
      throw MeshIdentityFileError("\(path): it was removed while it was being made")
    }
    return keys
  }

  // MARK: Steps

  private func keys(in text: [UInt8], warning: String?) throws(MeshIdentityFileError) -> Keys {
    let stream: YAMLStream
    do throws(YAMLError) {
      stream = try YAML.parse(text, file: path)
    } catch {
      throw failure(at: error.mark, "it is no YAML: \(error.message)")
    }
    // Their text may be a key's, so it isn't shown.
    if let repeated = stream.duplicateKeys.first {
      throw failure(at: repeated.mark, "a key stands there twice")
    }
    if stream.documents.count > 1 { throw failure(at: stream.documents[1].mark, "a second document begins") }
    let diagnostics = Diagnostics(file: path)
    // Keys that a later version may add are its own affair.
    let fields = FieldReader(stream.documents.first, "the file", keys: nil, diagnostics: diagnostics)
    let privateKey = key("privateKey", fields)
    let publicKey = key("publicKey", fields)
    if let problem = diagnostics.errors.kept.first { throw failure(at: problem.mark, problem.message) }
    guard var privateKey else {
      throw MeshIdentityFileError(
        "\(path): there is no privateKey in it; restore the file, or remove it for a new key, with which the node is a new peer"
      )
    }
    guard privateKey.contains(where: { $0 != 0 }) else {
      throw failure(at: fields.mark(of: "privateKey"), "privateKey is all zero, which is no key")
    }
    privateKey = Curve25519.clamped(privateKey)
    guard let key = DeviceKey(bytes: privateKey), let computed = Curve25519.publicKey(of: privateKey) else {
      throw MeshIdentityFileError("\(path): the public key can't be computed")
    }
    guard publicKey == nil || publicKey == computed else {
      throw failure(
        at: fields.mark(of: "publicKey"),
        "publicKey isn't that of privateKey, which would be \(Base64.encode(computed)); restore the file, or leave publicKey empty"
      )
    }
    return Keys(privateKey: key, publicKey: Base64.encode(computed), warning: warning)
  }

  /// 32 bytes; nil where there is nothing, or something else, which has been reported without its text.
  private func key(_ name: String, _ fields: FieldReader) -> [UInt8]? {
    guard let value = fields.value(name), !value.isNull, value.scalar?.text.isEmpty != true,
      let bytes = fields.base64(name)
    else { return nil }
    guard bytes.count == Curve25519.byteCount else {
      fields.error(name, "it must be the base64 text of \(Curve25519.byteCount) bytes, not of \(bytes.count)")
      return nil
    }
    return bytes
  }

  private func failure(at mark: YAMLMark, _ message: String) -> MeshIdentityFileError {
    MeshIdentityFileError("\(path):\(mark.line):\(mark.column): \(message)")
  }
}

/// Why a node's WireGuard keys can't be had: one line that names the file, and no key but a public one.
public struct MeshIdentityFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line that names the file and what would be right.
  public let message: String

  init(_ message: String) { self.message = message }

  init(_ error: FileError) { self.init("\(error.path): it can't be \(error.action): \(error.explanation)") }

  public var description: String { message }
}

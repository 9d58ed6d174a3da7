public import ClusterModel
import Platform

/// The file in which a node keeps its identity: `node-identity.yaml`, with `nodeId: <text>` in it.
///
/// It is made once and never overwritten: a node with another identity is another node. Several programs
/// that make it at once end up with the same one.
public struct NodeIdentityFile: Sendable {
  /// The file's name in its folder.
  public static let name = "node-identity.yaml"

  /// The file's path.
  public let path: String
  private let folder: String

  /// The file in `folder`, the node's state folder.
  public init(folder: String) {
    self.folder = folder
    path = FilePaths.resolve(Self.name, base: folder)
  }

  /// The identity in the file; nil where there is no file.
  ///
  /// - Throws: ``NodeIdentityFileError`` where there is one that can't be read or doesn't hold an identity.
  public func read() throws(NodeIdentityFileError) -> NodeIdentity? {
    let text: String
    do throws(FileError) {
      text = try BoundedFile.text(path, limit: 65_536)
    } catch {
      if error.isMissing { return nil }
      throw NodeIdentityFileError(error)
    }
    return try identity(text)
  }

  /// The identity in the file, which is made with a new one where there is none yet: mode 0600, in a folder
  /// that is made with mode 0700 where it doesn't exist.
  ///
  /// - Parameter make: makes a new identity.
  /// - Throws: ``NodeIdentityFileError``; a file that is there is never touched.
  public func readOrCreate(
    _ make: () -> NodeIdentity = { .random() }
  ) throws(NodeIdentityFileError) -> NodeIdentity {
    if let identity = try read() { return identity }
    do throws(FileError) {
      try FilePaths.makeFolder(folder)
      // Another program may be first: what is in the file counts.
      _ = try AtomicFile.create(path, with: "nodeId: \(make())\n".utf8)
    } catch {
      throw NodeIdentityFileError(error)
    }
    guard let identity = try read() else {
      throw NodeIdentityFileError("\(path): it was removed while it was being made")
    }
    return identity
  }

  private func identity(_ text: String) throws(NodeIdentityFileError) -> NodeIdentity {
    var identity: NodeIdentity?
    for (number, line) in text.lines.enumerated() {
      let place = "\(path):\(number + 1)"
      let content = line.trimmed
      if content.isEmpty || content.hasPrefix("#") || content == "---" { continue }
      let parts = content.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "nodeId" else {
        throw NodeIdentityFileError("\(place): only 'nodeId: <identity>' may stand here")
      }
      guard identity == nil else { throw NodeIdentityFileError("\(place): a second nodeId") }
      do throws(ModelError) {
        identity = try NodeIdentity(Self.unquoted(parts[1].trimmed))
      } catch {
        throw NodeIdentityFileError("\(place): \(error.message)")
      }
    }
    guard let identity else {
      throw NodeIdentityFileError(
        "\(path): there is no 'nodeId: <identity>' in it; restore the file, or remove it for a new identity")
    }
    return identity
  }

  private static func unquoted(_ text: Substring) -> Substring {
    for quote in ["\"", "'"] where text.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote) {
      return text.dropFirst().dropLast()
    }
    return text
  }
}

/// Why a node's identity can't be had: one line that names the file.
public struct NodeIdentityFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line that names the file and what would be right.
  public let message: String

  init(_ message: String) { self.message = message }

  init(_ error: FileError) { self.init("\(error.path): it can't be \(error.action): \(error.explanation)") }

  public var description: String { message }
}

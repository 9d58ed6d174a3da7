public import ClusterModel
import Glibc

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
    path = folder.hasSuffix("/") ? folder + Self.name : "\(folder)/\(Self.name)"
  }

  /// The identity in the file; nil where there is no file.
  ///
  /// - Throws: ``NodeIdentityFileError`` where there is one that can't be read or doesn't hold an identity.
  public func read() throws(NodeIdentityFileError) -> NodeIdentity? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("can't be opened")
    }
    defer { close(file) }
    guard let bytes = SmallFile.readAll(file) else { throw failure("can't be read") }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw NodeIdentityFileError("\(path): it isn't UTF-8")
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
    try makeFolder(folder)
    try create(make())
    // Another program may have been first: what is in the file counts.
    guard let identity = try read() else {
      throw NodeIdentityFileError("\(path): it was removed while it was being made")
    }
    return identity
  }

  // MARK: Reading

  private func identity(_ text: String) throws(NodeIdentityFileError) -> NodeIdentity {
    var identity: NodeIdentity?
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let place = "\(path):\(number + 1)"
      let content = Self.trimmed(line)
      if content.isEmpty || content.hasPrefix("#") || content == "---" { continue }
      let parts = content.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "nodeId" else {
        throw NodeIdentityFileError("\(place): only 'nodeId: <identity>' may stand here")
      }
      guard identity == nil else { throw NodeIdentityFileError("\(place): a second nodeId") }
      do throws(ModelError) {
        identity = try NodeIdentity(Self.unquoted(Self.trimmed(parts[1])))
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

  private static func trimmed(_ text: Substring) -> Substring {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  private static func unquoted(_ text: Substring) -> Substring {
    for quote in ["\"", "'"] where text.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote) {
      return text.dropFirst().dropLast()
    }
    return text
  }

  // MARK: Making

  /// Writes a complete file under another name and gives it its own in one step, unless it is taken.
  private func create(_ identity: NodeIdentity) throws(NodeIdentityFileError) {
    var draft = Array("\(path).XXXXXX".utf8CString)
    let file = mkstemp(&draft)
    guard file >= 0 else { throw failure("can't be made") }
    defer {
      close(file)
      unlink(draft)
    }
    // mkstemp makes files with mode 0600.
    guard SmallFile.writeAll(file, Array("nodeId: \(identity)\n".utf8)), fsync(file) == 0 else {
      throw failure("can't be written")
    }
    guard link(draft, path) == 0 || errno == EEXIST else { throw failure("can't be made") }
    syncFolder()
  }

  /// Makes the name last over a loss of power, where the file system can.
  private func syncFolder() {
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }

  private func makeFolder(_ folder: String) throws(NodeIdentityFileError) {
    guard !folder.isEmpty, mkdir(folder, 0o700) != 0, errno != EEXIST else { return }
    if errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
      try makeFolder(String(folder[..<slash]))
      guard mkdir(folder, 0o700) != 0, errno != EEXIST else { return }
    }
    let code = errno
    throw NodeIdentityFileError("\(folder): the folder can't be made: \(String(cString: strerror(code)))")
  }

  private func failure(_ what: String) -> NodeIdentityFileError {
    let code = errno
    return NodeIdentityFileError("\(path): it \(what): \(String(cString: strerror(code)))")
  }
}

/// Why a node's identity can't be had: one line that names the file.
public struct NodeIdentityFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let message: String

  init(_ message: String) { self.message = message }

  public var description: String { message }
}

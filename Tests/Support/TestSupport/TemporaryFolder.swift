public import Foundation

/// A folder of a test's own, removed with everything in it when it is no longer used.
public final class TemporaryFolder: Sendable {
  public let url: URL

  /// The folder's path, without symbolic links in it.
  public var path: String { url.path }

  public init() throws {
    let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
    url = base.appendingPathComponent("rollcall-\(UUID().uuidString.prefix(13))", isDirectory: true)
    try FileManager.default.createDirectory(
      at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of `name` in the folder.
  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Writes `text` to the file `name`, in place, and returns its path. Folders on the way are made.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    return file.path
  }

  /// The names of what is in the folder, in their order.
  public var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  /// Puts a copy of the file at the path `other` in place of `name` in one step.
  public func replace(_ name: String, withFile other: String) throws {
    try Data(contentsOf: URL(fileURLWithPath: other)).write(
      to: url.appendingPathComponent(name), options: .atomic)
  }

  /// Replaces the file `name` in one step, as careful programs do: a new file, renamed over the old one.
  public func replace(_ name: String, with text: String) throws {
    try Data(text.utf8).write(to: url.appendingPathComponent(name), options: .atomic)
  }
}

import Foundation
import TestSupport
import Testing

@testable import PluginHost

@Suite("Who may write to a plugin", .timeLimit(.minutes(2)))
struct PermissionTests {
  /// A copy of a good plugin in a folder of its own.
  private func copy(fileMode: Int, folderMode: Int) async throws -> (folder: TemporaryFolder, file: String) {
    let folder = try TemporaryFolder()
    let file = folder.path("plugins/librollcall-plain.so")
    try FileManager.default.createDirectory(atPath: folder.path("plugins"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: try await Plugins.build("plain"), toPath: file)
    try FileManager.default.setAttributes([.posixPermissions: fileMode], ofItemAtPath: file)
    try FileManager.default.setAttributes(
      [.posixPermissions: folderMode], ofItemAtPath: folder.path("plugins"))
    return (folder, file)
  }

  @Test("a file that its group may write to is refused", arguments: [0o775, 0o664, 0o757])
  func file(mode: Int) async throws {
    let (folder, file) = try await copy(fileMode: mode, folderMode: 0o755)
    await #expect(
      throws: PluginError(
        .unsafePermissions, file: file,
        "others may write to the file (mode \(String(mode, radix: 8))); take that away with chmod go-w, "
          + "or set plugins.allowUnsafePermissions: true")
    ) { try await Plugins.load(file) }
    _ = folder
  }

  @Test(
    "a folder that others may write to is refused, a shared one like /tmp too",
    arguments: [0o777, 0o1777, 0o775])
  func folder(mode: Int) async throws {
    let (folder, file) = try await copy(fileMode: 0o644, folderMode: mode)
    await #expect(
      throws: PluginError(
        .unsafePermissions, file: file,
        "others may write to the folder \(folder.path("plugins")) (mode \(String(mode, radix: 8))); take that "
          + "away with chmod go-w, or set plugins.allowUnsafePermissions: true")
    ) { try await Plugins.load(file) }
  }

  @Test("a link in an unsafe folder to a safe file is refused")
  func link() async throws {
    let (safe, file) = try await copy(fileMode: 0o644, folderMode: 0o755)
    let (unsafe, _) = try await copy(fileMode: 0o644, folderMode: 0o777)
    let link = unsafe.path("plugins/librollcall-link.so")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    let error = await #expect(throws: PluginError.self) { try await Plugins.load(link) }
    #expect(error?.code == .unsafePermissions)
    _ = safe
  }

  @Test("they are loaded where the configuration allows it")
  func allowed() async throws {
    let (folder, file) = try await copy(fileMode: 0o666, folderMode: 0o777)
    let catalog = PluginCatalog(
      directories: PluginDirectories(folders: []), allowUnsafePermissions: true, logger: Plugins.silent)
    #expect(try await catalog.plugin(at: file).descriptor.name == "plain")
    _ = folder
  }

  @Test("a file of another user is refused", .enabled(if: geteuid() == 0, "only root can give a file away"))
  func owner() async throws {
    let (folder, file) = try await copy(fileMode: 0o644, folderMode: 0o755)
    try #require(chown(file, 12345, 12345) == 0)
    await #expect(
      throws: PluginError(
        .unsafePermissions, file: file,
        "the file belongs to user 12345; it should belong to root or to user 0, "
          + "or set plugins.allowUnsafePermissions: true")
    ) { try await Plugins.load(file) }
    _ = folder
  }
}

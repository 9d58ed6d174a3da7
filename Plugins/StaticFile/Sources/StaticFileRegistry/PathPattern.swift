import ClusterModel
import Glibc
import RegistryKit

/// A path as a person wrote it, whose components may be patterns: `nodes/*.yaml`.
struct PathPattern: Hashable, Sendable {
  /// One name on the way.
  struct Component: Hashable, Sendable {
    let text: String
    /// Whether the text is matched against names (`*`, `?`, `[…]`) and isn't a name itself.
    let isPattern: Bool

    /// Whether `name` is meant. As in a shell, a leading dot has to be written.
    func matches(_ name: String) -> Bool {
      isPattern ? fnmatch(text, name, FNM_PERIOD) == 0 : text == name
    }
  }

  let text: String
  let isAbsolute: Bool
  let components: [Component]

  /// Whether this may find any number of files, none included.
  var isPattern: Bool { components.contains(where: \.isPattern) }

  init(_ text: String) throws(RegistryError) {
    self.text = text
    isAbsolute = text.hasPrefix("/")
    guard !text.isEmpty, !text.utf8.contains(0) else {
      throw RegistryError(.invalidArgument, "\(quoted(text)) isn't a path")
    }
    guard !text.hasSuffix("/") else {
      throw RegistryError(
        .invalidArgument, "\(quoted(text)) is a folder; write \(quoted(text + "*.yaml")) for the files in it")
    }
    components = text.split(separator: "/").filter { $0 != "." }.map { name in
      Component(text: String(name), isPattern: name.utf8.contains { "*?[".utf8.contains($0) })
    }
    guard !components.isEmpty else {
      throw RegistryError(.invalidArgument, "\(quoted(text)) is a folder, not a file")
    }
    guard !components.contains(where: { $0.isPattern && $0.text.contains("**") }) else {
      throw RegistryError(
        .invalidArgument, "\(quoted(text)): '**' isn't a pattern here; write one '*' for each folder")
    }
  }

  /// The path as it is shown: as it was written, without what means nothing.
  var shown: String { (isAbsolute ? "/" : "") + components.map(\.text).joined(separator: "/") }

  /// The components of the folder that holds all that the path may find.
  var folder: [String] { components.dropLast().prefix { !$0.isPattern }.map(\.text) }
}

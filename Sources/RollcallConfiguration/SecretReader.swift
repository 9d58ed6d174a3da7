import Documents
import Platform
import RegistryKit

/// Reads the cluster's secret from `cluster.secret` or from the file that `cluster.secretFile` names. The
/// secret never stands in a message.
struct SecretReader {
  let section: Section
  /// The folder that the file's path is relative to.
  let base: String

  private var diagnostics: Diagnostics { section.diagnostics }

  func read() -> (secret: Secret?, file: String?) {
    let written = section.text("secret", isSecret: true)
    let path = section.text("secretFile").map { resolve($0, in: base) }
    if let first = section.pair("secret"), let second = section.pair("secretFile") {
      diagnostics.error(
        max(first.keyMark, second.keyMark),
        "\(section.path) has both secret and secretFile; leave one of them out")
      return (nil, nil)
    }
    if let written {
      return (check(written, name: section.path(to: "secret"), section.node?["secret"]?.mark), nil)
    }
    if let path { return (secret(in: path, section.node?["secretFile"]?.mark), path) }
    return (nil, nil)
  }

  private func secret(in path: String, _ mark: YAMLMark?) -> Secret? {
    let name = section.path(to: "secretFile")
    do {
      let (bytes, mode) = try BoundedFile.read(path, limit: 4096)
      if mode & 0o077 != 0 {
        diagnostics.warning(
          mark,
          "\(name): others may read \(quoted(path)) (mode \(String(mode, radix: 8))); set its mode to 600")
      }
      let text = String(decoding: bytes, as: UTF8.self)
      return check(
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()),
        name: "\(name): what \(quoted(path)) holds", mark)
    } catch {
      diagnostics.error(mark, "\(name): \(quoted(path)) can't be read: \(error.message)")
      return nil
    }
  }

  private func check(_ text: String, name: String, _ mark: YAMLMark?) -> Secret? {
    guard let bytes = Base64.decode(text) else {
      diagnostics.error(mark, "\(name) must be the base64 text of 32 bytes; it isn't base64")
      return nil
    }
    guard bytes.count == 32 else {
      diagnostics.error(mark, "\(name) must be the base64 text of 32 bytes; it is that of \(bytes.count)")
      return nil
    }
    return Secret(text)
  }
}

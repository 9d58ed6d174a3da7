import ClusterModel
import Documents
import Platform
import RegistryKit

/// Reads the cluster's secret from `cluster.secret` or from the file that `cluster.secretFile` names. The
/// secret never stands in a message.
struct SecretReader {
  let section: FieldReader
  /// The folder that the file's path is relative to.
  let base: String

  func read() -> (secret: Secret?, file: String?) {
    let written = section.text("secret", isSecret: true, mayHaveLines: true)
    let path = section.path("secretFile", base: base)
    if let first = section.pair("secret"), let second = section.pair("secretFile") {
      section.error(
        max(first.keyMark, second.keyMark),
        "\(section.path) has both secret and secretFile; leave one of them out")
      return (nil, nil)
    }
    if let written { return (check(written, section.name(of: "secret"), "secret"), nil) }
    if let path { return (secret(in: path), path) }
    return (nil, nil)
  }

  private func secret(in path: String) -> Secret? {
    let key = "secretFile"
    do throws(FileError) {
      let file = try BoundedFile.read(path, limit: 4096)
      do throws(FileError) {
        try file.checkOwnerOnly()
      } catch {
        section.warning(key, "\(error)")
      }
      return check(
        String(try file.text().trimmed), "\(section.name(of: key)): what \(quoted(path)) holds", key)
    } catch {
      section.error(key, "\(error)")
      return nil
    }
  }

  private func check(_ text: String, _ name: String, _ key: String) -> Secret? {
    let bytes = Base64.decodeLines(text)
    if let bytes, bytes.count == 32 { return Secret(Base64.encode(bytes)) }
    let fault = bytes.map { "it is that of \($0.count)" } ?? "it isn't base64"
    section.error(section.mark(of: key), "\(name) must be the base64 text of 32 bytes; \(fault)")
    return nil
  }
}

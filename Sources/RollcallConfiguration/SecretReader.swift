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
    let path = file()
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

  /// Where the file is: a path, or `credential:NAME` for what the service manager hands over (systemd's
  /// `LoadCredential=`), which is in a folder that only this service can read.
  private func file() -> String? {
    let prefix = "credential:"
    guard let text = section.text("secretFile"), text.hasPrefix(prefix) else {
      return section.path("secretFile", base: base)
    }
    let name = String(text.dropFirst(prefix.count))
    guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
      section.error("secretFile", "\(quoted(name)) isn't the name of a credential")
      return nil
    }
    guard let folder = environment("CREDENTIALS_DIRECTORY"), folder.hasPrefix("/") else {
      section.error(
        "secretFile",
        "there is no credential \(quoted(name)): CREDENTIALS_DIRECTORY isn't set, as it is where a unit has LoadCredential=\(name):FILE"
      )
      return nil
    }
    return FilePaths.resolve(name, base: folder)
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

import ClusterResources
import Glibc
import Mesh
import Platform
import RollcallConfiguration

/// This node's private WireGuard key, which no daemon tells: its owner reads the file by itself.
enum MeshSecret {
  /// `documents` with the key in place of what stands for it, where the file is the caller's alone.
  ///
  /// - Parameter options: where the configuration is that says where the file is.
  static func reveal(in documents: [ResourceValue], _ options: ConfigurationOptions) -> [ResourceValue] {
    documents.map { document in
      do {
        let path = try path(options)
        return try revealed(document, path)
      } catch {
        Terminal.note("the private key isn't shown: \(error)")
        return document
      }
    }
  }

  private static func path(_ options: ConfigurationOptions) throws -> String {
    let configuration = try ConfigurationLookup.read(ConfigurationLookup.file(option: options.config))
    if let path = configuration.kubeSpan?.identityFile { return path }
    let folder = try StateFolder.path(option: options.state, configured: configuration.stateDirectory)
    return MeshIdentityFile(folder: folder).path
  }

  static func revealed(
    _ document: ResourceValue, _ path: String, user: UInt32 = geteuid()
  ) throws(CommandError) -> ResourceValue {
    let keys: MeshIdentityFile.Keys?
    do {
      let access = try AtomicFile.access(of: path)
      guard access.user == user else { throw CommandError("'\(path)' belongs to another user") }
      guard access.mode.rawValue & 0o077 == 0 else {
        throw CommandError("others may use '\(path)'; set its mode to 600")
      }
      keys = try MeshIdentityFile(path: path).read()
    } catch let error as CommandError {
      throw error
    } catch {
      throw CommandError("\(error)")
    }
    guard let keys, case .fields(let fields) = document, let spec = document["spec"],
      case .fields(let parts) = spec
    else { throw CommandError("there is no file '\(path)'") }
    guard spec["publicKey"]?.text == keys.publicKey else {
      throw CommandError(
        "'\(path)' has the key of another node: name the daemon's configuration by --config or its folder by --state"
      )
    }
    let shown = ResourceValue.fields(
      parts.map { part in
        part.name == "privateKey" ? .init(part.name, .text(Base64.encode(keys.privateKey.bytes))) : part
      })
    return .fields(fields.map { $0.name == "spec" ? .init("spec", shown) : $0 })
  }
}

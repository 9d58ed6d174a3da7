import Logging
import Rollcall
import RollcallConfiguration

/// What this machine tells of itself.
enum LocalMachine {
  /// This node; nil where it has no identity, or where it is a mere observer.
  ///
  /// - Parameters:
  ///   - makesIdentity: whether it is given an identity where it has none yet.
  ///   - amendment: adds to what it tells of itself.
  static func node(
    of configuration: Configuration, makesIdentity: Bool, amendment: LocalAmendment? = nil, logger: Logger
  ) throws -> LocalNodeProvider? {
    guard configuration.node.publish, let folder = configuration.stateDirectory else { return nil }
    let file = NodeIdentityFile(folder: folder)
    do throws(NodeIdentityFileError) {
      let identity = makesIdentity ? try file.readOrCreate() : try file.read()
      return identity.map { LocalNodeProvider(nodeID: $0, amendment: amendment, logger: logger) }
    } catch {
      throw CommandError(error.message)
    }
  }

  /// What the NODE column says: the node's first address, else its hostname.
  static func label(_ node: LocalNodeProvider?, _ settings: NodeSettings) -> String {
    let local = node?.applying(settings).current().affiliate
    let names = [
      local?.addresses.first?.description, local?.hostname, settings.addresses?.first?.description,
      settings.hostname,
    ]
    return names.lazy.compactMap { $0 }.first { !$0.isEmpty } ?? systemHostname()
  }
}

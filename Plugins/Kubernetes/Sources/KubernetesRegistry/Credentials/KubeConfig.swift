import Documents
import RegistryKit

/// One or several kubeconfig files, merged as kubectl does: of entries with one name, and of current
/// contexts, the first one counts.
///
/// Only what the chosen context needs is looked at in detail, so that a broken entry of another cluster
/// doesn't matter.
struct KubeConfig {
  /// A named part of a file.
  struct Entry {
    let name: String
    let file: String
    /// The mapping under `cluster`, `user` or `context`.
    let node: YAMLNode
  }

  private(set) var clusters: [String: Entry] = [:]
  private(set) var users: [String: Entry] = [:]
  private(set) var contexts: [String: Entry] = [:]
  private(set) var currentContext: String?
  private var files: [String] = []

  /// Takes in the file at `path`, whose content is `bytes`.
  mutating func merge(_ bytes: [UInt8], from path: String) throws(RegistryError) {
    files.append(path)
    let stream: YAMLStream
    do throws(YAMLError) {
      stream = try YAML.parse(bytes, file: path)
    } catch {
      throw RegistryError(.invalidArgument, error.description)
    }
    guard let document = stream.documents.first, !document.isNull else { return }
    guard document.pairs != nil else {
      throw Self.error(path, document, "a kubeconfig is a mapping, not \(document.kindName)")
    }
    if let current = document["current-context"]?.scalar?.text, !current.isEmpty, currentContext == nil {
      currentContext = current
    }
    try Self.add(document["clusters"], "clusters", "cluster", path, to: &clusters)
    try Self.add(document["users"], "users", "user", path, to: &users)
    try Self.add(document["contexts"], "contexts", "context", path, to: &contexts)
  }

  /// The context that is called `name`, or the current one, with its cluster and user.
  func select(_ name: String?) throws(RegistryError) -> (context: Entry, cluster: Entry, user: Entry?) {
    let place = files.joined(separator: ":")
    guard let name = name ?? currentContext else {
      throw RegistryError(
        .invalidArgument,
        "\(place): there is no current-context; set the option 'context' to one of: \(Self.names(contexts))")
    }
    guard let context = contexts[name] else {
      throw RegistryError(
        .invalidArgument, "\(place): there is no context '\(name)'; there are: \(Self.names(contexts))")
    }
    guard let clusterName = context.node["cluster"]?.scalar?.text, !clusterName.isEmpty else {
      throw Self.error(context.file, context.node, "context '\(name)' names no cluster")
    }
    guard let cluster = clusters[clusterName] else {
      throw Self.error(
        context.file, context.node,
        "context '\(name)' names cluster '\(clusterName)', which isn't there; there are: \(Self.names(clusters))"
      )
    }
    guard let userName = context.node["user"]?.scalar?.text, !userName.isEmpty else {
      return (context, cluster, nil)
    }
    guard let user = users[userName] else {
      throw Self.error(
        context.file, context.node,
        "context '\(name)' names user '\(userName)', which isn't there; there are: \(Self.names(users))")
    }
    return (context, cluster, user)
  }

  private static func add(
    _ list: YAMLNode?, _ listName: String, _ key: String, _ file: String, to entries: inout [String: Entry]
  ) throws(RegistryError) {
    guard let list, !list.isNull else { return }
    guard let items = list.items else {
      throw error(file, list, "\(listName) is a list, not \(list.kindName)")
    }
    for item in items {
      guard let name = item["name"]?.scalar?.text, !name.isEmpty else {
        throw error(file, item, "an item of \(listName) has a name and a \(key)")
      }
      guard entries[name] == nil else { continue }
      entries[name] = Entry(
        name: name, file: file, node: item[key] ?? YAMLNode(.mapping([]), mark: item.mark))
    }
  }

  private static func names(_ entries: [String: Entry]) -> String {
    guard !entries.isEmpty else { return "none" }
    let shown = entries.keys.sorted().prefix(10).map { "'\($0)'" }.joined(separator: ", ")
    return entries.count > 10 ? "\(shown) and \(entries.count - 10) more" : shown
  }

  /// An error at the place of `node` in `file`.
  static func error(_ file: String, _ node: YAMLNode, _ message: String) -> RegistryError {
    RegistryError(.invalidArgument, "\(file):\(node.mark.line):\(node.mark.column): \(message)")
  }
}

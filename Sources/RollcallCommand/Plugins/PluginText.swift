import ClusterResources
import PluginHost
import RegistryKit

/// What a plugin is and takes, for a person.
enum PluginText {
  static func text(of plugin: LoadedPlugin) -> String {
    let descriptor = plugin.descriptor
    var facts = TextTable()
    var text = facts.text(of: [
      ["name", descriptor.name.shown],
      ["version", descriptor.version.shown],
      ["raw ids", descriptor.prefix.shown + "/…"],
      ["file", plugin.file.shown],
      ["ABI", plugin.abiVersion.description],
      ["publishes", descriptor.publishes ? "yes: it tells others of this node" : "no"],
      ["secret", descriptor.wantsClusterSecret ? "yes: it is given the cluster's secret" : "no"],
    ])
    text += "\n\(descriptor.summary.shown)\n"
    let options = plugin.optionsSchema.options
    guard !options.isEmpty else { return text + "\nIt takes no options.\n" }
    var table = TextTable()
    let rows = options.map { option in
      [
        option.name, option.type, option.isRequired ? "required" : option.defaultText ?? "",
        option.summary ?? "",
      ].map(\.shown)
    }
    return text + "\n" + table.text(of: [["OPTION", "TYPE", "DEFAULT", "DESCRIPTION"]] + rows)
  }
}

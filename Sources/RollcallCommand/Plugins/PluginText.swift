import ClusterResources
import PluginHost
import Rollcall
import RollcallConfiguration

/// What a plugin is and takes, for a person.
enum PluginText {
  static func text(of plugin: LoadedPlugin) throws(PluginError) -> String {
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
    let options = try PluginSchemas.schema(of: plugin).options
    guard !options.isEmpty else { return text + "\nIt takes no options.\n" }
    var table = TextTable()
    let rows = options.map { option in
      [
        option.name, type(of: option), option.isRequired ? "required" : option.defaultValue ?? "",
        option.summary ?? "",
      ].map(\.shown)
    }
    return text + "\n" + table.text(of: [["OPTION", "TYPE", "DEFAULT", "DESCRIPTION"]] + rows)
  }

  private static func type(of option: OptionsSchema.Option) -> String {
    var type = option.types.isEmpty ? "any" : option.types.joined(separator: " or ")
    if let choices = option.choices { type = choices.joined(separator: ", ") }
    if let format = option.format { type += " (\(format))" }
    return option.isSecret ? type + ", secret" : type
  }
}

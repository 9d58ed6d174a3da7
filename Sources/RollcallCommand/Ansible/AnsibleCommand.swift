import ArgumentParser
import ClusterResources
import StatusClient

/// `rollcall ansible`
struct AnsibleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ansible",
    abstract: "Be an inventory for Ansible.",
    discussion: """
      Does what Ansible asks of an inventory script. Where the cluster isn't known yet it prints nothing and ends \
      with 1: an empty inventory is success to Ansible.

        printf '#!/bin/sh\\nexec rollcall ansible "$@"\\n' > inventory
        chmod +x inventory
        ansible-inventory -i inventory --graph
      """)

  @Flag(help: "All members: their groups and variables.")
  var list = false

  @Option(help: ArgumentHelp("The variables of this member.", valueName: "name"))
  var host: String?

  @Option(
    help: ArgumentHelp("A label of which each value becomes a group; may be given often.", valueName: "key"))
  var label: [String] = []

  @Option(help: ArgumentHelp("The port of SSH."))
  var port: UInt16?

  @Option(
    name: [.customShort("l", allowingJoined: true), .customLong("selector")],
    help: ArgumentHelp("By labels, as in Kubernetes: rack=r1,env!=dev.", valueName: "labels"))
  var labelSelector: String?

  @Flag(help: "Ask the registries, not the daemon.")
  var direct = false

  @OptionGroup var daemon: SocketOptions
  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    guard list != (host != nil) else {
      throw CommandError.usage("write --list for all members, or --host NAME for one")
    }
    let (host, options) = (host, ExportOptions(port: port, labels: label))
    let query = labelSelector.map { [(name: "labelSelector", value: $0)] } ?? []
    let access = DaemonAccess(daemon: daemon, configuration: configuration, isDirect: direct)
    try await access.run { source in
      try await Self.checkKnown(source)
      let members = try await source.client.list("/v1/members", query).items.map { ExportedMember($0) }
      if let host {
        guard let text = AnsibleExport.host(host, members, options) else {
          throw CommandError("there is no member '\(host)' that can be a host of Ansible's")
        }
        return try Terminal.write(text)
      }
      let export = ExportFormat.ansible.export(members, options)
      for omission in export.omissions { Terminal.note("\(omission)") }
      try Terminal.write(export.text)
    }
  }

  /// Ends the command where a registry was never heard, and nothing is kept of what it knew.
  private static func checkKnown(_ source: DaemonAccess.Source) async throws {
    if let sync = source.direct?.sync {
      guard sync.missing.isEmpty else {
        throw CommandError(
          "the cluster isn't known: nothing was heard of \(sync.missing.map(\.name).joined(separator: ", "))")
      }
      return
    }
    do {
      _ = try await source.client.get("/readyz")
    } catch let error as StatusError where error.status == 503 {
      throw CommandError("the cluster isn't known yet: see 'rollcall get registries'")
    }
  }
}

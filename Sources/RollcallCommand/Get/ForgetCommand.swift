import ArgumentParser
import ClusterResources
import StatusClient

/// `rollcall forget`
struct ForgetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Forget a member that is gone for good.",
    discussion: """
      Ends the time for which the daemon remembers a member that no registry lists any more. Who is still listed \
      can't be forgotten: it would be back in a moment. For root and the daemon's own user.

        rollcall forget w-3
      """)

  @Argument(help: "The member's name, or its identity.", completion: Suggestions.nodes)
  var name: String

  @OptionGroup var daemon: SocketOptions

  func run() async throws {
    let name = ResourceType.member.id(named: name)
    guard !name.isEmpty else { throw CommandError.usage("the member's name is empty") }
    try await daemon.ask { client in
      _ = try await client.delete("/v1/members/\(StatusClient.encoded(name))")
    }
    try Terminal.write("\(name.shown) is forgotten\n")
  }
}

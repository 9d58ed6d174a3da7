import ArgumentParser
import ClusterModel
import Rollcall

/// `rollcall gen identity`
struct GenerateIdentity: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity",
    abstract: "Print a new node identity, or make this node's.",
    discussion: """
      Without --state it prints an identity in the form of node-identity.yaml and keeps nothing. With --state it \
      makes that file in the folder, with mode 0600; one that is there is left as it is.

        rollcall gen identity
        rollcall gen identity --state /var/lib/rollcall
      """)

  @Option(help: ArgumentHelp("The folder in which the node keeps its identity.", valueName: "folder"))
  var state: String?

  func run() throws {
    guard let state else { return try Terminal.write("nodeId: \(NodeIdentity.random())\n") }
    let file = NodeIdentityFile(folder: state)
    do throws(NodeIdentityFileError) {
      let existing = try file.read()
      let identity = try file.readOrCreate()
      if existing != nil { Terminal.note("\(file.path) is there already and is left as it is") }
      try tell(identity)
    } catch {
      throw CommandError(error.message)
    }
  }

  private func tell(_ identity: NodeIdentity) throws(NodeIdentityFileError) {
    // The output is the last thing that can fail, and what it says is in the file.
    try? Terminal.write("nodeId: \(identity)\n")
  }
}

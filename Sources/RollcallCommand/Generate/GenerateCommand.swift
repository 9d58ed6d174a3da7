import ArgumentParser

/// `rollcall gen`
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gen",
    abstract: "Make a starting configuration, a cluster's secrets, a node's identity.",
    subcommands: [GenerateConfig.self, GenerateSecrets.self, GenerateIdentity.self])
}

/// `rollcall gen config`
struct GenerateConfig: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Print a configuration file to start from.",
    discussion: "  rollcall gen config > rollcall.yaml")

  func run() throws { try Terminal.write(StartingConfiguration.text) }
}

/// `rollcall gen secrets`
struct GenerateSecrets: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secrets", abstract: "Print a new cluster id and secret.",
    discussion: "All nodes of a cluster share them. Who has the secret can read what its nodes publish.")

  func run() throws {
    try Terminal.write(
      """
      cluster:
        id: \(Base64.random(byteCount: 32))
        secret: \(Base64.random(byteCount: 32))

      """)
  }
}

import ArgumentParser
import Platform

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
        id: \(Self.random())
        secret: \(Self.random())

      """)
  }

  /// 32 bytes of the system's randomness in base64: a cluster's id, or its secret.
  static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return Base64.encode((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }
}

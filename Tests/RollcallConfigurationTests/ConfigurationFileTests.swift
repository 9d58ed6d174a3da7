import Foundation
import RollcallConfiguration
import Testing

@Suite struct ConfigurationFileTests {
  private static let secret = "hushhushhushhushhushhushhushhushhushhushhu8="

  /// Calls `body` with the path of a folder that is removed afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func write(_ text: String, to path: String, mode: Int = 0o600) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  private func failure(of path: String) -> String {
    do {
      _ = try ConfigurationFile.load(path)
      return "no error"
    } catch { return error.description }
  }

  @Test("a file that can't be read is one error that names it and the reason")
  func unreadable() throws {
    try withFolder { folder in
      let missing = "\(folder)/none.yaml"
      #expect(failure(of: missing) == "\(missing): the configuration can't be read: there is no such file")
      #expect(failure(of: folder) == "\(folder): the configuration can't be read: it is a folder, not a file")
      let large = "\(folder)/large.yaml"
      try write(String(repeating: "#", count: ConfigurationFile.maximumSize + 1), to: large)
      #expect(
        failure(of: large)
          == "\(large): the configuration can't be read: it has 1048577 bytes, more than the 1048576 that are read"
      )
    }
  }

  @Test("relative paths are relative to the file's folder")
  func relativePaths() throws {
    try withFolder { folder in
      let path = "\(folder)/rollcall.yaml"
      try write("plugins: {path: [plugins, /opt/plugins]}\nstateDirectory: state\n", to: path)
      let configuration = try ConfigurationFile.load(path)
      #expect(configuration.plugins.path == ["\(folder)/plugins", "/opt/plugins"])
      #expect(configuration.stateDirectory == "\(folder)/state")
      #expect(configuration.baseDirectory == folder)
    }
    let configuration = try parse("plugins: {path: [plugins]}")
    #expect(configuration.plugins.path == ["plugins"] && configuration.baseDirectory == ".")
  }

  @Test("the secret may be in a file of its own, and others being able to read that is a warning")
  func secretFile() throws {
    try withFolder { folder in
      let path = "\(folder)/rollcall.yaml"
      try write("cluster: {id: c, secretFile: cluster.secret}\n", to: path)
      try write(" \(Self.secret)\r\n\n", to: "\(folder)/cluster.secret")
      let configuration = try ConfigurationFile.load(path)
      #expect(configuration.cluster.secret?.revealed == Self.secret)
      #expect(configuration.cluster.discovery.registries.first?.disabled == nil)
      #expect(configuration.warnings.isEmpty)
      #expect(configuration.redactedText().contains("secretFile: \(folder)/cluster.secret\n"))

      try write(Self.secret, to: "\(folder)/cluster.secret", mode: 0o644)
      #expect(
        try ConfigurationFile.load(path).warnings.map(\.description) == [
          "\(path):1:30: cluster.secretFile: others may read '\(folder)/cluster.secret' (mode 644); set its mode to 600"
        ])

      try write("hush", to: "\(folder)/cluster.secret")
      #expect(
        failure(of: path)
          == "\(path):1:30: cluster.secretFile: what '\(folder)/cluster.secret' holds must be the base64 text of 32 bytes; it is that of 3"
      )
    }
  }

  @Test("a configuration may come through a pipe, as a shell's <(…) makes them; a secret may not")
  func pipes() throws {
    try withFolder { folder in
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data("cluster: {id: c}".utf8))
      try pipe.fileHandleForWriting.close()
      let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
      #expect(try ConfigurationFile.load(path).cluster.id == "c")

      try #require(mkfifo("\(folder)/secret", 0o600) == 0)
      try write("cluster: {id: c, secretFile: secret}\n", to: "\(folder)/rollcall.yaml")
      #expect(
        failure(of: "\(folder)/rollcall.yaml")
          == "\(folder)/rollcall.yaml:1:30: cluster.secretFile: '\(folder)/secret' can't be read: it is a pipe, not a file"
      )
      #expect(
        failure(of: "/dev/null") == "/dev/null: the configuration can't be read: it is a device, not a file")
    }
  }

  @Test("a secret has one form: padded base64 of 32 bytes with nothing left over")
  func base64() {
    let wrong = [
      "hushhushhushhushhushhushhushhushhushhushhu8", "hushhushhushhushhushhushhushhushhushhushhu9=",
      "hushhushhushhushhushhushhushhushhushhushhu8==", "hushhushhushhushhushhushhushhushhushhushhu-8=",
      "hushhushhushhushhushhushhushhushhushhushhus8", "====", "hush hushhushhushhushhushhushhushhushhushhu8=",
    ]
    for text in wrong {
      let errors = errors("cluster: {secret: '\(text)'}")
      #expect(errors.count == 1 && errors[0].contains("must be the base64 text of 32 bytes"), "\(text)")
    }
    #expect(errors("cluster: {secret: '\(Self.secret)'}").isEmpty)
    let (start, end) = (Self.secret.prefix(20), Self.secret.dropFirst(20))
    let inLines = errors("cluster:\n  secret: |\n    \(start)\n    \(end)\n")
    #expect(inLines.isEmpty, "\(inLines)")
  }

  @Test("merge.precedence may name registries that the program adds by itself")
  func inProcess() throws {
    let text = Array("merge: {precedence: [mine, service]}".utf8)
    #expect(throws: ConfigurationErrors.self) { try ConfigurationFile.parse(text, file: "a.yaml") }
    let configuration = try ConfigurationFile.parse(text, file: "a.yaml", inProcess: ["mine"])
    #expect(configuration.merge.precedence == ["mine", "service"])
  }

  @Test("what is read is what was written")
  func values() throws {
    let configuration = try Fixtures.parse("good/everything.yaml")
    #expect(configuration.cluster.id == "talos-default")
    #expect(
      configuration.cluster.discovery.registries.map(\.name) == ["service", "kubernetes", "racks", "spare"])
    #expect(configuration.cluster.discovery.registries[2].retention.staleAfter == .seconds(5_400))
    #expect(configuration.merge.precedence == ["racks", "service", "kubernetes"])
    let node = configuration.node
    #expect(node.machineType == .worker && node.controlPlanePort == 6443 && node.publish)
    #expect(node.addresses?.map(\.description) == ["10.5.0.3", "fd00::3"])
    #expect(node.includeNetworks.map(\.description) == ["10.0.0.0/8", "fd00::/8"])
    #expect(node.excludeNetworks.map(\.description) == ["10.244.0.0/16"])
    #expect(node.additionalAddresses.map(\.description) == ["10.244.3.0/24"])
  }

  @Test("a file cut off or damaged anywhere is read or refused, and never traps")
  func damaged() throws {
    let bytes = Array(try Fixtures.text("good/everything.yaml").utf8)
    for end in stride(from: 0, to: bytes.count, by: 3) {
      _ = try? ConfigurationFile.parse(bytes[..<end], file: "a.yaml") {
        $0.check(plugins: Fixtures.plugins, schemas: Fixtures.schema)
      }
      var damaged = bytes
      damaged[end] = [0x5B, 0x7B, 0x3A, 0x27, 0x0A, 0xFF, 0x00][end % 7]
      _ = try? ConfigurationFile.parse(damaged, file: "a.yaml")
    }
  }
}

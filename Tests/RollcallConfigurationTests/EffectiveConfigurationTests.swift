import Documents
import RegistryKit
import RollcallConfiguration
import Testing

@Suite struct EffectiveConfigurationTests {
  private var schemas: [String: OptionsSchema] {
    get throws {
      var schemas: [String: OptionsSchema] = [:]
      for plugin in Fixtures.plugins { schemas[plugin] = try Fixtures.schema(plugin) }
      return schemas
    }
  }

  @Test("what is shown has every default filled in and no secret")
  func everything() throws {
    let configuration = try Fixtures.parse("good/everything.yaml")
    #expect(try configuration.redactedText(schemas: schemas) == Fixtures.text("good/everything.shown"))
  }

  @Test("what is shown is YAML that reads as the same", arguments: Fixtures.names(in: "good"))
  func readable(name: String) throws {
    let configuration = try Fixtures.parse("good/\(name)")
    let shown = configuration.redactedText()
    let read = try #require(try YAML.parse(shown.utf8, file: "shown").documents.first)
    #expect(YAML.json(of: read) == YAML.json(of: configuration.redacted()))
    for (registry, lines) in zip(
      configuration.cluster.discovery.registries, shown.split(separator: "    disabled: ").dropFirst())
    {
      let expected =
        registry.disabled.map { $0 == "disabled is true" ? "true\n" : "true  # \($0)\n" } ?? "false\n"
      #expect(lines.hasPrefix(expected), "\(registry.name)")
    }
  }

  @Test("without a schema options are hidden that are called like secrets")
  func withoutSchema() throws {
    let configuration = try parse(
      """
      cluster:
        discovery:
          registries:
            a:
              apiKey: hush
              nested: {authToken: hush, list: [{password: hush}], url: "https://me:hush@h/p"}
              clientSecrets: [hush]
              keyFile: /etc/key
              publicKey: shown
      """)
    let shown = configuration.redactedText()
    #expect(!shown.contains("hush"))
    #expect(shown.contains("keyFile: /etc/key") && shown.contains("publicKey: shown"))
    #expect(shown.contains("url: https://<redacted>@h/p"))
  }

  @Test("no description of a configuration holds its secret")
  func descriptions() throws {
    let configuration = try parse("cluster: {id: c, secret: hushhushhushhushhushhushhushhushhushhushhu8=}")
    var dumped = ""
    dump(configuration, to: &dumped)
    #expect(!dumped.contains("hush") && !"\(configuration)".contains("hush"))
    #expect(!String(reflecting: configuration).contains("hush"))
  }
}

import RollcallConfiguration
import TestSupport
import Testing

@Suite struct ConfigurationCheckTests {
  private struct Broken: Error, CustomStringConvertible {
    let description = "it is for another machine"
  }

  @Test("a plugin that can't be loaded is an error at the registry's place, but not of a disabled registry")
  func unloadable() throws {
    let text = "cluster: {discovery: {registries: {a: {}, kubernetes: {x: 1}, c: {disabled: true}}}}"
    let errors = try parse(text).check { _ in throw Broken() }
    #expect(
      errors.map(\.description) == [
        "rollcall.yaml:1:36: the registry 'a' can't have the plugin 'a': it is for another machine"
      ])
  }

  @Test("registries that the file disables aren't asked about")
  func disabled() throws {
    var asked: [String] = []
    _ = try parse("cluster: {discovery: {registries: {a: {disabled: true}, b: {plugin: p}}}}").check {
      asked.append($0)
      return nil
    }
    #expect(asked == ["p"])
  }

  @Test("what is wrong with a disabled registry is told apart, as it keeps nobody from running")
  func disabledOptions() throws {
    let text = """
      cluster:
        discovery:
          registries:
            a: {plugin: static-file, disabled: true, path: 7}
            b: {plugin: static-fiel, disabled: true}
            c: {plugin: static-file, path: 7}
            d: {plugin: static-file, disabled: perhaps, path: 7}
      """
    let declared = try #require(try? declaredAsIs(text))
    let warnings = declared.checkDisabled(plugins: Fixtures.plugins, schemas: Fixtures.schema)
    #expect(
      warnings.map(\.description) == [
        "rollcall.yaml:4:54: cluster.discovery.registries.a.path must be text, not the number 7; write it in quotes: '7' (the registry 'a' is disabled)",
        "rollcall.yaml:5:19: there is no plugin 'static-fiel' for the registry 'b'; did you mean 'static-file'? (the registry 'b' is disabled)",
      ])
    let errors = declared.check(plugins: Fixtures.plugins, schemas: Fixtures.schema)
    #expect(errors.map(\.mark?.line) == [6])
  }

  /// What could be read of `text`, whatever is wrong with it.
  private func declaredAsIs(_ text: String) throws -> Configuration {
    let folder = try TemporaryFolder()
    var configuration = try ConfigurationFile.read(folder.write(text, to: "rollcall.yaml")).configuration
    for index in configuration.cluster.discovery.registries.indices {
      configuration.cluster.discovery.registries[index].written?.file = "rollcall.yaml"
    }
    for index in configuration.cluster.discovery.misnamed.indices {
      configuration.cluster.discovery.misnamed[index].written?.file = "rollcall.yaml"
    }
    return configuration
  }

  @Test("options under a name that can't be one are looked into where they say by which plugin")
  func misnamed() throws {
    let text = """
      cluster:
        discovery:
          registries:
            Rack 1: {plugin: static-file, path: 7}
            Rack 2: {path: 7}
            Rack 3: {plugin: static-file, path: 7, disabled: true}
      """
    let found = try declaredAsIs(text).check(plugins: Fixtures.plugins, schemas: Fixtures.schema)
    #expect(
      found.map(\.description) == [
        "rollcall.yaml:4:43: cluster.discovery.registries.Rack 1.path must be text, not the number 7; write it in quotes: '7'"
      ])
  }

  @Test("a registry that is on by default needs its plugin, and its absence says how to do without")
  func implied() throws {
    let secret = "hushhushhushhushhushhushhushhushhushhushhu8="
    let errors = try parse("cluster: {id: c, secret: \(secret)}").check { _ in nil }
    #expect(
      errors.map(\.description) == [
        "rollcall.yaml: there is no plugin 'service' for the registry 'service'; it is on by default; put the "
          + "plugin into plugins.path, or set cluster.discovery.registries.service.disabled to true"
      ])
  }
}

import RollcallConfiguration
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

import Rollcall
import RollcallConfiguration
import Testing

@Suite struct RegistryDefaultsTests {
  private static let secret = "hushhushhushhushhushhushhushhushhushhushhu8="

  /// Each registry's name and why it is disabled, in order.
  private func registries(_ text: String) throws -> [String] {
    try parse(text).cluster.discovery.registries.map { "\($0.name): \($0.disabled ?? "enabled")" }
  }

  @Test("without a file's word the service waits for the cluster's id and secret, and Kubernetes is off")
  func nothing() throws {
    #expect(
      try registries("") == [
        "service: cluster.id and cluster.secret aren't set", "kubernetes: disabled by default",
      ])
    #expect(try registries("cluster: {id: c}").first == "service: cluster.secret isn't set")
    #expect(try registries("cluster: {secret: \(Self.secret)}").first == "service: cluster.id isn't set")
  }

  @Test("with the cluster's id and secret the service is on by itself")
  func service() throws {
    #expect(
      try registries("cluster: {id: c, secret: \(Self.secret)}") == [
        "service: enabled", "kubernetes: disabled by default",
      ])
  }

  @Test("the seed's own example disables the service")
  func seed() throws {
    let configuration = try Fixtures.parse("good/seed.yaml")
    #expect(configuration.cluster.discovery.isEnabled)
    #expect(
      configuration.cluster.discovery.registries.map(\.disabled) == [
        "disabled is true", "disabled by default",
      ])
  }

  @Test("a registry that is named is enabled unless it is disabled, Kubernetes only by disabled: false")
  func named() throws {
    let section = { (text: String) in "cluster: {discovery: {registries: {\(text)}}}" }
    #expect(
      try registries(section("service: , racks: {}")).prefix(2) == ["service: enabled", "racks: enabled"])
    #expect(try registries(section("kubernetes: {}")).first == "kubernetes: disabled by default")
    #expect(try registries(section("kubernetes: {kubeconfig: x}")).first == "kubernetes: disabled by default")
    #expect(try registries(section("kubernetes: {disabled: false}")).first == "kubernetes: enabled")
    #expect(try registries(section("racks: {disabled: true}")).first == "racks: disabled is true")
  }

  @Test("with discovery off every registry is disabled for that reason")
  func off() throws {
    let configuration = try Fixtures.parse("good/discovery-off.yaml")
    #expect(!configuration.cluster.discovery.isEnabled)
    #expect(configuration.cluster.discovery.registries.map(\.name) == ["racks", "service", "kubernetes"])
    #expect(
      configuration.cluster.discovery.registries.allSatisfy {
        $0.disabled == "cluster.discovery.enabled is false"
      })
  }

  @Test("a registry's options are what is beside the reserved keys, as JSON in order of the keys")
  func options() throws {
    let configuration = try parse(
      """
      cluster:
        discovery:
          registries:
            racks:
              plugin: static-file
              path: racks.yaml
              onFailure: drop
              depth: 0x10
              labels: {b: "1", a: [yes, true, null, 1.50]}
      """)
    let registry = try #require(configuration.cluster.discovery.registries.first)
    #expect(registry.plugin == "static-file" && registry.position == "rollcall.yaml:4:7")
    #expect(
      registry.options == #"{"depth":16,"labels":{"a":["yes",true,null,1.50],"b":"1"},"path":"racks.yaml"}"#)
    #expect(registry.retention == RetentionPolicy(onFailure: .drop, staleAfter: .zero))
    #expect(configuration.cluster.discovery.registries.last?.retention == RetentionPolicy())
  }

  @Test("registries are equal by what they ask for, not by where that is written")
  func equality() throws {
    let first = try parse("cluster: {discovery: {registries: {a: {x: 1, y: 2}}}}")
    let second = try parse(
      "# moved\ncluster:\n  discovery:\n    registries:\n      a:\n        y: 2\n        x: 1\n")
    let third = try parse("cluster: {discovery: {registries: {a: {x: 1, y: 3}}}}")
    #expect(first.cluster.discovery == second.cluster.discovery)
    #expect(first.cluster.discovery != third.cluster.discovery)
  }
}

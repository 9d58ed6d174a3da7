import ClusterModel
import KubeSpan
import Testing

@testable import RollcallConfiguration

@Suite("The key kubespan")
struct KubeSpanSettingsTests {
  private static let cluster =
    "cluster: {id: c, secret: hushhushhushhushhushhushhushhushhushhushhu8=}\n"

  private func parse(_ yaml: String, cluster: String = Self.cluster) throws -> Configuration {
    try ConfigurationFile.parse(Array((cluster + yaml + "\n").utf8), file: "/etc/rollcall/rollcall.yaml")
  }

  private func errors(_ yaml: String, cluster: String = Self.cluster) throws -> [String] {
    do {
      _ = try parse(yaml, cluster: cluster)
      return []
    } catch let error as ConfigurationErrors {
      return error.errors.map(\.description)
    }
  }

  @Test(
    "is off unless it says enabled",
    arguments: [
      "node: {}", "kubespan:", "kubespan: {}", "kubespan: {enabled: false}", "kubespan: {mtu: 1400}",
    ])
  func off(yaml: String) throws {
    #expect(try parse(yaml).kubeSpan == nil)
    #expect(try parse(yaml, cluster: "").kubeSpan == nil)
    #expect(try !parse(yaml).redactedText().contains("kubespan:"))
  }

  @Test("has the existing system's defaults")
  func defaults() throws {
    let settings = try #require(try parse("kubespan: {enabled: true}").kubeSpan)
    #expect(settings == KubeSpanSettings())
    #expect(settings.mtu == 1420 && settings.listenPort == 51820 && settings.interface == "kubespan")
    #expect(settings.routingTable == 180 && settings.rulePriority == 32500)
    #expect((settings.deviceMark, settings.peerMark, settings.markMask) == (0x20, 0x40, 0x60))
    #expect(!settings.allowsDownPeerBypass && !settings.harvestsExtraEndpoints)
    #expect(settings.endpointFilter == nil && settings.identityFile == nil)
  }

  @Test("takes each key, and shows it as it could be written")
  func everything() throws {
    let yaml = """
      kubespan:
        enabled: true
        allowDownPeerBypass: true
        advertiseKubernetesNetworks: true
        harvestExtraEndpoints: true
        mtu: 1280
        filters:
          endpoints: [0.0.0.0/0, "!10.0.0.5"]
          excludeAdvertisedNetworks: [192.168.0.0/16]
          peerEndpoints: []
          addresses: ["fd00::/8"]
        extraAnnouncedEndpoints: ["203.0.113.7:4500"]
        interface: wg-mesh
        listenPort: 4500
        routingTable: 4294967295
        rulePriority: 1
        marks: {device: 0x1, peer: 2, mask: 0x3}
        keepAlive: 0
        device: kernel
        hardwareAddress: 2E-1A-B6-53-81-69
        identityFile: id.yaml
        keepOnExit: true
        keepPeersFor: 0
        degradedAfter: 10m
        nftablesTable: Mesh_1
      """
    let configuration = try parse(yaml)
    let settings = try #require(configuration.kubeSpan)
    #expect(settings.advertisesKubernetesNetworks && settings.allowsDownPeerBypass)
    #expect(settings.harvestsExtraEndpoints && settings.keepsOnExit)
    #expect(settings.mtu == 1280 && settings.listenPort == 4500 && settings.interface == "wg-mesh")
    #expect(settings.endpointFilter?.texts == ["0.0.0.0/0", "!10.0.0.5/32"])
    #expect(settings.excludedNetworks.map(\.description) == ["192.168.0.0/16"])
    #expect(settings.peerEndpointFilter?.texts == [] && settings.addressFilter?.texts == ["fd00::/8"])
    #expect(settings.extraEndpoints.map(\.description) == ["203.0.113.7:4500"])
    #expect(settings.routingTable == .max && settings.rulePriority == 1 && settings.keepAlive == 0)
    #expect((settings.deviceMark, settings.peerMark, settings.markMask) == (1, 2, 3))
    #expect(settings.device == .kernel && settings.nftablesTable == "Mesh_1")
    #expect(settings.hardwareAddress?.description == "2e:1a:b6:53:81:69")
    #expect(settings.identityFile == "/etc/rollcall/id.yaml")
    #expect(settings.keepsPeersFor == .zero && settings.degradedAfter == .seconds(600))
    let shown = configuration.redactedText()
    let section = try #require(shown.firstRange(of: "kubespan:"))
    #expect(try parse(String(shown[section.lowerBound...])).kubeSpan == settings)
  }

  @Test(
    "needs the cluster's id and secret, and says which is missing",
    arguments: [
      ("", ["needs cluster.id", "needs cluster.secret or cluster.secretFile"]),
      ("cluster: {id: c}\n", ["needs cluster.secret or"]),
      ("cluster: {secret: hushhushhushhushhushhushhushhushhushhushhu8=}\n", ["needs cluster.id"]),
    ])
  func cluster(text: String, missing: [String]) throws {
    let errors = try errors("kubespan: {enabled: true}", cluster: text)
    #expect(errors.count == missing.count)
    for (error, missing) in zip(errors.sorted { $0 < $1 }, missing) {
      #expect(error.contains(missing) && error.contains("kubespan.enabled"), "\(error)")
    }
  }

  @Test("a secret that is wrong is told once")
  func wrongSecret() throws {
    let errors = try errors("kubespan: {enabled: true}", cluster: "cluster: {id: c, secret: aGk=}\n")
    #expect(errors.count == 1 && errors.first?.contains("32 bytes") == true, "\(errors)")
  }

  @Test(
    "what can't be meant is an error that says what would be right",
    arguments: [
      ("mtu: 1279", "from 1280 to 65455"), ("mtu: 65456", "from 1280 to 65455"),
      ("listenPort: 65536", "from 1 to 65535"),
      ("routingTable: 0", "from 1 to 4294967295"), ("routingTable: 253", "253 to 255"),
      ("routingTable: 255", "253 to 255"), ("rulePriority: 0", "from 1 to 32765"),
      ("rulePriority: 32766", "from 1 to 32765"),
      ("interface: sixteen-letters1", "1 to 15 bytes, not 16"), ("interface: a/b", "no '/'"),
      ("interface: \"a b\"", "no white space"), ("interface: .", "isn't an interface's name"),
      ("interface: ..", "isn't an interface's name"), ("interface: wg%d", "'%'"),
      ("interface: a:1", "':'"), ("interface: -f", "no '-'"), ("interface: all", "another name"),
      ("interface: müh", "letters, digits"), ("hardwareInterface: \"eth\\u00a00\"", "hardwareInterface"),
      ("marks: {device: 0x80}", "the device mark 0x80 has bits that the mask 0x60 hasn't"),
      ("marks: {mask: 0x40}", "the device mark 0x20 has bits that the mask 0x40 hasn't"),
      ("marks: {peer: 0x20}", "are both 0x20"), ("marks: {peer: 0}", "from 1 to"),
      ("marks: {mask: 0xffffffff}", "no bits"), ("marks: {mask: 0x100000000}", "from 1 to 4294967295"),
      ("marks: {peers: 1}", "did you mean 'peer'?"), ("marks: 0x20", "a mapping with device, peer, mask"),
      ("keepAlive: 25", "unit"), ("keepAlive: 500ms", "whole seconds"), ("keepAlive: 19h", "keepAlive"),
      ("device: kernal", "did you mean 'kernel'?"), ("device: wg", "auto, kernel or userspace"),
      ("hardwareAddress: eth0", "2e:1a:b6:53:81:69"),
      ("{hardwareAddress: \"2e:1a:b6:53:81:69\", hardwareInterface: eth0}", "leave one of them out"),
      ("filters: {endpoints: [nowhere]}", "kubespan.filters.endpoints[0]"),
      ("filters: {endpoint: []}", "did you mean 'endpoints'?"),
      ("filters: {excludeAdvertisedNetworks: [10.0.0.1]}", "excludeAdvertisedNetworks[0]"),
      ("extraAnnouncedEndpoints: [203.0.113.7]", "extraAnnouncedEndpoints[0]"),
      ("extraAnnouncedEndpoints: [\"203.0.113.7:0\"]", "port 0"),
      ("degradedAfter: soon", "kubespan.degradedAfter"), ("nftablesTable: 1st", "a letter, then"),
      ("nftablesTable: \"a;b\"", "a letter, then"), ("keepOnExt: true", "did you mean 'keepOnExit'?"),
    ])
  func wrong(text: String, message: String) throws {
    let errors = try errors("kubespan: " + (text.hasPrefix("{") ? text : "{\(text)}"))
    #expect(errors.contains { $0.contains(message) }, "\(errors)")
    #expect(errors.allSatisfy { $0.hasPrefix("/etc/rollcall/rollcall.yaml:2:") }, "\(errors)")
  }

  @Test("keys that are written elsewhere are told where they belong")
  func places() throws {
    #expect(try errors("listenPort: 1").first?.contains("it belongs in kubespan") == true)
    #expect(
      try errors("kubespan: {peerEndpoints: []}").first?.contains("it belongs in kubespan.filters") == true)
  }

  @Test("a filter that lets nothing pass, and a node that isn't published, are warned of")
  func warnings() throws {
    let negations = try parse("kubespan: {enabled: true, filters: {endpoints: [\"!10.0.0.0/8\"]}}").warnings
    #expect(negations.count == 1 && negations.first?.message.contains("only takes away") == true)
    let observer = try parse("kubespan: {enabled: true}\nnode: {publish: false}").warnings
    #expect(observer.count == 1 && observer.first?.message.contains("node.publish is false") == true)
    #expect(try parse("kubespan: {enabled: false}\nnode: {publish: false}").warnings.isEmpty)
  }
}

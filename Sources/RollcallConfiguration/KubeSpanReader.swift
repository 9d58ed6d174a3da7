import ClusterModel
import Documents
import KubeSpan
import Platform

/// Reads `kubespan:`. What is written is checked where the mesh is off, too: so it is known to be good before it is
/// switched on.
struct KubeSpanReader {
  /// `cluster:`, which has the id that addresses are made of and the secret that all peers share.
  let cluster: FieldReader
  /// The folder that paths are relative to.
  let base: String

  /// - Returns: nil where the mesh is off.
  func read(_ section: FieldReader) -> KubeSpanSettings? {
    let isEnabled = section.bool("enabled") ?? false
    var settings = KubeSpanSettings()
    readPeering(section, &settings)
    readMachine(section, &settings)
    readLifetime(section, &settings)
    guard isEnabled else { return nil }
    checkCluster(section)
    return settings
  }

  // MARK: Parts

  /// What concerns other nodes.
  private func readPeering(_ section: FieldReader, _ settings: inout KubeSpanSettings) {
    let filters = section.section("filters", keys: ConfigurationKeys.kubeSpanFilters)
    settings.advertisesKubernetesNetworks = section.bool("advertiseKubernetesNetworks") ?? false
    settings.allowsDownPeerBypass = section.bool("allowDownPeerBypass") ?? false
    settings.harvestsExtraEndpoints = section.bool("harvestExtraEndpoints") ?? false
    settings.endpointFilter = filter("endpoints", filters)
    settings.peerEndpointFilter = filter("peerEndpoints", filters)
    settings.addressFilter = filter("addresses", filters)
    let excluded = filters.list("excludeAdvertisedNetworks", of: "networks") { (text) throws(ModelError) in
      try IPPrefix(text)
    }
    settings.excludedNetworks = excluded ?? []
    let extra = section.list("extraAnnouncedEndpoints", of: "endpoints") { (text) throws(ModelError) in
      let endpoint = try IPEndpoint(text)
      guard endpoint.port != 0 else { throw ModelError("\(quoted(text)): nothing can be sent to port 0") }
      return endpoint
    }
    settings.extraEndpoints = extra ?? []
  }

  /// What is set up on this machine.
  private func readMachine(_ section: FieldReader, _ settings: inout KubeSpanSettings) {
    if let mtu = section.integer("mtu", in: KubeSpanSettings.mtuRange) { settings.mtu = UInt32(mtu) }
    let interface = section.value("interface") { (text) throws(ModelError) in
      try InterfaceName.checkNew(text)
    }
    settings.interface = interface ?? settings.interface
    settings.listenPort = section.port("listenPort") ?? settings.listenPort
    if let table = section.integer("routingTable", in: 1...Int(UInt32.max)) {
      // 253 to 255 are default, main and local.
      if (253...255).contains(table) {
        section.error("routingTable", "\(table) is one of the system's own tables, 253 to 255")
      } else {
        settings.routingTable = UInt32(table)
      }
    }
    // From 32766 on the rules follow by which everything is routed.
    if let priority = section.integer("rulePriority", in: 1...32_765) {
      settings.rulePriority = UInt32(priority)
    }
    readMarks(section, &settings)
    settings.device =
      section.value("device") { (text) throws(ModelError) in try Self.device(text) } ?? settings.device
    settings.hardwareInterface = section.value("hardwareInterface") { (text) throws(ModelError) in
      try InterfaceName.check(text)
    }
    settings.hardwareAddress = section.value("hardwareAddress") { (text) throws(ModelError) in
      try HardwareAddress(text)
    }
    if section.pair("hardwareInterface") != nil, section.pair("hardwareAddress") != nil {
      section.error("hardwareAddress", "hardwareInterface is there as well; leave one of them out")
    }
    settings.nftablesTable =
      section.value("nftablesTable") { (text) throws(ModelError) in try Self.table(text) }
      ?? settings.nftablesTable
  }

  private func readMarks(_ kubeSpan: FieldReader, _ settings: inout KubeSpanSettings) {
    let section = kubeSpan.section("marks", keys: ConfigurationKeys.kubeSpanMarks)
    let errors = section.diagnostics.errors.count
    let range = 1...Int(UInt32.max)
    if let mark = section.integer("device", in: range) { settings.deviceMark = UInt32(mark) }
    if let mark = section.integer("peer", in: range) { settings.peerMark = UInt32(mark) }
    if let mask = section.integer("mask", in: range) { settings.markMask = UInt32(mask) }
    guard section.node != nil, section.diagnostics.errors.count == errors else { return }
    let mask = settings.markMask
    if mask == .max { section.error("mask", "it leaves others no bits for marks of theirs") }
    for (key, mark) in [("device", settings.deviceMark), ("peer", settings.peerMark)] where mark & ~mask != 0
    {
      section.error(
        section.pair(key) == nil ? "mask" : key,
        "the \(key) mark \(Self.hexadecimal(mark)) has bits that the mask \(Self.hexadecimal(mask)) hasn't")
    }
    if settings.deviceMark == settings.peerMark {
      section.error(
        section.pair("peer") == nil ? "device" : "peer",
        "the device's mark and the peers' are both \(Self.hexadecimal(settings.peerMark)); they tell packets of the tunnel from those that are to go into it"
      )
    }
  }

  /// How long what lasts, and what stays.
  private func readLifetime(_ section: FieldReader, _ settings: inout KubeSpanSettings) {
    if let keepAlive = section.duration("keepAlive", in: .zero...(.seconds(Int64(UInt16.max)))) {
      let (seconds, fraction) = keepAlive.components
      if fraction == 0 {
        settings.keepAlive = UInt16(clamping: seconds)
      } else {
        section.error("keepAlive", "WireGuard counts whole seconds")
      }
    }
    settings.identityFile = section.path("identityFile", base: base)
    settings.keepsOnExit = section.bool("keepOnExit") ?? settings.keepsOnExit
    settings.keepsPeersFor = section.duration("keepPeersFor") ?? settings.keepsPeersFor
    settings.degradedAfter = section.duration("degradedAfter") ?? settings.degradedAfter
  }

  /// What is wrong with the id and the secret themselves has been reported.
  private func checkCluster(_ section: FieldReader) {
    if cluster.pair("id") == nil {
      section.error(
        "enabled",
        "it needs \(cluster.name(of: "id")), of which the nodes' addresses are made; 'rollcall gen secrets' makes one"
      )
    }
    if cluster.pair("secret") == nil, cluster.pair("secretFile") == nil {
      section.error(
        "enabled",
        "it needs \(cluster.name(of: "secret")) or \(cluster.name(of: "secretFile")), the key that all peers share"
      )
    }
  }

  // MARK: Values

  private func filter(_ key: String, _ section: FieldReader) -> AddressFilter? {
    let texts = section.list(key, of: "networks and addresses") { (text) throws(ModelError) in
      _ = try AddressFilter([text])
      return text
    }
    guard let texts else { return nil }
    if !texts.isEmpty, texts.allSatisfy({ $0.hasPrefix("!") }) {
      section.warning(
        key, "it only takes away, so nothing passes; begin it with what passes, such as 0.0.0.0/0 and ::/0")
    }
    return try? AddressFilter(texts)
  }

  private static func device(_ text: String) throws(ModelError) -> KubeSpanSettings.DevicePreference {
    if let device = KubeSpanSettings.DevicePreference(rawValue: text) { return device }
    let known = KubeSpanSettings.DevicePreference.allCases.map(\.rawValue)
    let advice = didYouMean(text, among: known).map { "; \($0)" } ?? ""
    throw ModelError("\(quoted(text)) isn't auto, kernel or userspace\(advice)")
  }

  /// What nft takes as a name without quotes.
  private static func table(_ text: String) throws(ModelError) -> String {
    let isName = text.utf8.allSatisfy {
      0x61...0x7A ~= $0 || 0x41...0x5A ~= $0 || 0x30...0x39 ~= $0 || "_-".utf8.contains($0)
    }
    guard isName, text.utf8.count <= 64, text.first?.isLetter == true else {
      throw ModelError(
        "\(quoted(text)) isn't a table's name: a letter, then letters, digits, '_' and '-', 64 at most")
    }
    return text
  }

  fileprivate static func hexadecimal(_ mark: UInt32) -> String { "0x" + String(mark, radix: 16) }
}

// MARK: Effective configuration

extension KubeSpanSettings {
  /// The section as it could be written, defaults filled in; what is found out at run time is left out.
  var node: YAMLNode {
    func mark(_ mark: UInt32) -> YAMLNode {
      YAMLNode(.scalar(YAMLScalar(KubeSpanReader.hexadecimal(mark), isPlain: true)))
    }
    var filters: [(key: String, value: YAMLNode)] = []
    if let endpointFilter { filters.append(("endpoints", .texts(endpointFilter.texts))) }
    filters.append(("excludeAdvertisedNetworks", .texts(excludedNetworks)))
    if let peerEndpointFilter { filters.append(("peerEndpoints", .texts(peerEndpointFilter.texts))) }
    if let addressFilter { filters.append(("addresses", .texts(addressFilter.texts))) }
    var pairs: [(key: String, value: YAMLNode)] = [
      ("enabled", .bool(true)), ("advertiseKubernetesNetworks", .bool(advertisesKubernetesNetworks)),
      ("allowDownPeerBypass", .bool(allowsDownPeerBypass)),
      ("harvestExtraEndpoints", .bool(harvestsExtraEndpoints)), ("mtu", .integer(mtu)),
      ("filters", .mapping(filters)), ("extraAnnouncedEndpoints", .texts(extraEndpoints)),
      ("interface", .text(interface)), ("listenPort", .integer(listenPort)),
      ("routingTable", .integer(routingTable)), ("rulePriority", .integer(rulePriority)),
      (
        "marks",
        .mapping([("device", mark(deviceMark)), ("peer", mark(peerMark)), ("mask", mark(markMask))])
      ),
      ("keepAlive", .text(DurationText.text(of: .seconds(Int64(keepAlive))))),
      ("device", .text(device.rawValue)),
    ]
    if let hardwareInterface { pairs.append(("hardwareInterface", .text(hardwareInterface))) }
    if let hardwareAddress { pairs.append(("hardwareAddress", .text(hardwareAddress.description))) }
    if let identityFile { pairs.append(("identityFile", .text(identityFile))) }
    pairs += [
      ("keepOnExit", .bool(keepsOnExit)), ("keepPeersFor", .text(DurationText.text(of: keepsPeersFor))),
      ("degradedAfter", .text(DurationText.text(of: degradedAfter))),
      ("nftablesTable", .text(nftablesTable)),
    ]
    return .mapping(pairs)
  }
}

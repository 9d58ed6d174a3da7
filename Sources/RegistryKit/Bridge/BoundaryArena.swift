package import CRegistryPlugin
package import ClusterModel

/// Memory for what crosses the boundary in one call: pieces for text and for each kind of list, sized beforehand,
/// filled from the front and freed as a whole, so that 100,000 nodes take a few allocations.
final class BoundaryArena {
  /// How much of each kind is needed.
  struct Size {
    var bytes = 0
    var addresses = 0
    var prefixes = 0
    var endpoints = 0
    var labels = 0
    var affiliates = 0
    var strings = 0

    mutating func count(_ record: AffiliateRecord) {
      affiliates += 1
      let affiliate = record.affiliate
      bytes += affiliate.nodeID.text.utf8.count + affiliate.hostname.utf8.count
      bytes += affiliate.nodename.utf8.count + affiliate.operatingSystem.utf8.count
      addresses += affiliate.addresses.count
      if let kubeSpan = affiliate.kubeSpan {
        bytes += kubeSpan.publicKey.utf8.count
        prefixes += kubeSpan.additionalAddresses.count + kubeSpan.excludeAdvertisedNetworks.count
        endpoints += kubeSpan.endpoints.count
      }
      bytes += record.machineID.utf8.count
      if case .notReady(let reason) = record.health { bytes += reason.utf8.count }
      if !record.labels.isEmpty {
        labels += record.labels.count
        for label in record.labels { bytes += label.key.utf8.count + label.value.utf8.count }
      }
    }
  }

  private let bytes: UnsafeMutableRawBufferPointer
  private let addresses: UnsafeMutableBufferPointer<registry_address_v1>
  private let prefixes: UnsafeMutableBufferPointer<registry_prefix_v1>
  private let endpoints: UnsafeMutableBufferPointer<registry_endpoint_v1>
  private let labels: UnsafeMutableBufferPointer<registry_label_v1>
  private let affiliates: UnsafeMutableBufferPointer<registry_affiliate_v1>
  private let strings: UnsafeMutableBufferPointer<registry_string_v1>
  private var used = Size()

  init(_ size: Size) {
    bytes = .allocate(byteCount: size.bytes, alignment: 1)
    addresses = .allocate(capacity: size.addresses)
    prefixes = .allocate(capacity: size.prefixes)
    endpoints = .allocate(capacity: size.endpoints)
    labels = .allocate(capacity: size.labels)
    affiliates = .allocate(capacity: size.affiliates)
    strings = .allocate(capacity: size.strings)
  }

  func deallocate() {
    bytes.deallocate()
    addresses.deallocate()
    prefixes.deallocate()
    endpoints.deallocate()
    labels.deallocate()
    affiliates.deallocate()
    strings.deallocate()
  }

  func text(_ text: String) -> registry_string_v1 {
    var text = text
    return text.withUTF8 { source in
      guard !source.isEmpty else { return registry_string_v1() }
      let room = UnsafeMutableRawBufferPointer(rebasing: bytes[used.bytes..<(used.bytes + source.count)])
      used.bytes += source.count
      room.copyMemory(from: UnsafeRawBufferPointer(source))
      return registry_string_v1(
        data: room.baseAddress?.assumingMemoryBound(to: CChar.self), length: source.count)
    }
  }

  /// `texts` one after the other.
  func texts(_ texts: [String]) -> UnsafePointer<registry_string_v1>? {
    place(texts, in: strings, at: \.strings) { text($0) }
  }

  /// `records` one after the other.
  func affiliates(_ records: [AffiliateRecord]) -> UnsafePointer<registry_affiliate_v1>? {
    place(records, in: affiliates, at: \.affiliates) { affiliate($0) }
  }

  private func affiliate(_ record: AffiliateRecord) -> registry_affiliate_v1 {
    var raw = registry_affiliate_v1()
    let affiliate = record.affiliate
    raw.node_id = text(affiliate.nodeID.text)
    raw.hostname = text(affiliate.hostname)
    raw.nodename = text(affiliate.nodename)
    raw.operating_system = text(affiliate.operatingSystem)
    raw.machine_type = affiliate.machineType.boundary
    if record.isStale { raw.flags |= UInt32(REGISTRY_AFFILIATE_STALE) }
    if record.isLocalID { raw.flags |= UInt32(REGISTRY_AFFILIATE_LOCAL_ID) }
    raw.addresses = place(affiliate.addresses, in: addresses, at: \.addresses) { registry_address_v1($0) }
    raw.address_count = affiliate.addresses.count
    raw.api_server_port = affiliate.controlPlane?.apiServerPort ?? 0
    raw.confirmed_at = record.confirmedAt?.milliseconds ?? 0
    raw.created_at = record.createdAt?.milliseconds ?? 0
    raw.machine_id = text(record.machineID)
    switch record.health {
    case .ready: raw.health = UInt32(REGISTRY_HEALTH_READY)
    case .notReady(let reason):
      raw.health = UInt32(REGISTRY_HEALTH_NOT_READY)
      raw.health_reason = text(reason)
    case nil: break
    }
    if !record.labels.isEmpty {
      raw.labels = place(Array(record.labels), in: labels, at: \.labels) {
        registry_label_v1(key: text($0.key), value: text($0.value))
      }
      raw.label_count = record.labels.count
    }
    guard let kubeSpan = affiliate.kubeSpan else { return raw }
    raw.public_key = text(kubeSpan.publicKey)
    raw.kubespan_address = registry_address_v1(kubeSpan.address)
    raw.additional_addresses = prefixes(kubeSpan.additionalAddresses)
    raw.additional_address_count = kubeSpan.additionalAddresses.count
    raw.excluded_networks = prefixes(kubeSpan.excludeAdvertisedNetworks)
    raw.excluded_network_count = kubeSpan.excludeAdvertisedNetworks.count
    raw.endpoints = endpoints(kubeSpan.endpoints)
    raw.endpoint_count = kubeSpan.endpoints.count
    return raw
  }

  private func prefixes(_ list: [IPPrefix]) -> UnsafePointer<registry_prefix_v1>? {
    place(list, in: prefixes, at: \.prefixes) { prefix in
      var raw = registry_prefix_v1()
      raw.address = registry_address_v1(prefix.address)
      raw.length = UInt8(prefix.length)
      return raw
    }
  }

  func endpoints(_ list: [IPEndpoint]) -> UnsafePointer<registry_endpoint_v1>? {
    place(list, in: endpoints, at: \.endpoints) { endpoint in
      var raw = registry_endpoint_v1()
      raw.address = registry_address_v1(endpoint.address)
      raw.port = endpoint.port
      return raw
    }
  }

  private func place<Value, Raw>(
    _ list: [Value], in room: UnsafeMutableBufferPointer<Raw>, at used: WritableKeyPath<Size, Int>,
    _ convert: (Value) -> Raw
  ) -> UnsafePointer<Raw>? {
    guard !list.isEmpty else { return nil }
    let start = self.used[keyPath: used]
    for (offset, value) in list.enumerated() {
      room.initializeElement(at: start + offset, to: convert(value))
    }
    self.used[keyPath: used] = start + list.count
    return room.baseAddress.map { UnsafePointer($0 + start) }
  }
}

extension registry_address_v1 {
  /// `address` as it crosses the boundary; nil has family 0.
  package init(_ address: IPAddress?) {
    self.init()
    guard let address else { return }
    family = address.family.rawValue
    withUnsafeMutableBytes(of: &bytes) { bytes in
      switch address.family {
      case .v4: bytes.storeBytes(of: UInt32(truncatingIfNeeded: address.bits.low).bigEndian, as: UInt32.self)
      case .v6:
        bytes.storeBytes(of: address.bits.high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: address.bits.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
    }
  }
}

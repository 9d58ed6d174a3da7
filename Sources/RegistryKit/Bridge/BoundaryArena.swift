import CRegistryPlugin
import ClusterModel

/// Memory for what crosses the boundary in one call. Filled from the front and freed as a whole.
final class BoundaryArena {
  /// How much of each kind is needed.
  struct Size {
    var bytes = 0
    var addresses = 0
    var prefixes = 0
    var endpoints = 0

    mutating func count(_ affiliate: Affiliate) {
      bytes += affiliate.nodeID.text.utf8.count + affiliate.hostname.utf8.count
      bytes += affiliate.nodename.utf8.count + affiliate.operatingSystem.utf8.count
      addresses += affiliate.addresses.count
      guard let kubeSpan = affiliate.kubeSpan else { return }
      bytes += kubeSpan.publicKey.utf8.count
      prefixes += kubeSpan.additionalAddresses.count + kubeSpan.excludeAdvertisedNetworks.count
      endpoints += kubeSpan.endpoints.count
    }
  }

  private let bytes: UnsafeMutableRawBufferPointer
  private let addresses: UnsafeMutableBufferPointer<registry_address_v1>
  private let prefixes: UnsafeMutableBufferPointer<registry_prefix_v1>
  private let endpoints: UnsafeMutableBufferPointer<registry_endpoint_v1>
  private var used = Size()

  init(_ size: Size) {
    bytes = .allocate(byteCount: size.bytes, alignment: 1)
    addresses = .allocate(capacity: size.addresses)
    prefixes = .allocate(capacity: size.prefixes)
    endpoints = .allocate(capacity: size.endpoints)
  }

  func deallocate() {
    bytes.deallocate()
    addresses.deallocate()
    prefixes.deallocate()
    endpoints.deallocate()
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

  func affiliate(_ record: AffiliateRecord) -> registry_affiliate_v1 {
    var raw = registry_affiliate_v1()
    let affiliate = record.affiliate
    raw.node_id = text(affiliate.nodeID.text)
    raw.hostname = text(affiliate.hostname)
    raw.nodename = text(affiliate.nodename)
    raw.operating_system = text(affiliate.operatingSystem)
    raw.machine_type = affiliate.machineType.boundary
    raw.flags = record.isStale ? UInt32(REGISTRY_AFFILIATE_STALE) : 0
    raw.addresses = addresses(affiliate.addresses)
    raw.address_count = affiliate.addresses.count
    raw.api_server_port = affiliate.controlPlane?.apiServerPort ?? 0
    raw.confirmed_at = record.confirmedAt?.milliseconds ?? 0
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

  func addresses(_ list: [IPAddress]) -> UnsafePointer<registry_address_v1>? {
    place(list, in: addresses, at: \.addresses) { registry_address_v1($0) }
  }

  func prefixes(_ list: [IPPrefix]) -> UnsafePointer<registry_prefix_v1>? {
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

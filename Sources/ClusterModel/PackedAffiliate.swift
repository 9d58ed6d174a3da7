/// An affiliate's content in one block of memory: half as large as texts and lists in buffers of their own, made
/// by one allocation, and compared by one walk over its words. Never changed once it is made.
///
/// Each content has exactly one form. The first words have where the parts end and what is of fixed size, those
/// after them the parts' bytes, filled up with zeros. An address is its family and its 4 or 16 bytes; a prefix
/// has its length after it, an endpoint its port.
final class PackedAffiliate: ManagedBuffer<PackedAffiliate.Header, UInt64> {
  struct Header {
    let nodeID: NodeIdentity
    /// The number of words.
    fileprivate let count: Int
  }

  /// Positions of the words before the parts' bytes: two parts' ends each, then these.
  private enum Place {
    static let kubeSpanAddressHigh = AffiliatePart.allCases.count / 2
    static let kubeSpanAddressLow = kubeSpanAddressHigh + 1
    /// From the lowest bit on the API server's port, the KubeSpan address's family, the machine type and flags.
    static let small = kubeSpanAddressHigh + 2
    static let count = kubeSpanAddressHigh + 3
  }

  private struct Flags: OptionSet {
    let rawValue: UInt64
    static let hasControlPlane = Flags(rawValue: 1 << 32)
    static let hasKubeSpan = Flags(rawValue: 1 << 33)
    /// The nodename is the hostname, as with most nodes, and isn't written again.
    static let isNodenameHostname = Flags(rawValue: 1 << 34)
    /// Each list has each item once, and a KubeSpan has something in it.
    static let isNormal = Flags(rawValue: 1 << 35)
  }

  /// The block of these fields.
  static func make(_ fields: AffiliateFields) -> PackedAffiliate {
    let isNodenameHostname =
      !fields.nodename.isEmpty && fields.nodename.utf8.elementsEqual(fields.hostname.utf8)
    let nodename = isNodenameHostname ? "" : fields.nodename
    let kubeSpan = fields.kubeSpan
    var length = fields.hostname.utf8.count + nodename.utf8.count + fields.operatingSystem.utf8.count
    length += kubeSpan?.publicKey.utf8.count ?? 0
    for address in fields.addresses { length += PackWriter.length(address) }
    for prefix in kubeSpan?.additionalAddresses ?? [] { length += PackWriter.length(prefix.address) + 1 }
    for prefix in kubeSpan?.excludeAdvertisedNetworks ?? [] {
      length += PackWriter.length(prefix.address) + 1
    }
    for endpoint in kubeSpan?.endpoints ?? [] { length += PackWriter.length(endpoint.address) + 2 }

    let packed = allocate(fields.nodeID, count: Place.count + (length + 7) / 8)
    packed.write { part, writer in
      switch part {
      case .hostname: writer.write(fields.hostname)
      case .nodename: writer.write(nodename)
      case .operatingSystem: writer.write(fields.operatingSystem)
      case .publicKey: writer.write(kubeSpan?.publicKey ?? "")
      case .addresses: for address in fields.addresses { writer.write(address) }
      case .additionalAddresses: for prefix in kubeSpan?.additionalAddresses ?? [] { writer.write(prefix) }
      case .excludeAdvertisedNetworks:
        for prefix in kubeSpan?.excludeAdvertisedNetworks ?? [] { writer.write(prefix) }
      case .endpoints: for endpoint in kubeSpan?.endpoints ?? [] { writer.write(endpoint) }
      }
    }
    var flags: Flags = []
    if kubeSpan != nil { flags.insert(.hasKubeSpan) }
    if isNodenameHostname { flags.insert(.isNodenameHostname) }
    if fields.isNormal { flags.insert(.isNormal) }
    packed.write(flags, fields.machineType, kubeSpan?.address, fields.controlPlane)
    return packed
  }

  /// The block of which each part is that of another one, which for a list is ``isNormal``.
  ///
  /// - Parameter sources: by the parts' positions; nil for a part that is empty.
  static func make(
    _ nodeID: NodeIdentity, of sources: [PackedAffiliate?], machineType: MachineType,
    kubeSpanAddress: IPAddress?, controlPlane: ControlPlane?
  ) -> PackedAffiliate {
    func source(_ part: AffiliatePart) -> PackedAffiliate? { sources[part.rawValue] }
    var isNodenameHostname = false
    if let hostname = source(.hostname), let nodename = source(.nodename), !nodename.isEmpty(.nodename) {
      isNodenameHostname = hostname.bytes(of: .hostname) { hostname in
        nodename.bytes(of: .nodename) { areEqual(hostname, $0) }
      }
    }
    func bytes(_ part: AffiliatePart, _ body: (UnsafeRawBufferPointer) -> Void) {
      if part != .nodename || !isNodenameHostname { source(part)?.bytes(of: part, body) }
    }
    var length = 0
    for part in AffiliatePart.allCases { bytes(part) { length += $0.count } }
    let packed = allocate(nodeID, count: Place.count + (length + 7) / 8)
    packed.write { part, writer in bytes(part) { writer.write($0) } }
    var flags: Flags = .isNormal
    if isNodenameHostname { flags.insert(.isNodenameHostname) }
    let hasKubeSpan =
      kubeSpanAddress != nil
      || [.publicKey, .additionalAddresses, .excludeAdvertisedNetworks, .endpoints].contains { part in
        source(part)?.isEmpty(part) == false
      }
    if hasKubeSpan { flags.insert(.hasKubeSpan) }
    packed.write(flags, machineType, kubeSpanAddress, controlPlane)
    return packed
  }

  /// Writes each part by `body`, and where it ends.
  private func write(_ body: (AffiliatePart, inout PackWriter) -> Void) {
    withUnsafeMutablePointerToElements { words in
      words.initialize(repeating: 0, count: count)
      let start = UnsafeMutableRawPointer(words)
      var writer = PackWriter(start + Place.count * 8)
      for part in AffiliatePart.allCases {
        body(part, &writer)
        start.storeBytes(of: UInt32(writer.offset), toByteOffset: part.rawValue * 4, as: UInt32.self)
      }
    }
  }

  /// Writes what is of fixed size.
  private func write(
    _ flags: Flags, _ machineType: MachineType, _ kubeSpanAddress: IPAddress?, _ controlPlane: ControlPlane?
  ) {
    var flags = flags
    if controlPlane != nil { flags.insert(.hasControlPlane) }
    withUnsafeMutablePointerToElements { words in
      words[Place.kubeSpanAddressHigh] = kubeSpanAddress?.high ?? 0
      words[Place.kubeSpanAddressLow] = kubeSpanAddress?.low ?? 0
      words[Place.small] =
        flags.rawValue | UInt64(controlPlane?.apiServerPort ?? 0)
        | UInt64(kubeSpanAddress?.family.rawValue ?? 0) << 16 | UInt64(machineType.rank) << 24
    }
  }

  /// The same content of a node that is called otherwise.
  func renamed(_ nodeID: NodeIdentity) -> PackedAffiliate {
    let packed = Self.allocate(nodeID, count: count)
    withUnsafeMutablePointerToElements { words in
      packed.withUnsafeMutablePointerToElements { $0.initialize(from: words, count: count) }
    }
    return packed
  }

  private static func allocate(_ nodeID: NodeIdentity, count: Int) -> PackedAffiliate {
    let buffer = create(minimumCapacity: count) { _ in Header(nodeID: nodeID, count: count) }
    return unsafeDowncast(buffer, to: PackedAffiliate.self)
  }

  // MARK: Reading

  var nodeID: NodeIdentity { withUnsafeMutablePointerToHeader { $0.pointee.nodeID } }
  var hasKubeSpan: Bool { flags.contains(.hasKubeSpan) }
  var isNormal: Bool { flags.contains(.isNormal) }
  var machineType: MachineType { MachineType(rank: UInt8(truncatingIfNeeded: small >> 24)) }

  var controlPlane: ControlPlane? {
    flags.contains(.hasControlPlane) ? ControlPlane(apiServerPort: UInt16(truncatingIfNeeded: small)) : nil
  }

  var kubeSpanAddress: IPAddress? {
    IPAddress.Family(rawValue: UInt8(truncatingIfNeeded: small >> 16)).map {
      IPAddress(high: word(Place.kubeSpanAddressHigh), low: word(Place.kubeSpanAddressLow), family: $0)
    }
  }

  func isEmpty(_ part: AffiliatePart) -> Bool { bytes(of: part) { $0.isEmpty } }

  func text(_ part: AffiliatePart) -> String { bytes(of: part) { String(decoding: $0, as: UTF8.self) } }

  func addresses() -> [IPAddress] { list(.addresses) { $0.address() } }

  func prefixes(_ part: AffiliatePart) -> [IPPrefix] { list(part) { $0.prefix() } }

  func endpoints() -> [IPEndpoint] { list(.endpoints) { $0.endpoint() } }

  private func list<Item>(_ part: AffiliatePart, _ read: (inout PackReader) -> Item) -> [Item] {
    bytes(of: part) { bytes in
      if bytes.isEmpty { return [] }
      var count = 0
      var counter = PackReader(bytes)
      while !counter.isAtEnd {
        _ = read(&counter)
        count += 1
      }
      var reader = PackReader(bytes)
      return [Item](unsafeUninitializedCapacity: count) { items, initialized in
        while initialized < count {
          items.initializeElement(at: initialized, to: read(&reader))
          initialized += 1
        }
      }
    }
  }

  // MARK: Comparing

  func isEqual(to other: PackedAffiliate) -> Bool {
    if self === other { return true }
    return withUnsafeMutablePointers { header, words in
      other.withUnsafeMutablePointers { otherHeader, otherWords in
        let count = header.pointee.count
        guard count == otherHeader.pointee.count else { return false }
        // All of them without a look between, which takes the processor less than to stop at the first.
        var difference: UInt64 = 0
        for index in 0..<count { difference |= words[index] ^ otherWords[index] }
        return difference == 0 && header.pointee.nodeID == otherHeader.pointee.nodeID
      }
    }
  }

  func isEqual(_ part: AffiliatePart, to other: PackedAffiliate) -> Bool {
    self === other || bytes(of: part) { bytes in other.bytes(of: part) { Self.areEqual(bytes, $0) } }
  }

  func isEqual(_ part: AffiliatePart, to text: String) -> Bool {
    var text = text
    return text.withUTF8 { text in
      bytes(of: part) { Self.areEqual($0, UnsafeRawBufferPointer(text)) }
    }
  }

  private static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let count = left.count
    guard count == right.count else { return false }
    var offset = 0
    while offset + 8 <= count {
      let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      if word != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) { return false }
      offset += 8
    }
    while offset < count {
      if left[offset] != right[offset] { return false }
      offset += 1
    }
    return true
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(nodeID)
    withUnsafeMutablePointerToElements { words in
      hasher.combine(bytes: UnsafeRawBufferPointer(start: words, count: count * 8))
    }
  }

  // MARK: Layout

  // The header's own property would have each read checked for exclusive access.
  private var count: Int { withUnsafeMutablePointerToHeader { $0.pointee.count } }
  private var small: UInt64 { word(Place.small) }
  private var flags: Flags { Flags(rawValue: small & ~0xFFFF_FFFF) }

  private func word(_ index: Int) -> UInt64 { withUnsafeMutablePointerToElements { $0[index] } }

  private func bytes<Result>(of part: AffiliatePart, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let part = part == .nodename && flags.contains(.isNodenameHostname) ? .hostname : part
    return withUnsafeMutablePointerToElements { words in
      let ends = UnsafeRawPointer(words)
      let end = Int(ends.load(fromByteOffset: part.rawValue * 4, as: UInt32.self))
      let start =
        part.rawValue == 0 ? 0 : Int(ends.load(fromByteOffset: part.rawValue * 4 - 4, as: UInt32.self))
      return body(
        UnsafeRawBufferPointer(start: UnsafeRawPointer(words + Place.count) + start, count: end - start))
    }
  }
}

/// A text or list of an affiliate, in the order in which they are laid out.
package enum AffiliatePart: Int, CaseIterable {
  case hostname, nodename, operatingSystem, publicKey
  case addresses, additionalAddresses, excludeAdvertisedNetworks, endpoints
}

/// All that an affiliate says, apart: how it is made and changed.
struct AffiliateFields {
  var nodeID: NodeIdentity
  var addresses: [IPAddress]
  var hostname: String
  var nodename: String
  var operatingSystem: String
  var machineType: MachineType
  var kubeSpan: KubeSpanAffiliate?
  var controlPlane: ControlPlane?

  /// Whether each list has each item once, and a KubeSpan has something in it.
  fileprivate var isNormal: Bool {
    guard addresses.isDistinct else { return false }
    guard let kubeSpan else { return true }
    return kubeSpan.endpoints.isDistinct && kubeSpan.additionalAddresses.isDistinct
      && kubeSpan.excludeAdvertisedNetworks.isDistinct && kubeSpan != KubeSpanAffiliate()
  }
}

extension Array where Element: Hashable {
  /// Whether no item is in it twice. Looking at each is quicker than hashing where they are few.
  package var isDistinct: Bool {
    guard count <= 16 else { return Set(self).count == count }
    for index in indices.dropFirst() where self[..<index].contains(self[index]) { return false }
    return true
  }
}

/// Writes a ``PackedAffiliate``'s bytes into room that is known to be enough.
private struct PackWriter {
  private let start: UnsafeMutableRawPointer
  private(set) var offset = 0

  init(_ start: UnsafeMutableRawPointer) { self.start = start }

  static func length(_ address: IPAddress) -> Int { address.family == .v4 ? 5 : 17 }

  mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) {
    if let base = bytes.baseAddress { (start + offset).copyMemory(from: base, byteCount: bytes.count) }
    offset += bytes.count
  }

  mutating func write(_ address: IPAddress) {
    store(address.family.rawValue)
    if address.family == .v4 {
      store(UInt32(truncatingIfNeeded: address.low))
    } else {
      store(address.high)
      store(address.low)
    }
  }

  mutating func write(_ prefix: IPPrefix) {
    write(prefix.address)
    store(UInt8(prefix.length))
  }

  mutating func write(_ endpoint: IPEndpoint) {
    write(endpoint.address)
    store(endpoint.port)
  }

  private mutating func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
    (start + offset).storeBytes(of: number, as: Number.self)
    offset += MemoryLayout<Number>.size
  }
}

/// Reads what ``PackWriter`` wrote.
private struct PackReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func address() -> IPAddress {
    load(UInt8.self) == IPAddress.Family.v4.rawValue
      ? IPAddress(v4: load(UInt32.self))
      : IPAddress(v6High: load(UInt64.self), low: load(UInt64.self))
  }

  mutating func prefix() -> IPPrefix {
    let address = address()
    return IPPrefix(unchecked: address, bits: load(UInt8.self))
  }

  mutating func endpoint() -> IPEndpoint {
    let address = address()
    return IPEndpoint(address: address, port: load(UInt16.self))
  }

  private mutating func load<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Number {
    defer { offset += MemoryLayout<Number>.size }
    return bytes.loadUnaligned(fromByteOffset: offset, as: Number.self)
  }
}

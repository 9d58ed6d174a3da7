import CRegistryPlugin
import ClusterModel
import Testing

@testable import RegistryKit

@Suite("Values across the boundary")
struct BoundaryTests {
  private func record(_ index: Int, using random: inout some RandomNumberGenerator) throws -> AffiliateRecord
  {
    func some<Value>(_ make: (Int) throws -> Value) rethrows -> [Value] {
      try (0..<Int.random(in: 0...4, using: &random)).map(make)
    }
    func address(_ index: Int) -> IPAddress {
      Bool.random(using: &random)
        ? IPAddress(v4: .random(in: 0 ... .max, using: &random))
        : IPAddress(v6High: .random(in: 0 ... .max, using: &random), low: UInt64(index))
    }
    let names = ["", "a", "sixteen-bytes-xy", "näme-mit-Umläuten", String(repeating: "x", count: 4096)]
    func name() -> String { names.randomElement(using: &random) ?? "" }
    var affiliate = Affiliate(
      nodeID: try NodeIdentity("node-\(index)"), addresses: some(address), hostname: name(), nodename: name(),
      operatingSystem: name(), machineType: MachineType.allCases.randomElement(using: &random) ?? .worker)
    if Bool.random(using: &random) {
      affiliate.kubeSpan = KubeSpanAffiliate(
        publicKey: "key", address: Bool.random(using: &random) ? address(1) : nil,
        additionalAddresses: some { IPPrefix(host: address($0)) },
        excludeAdvertisedNetworks: some { IPPrefix(host: address($0)).network },
        endpoints: some { IPEndpoint(address: address($0), port: UInt16($0)) })
    }
    if Bool.random(using: &random) { affiliate.controlPlane = ControlPlane(apiServerPort: 6443) }
    return AffiliateRecord(
      affiliate, confirmedAt: Bool.random(using: &random) ? Timestamp(milliseconds: Int64(index) - 7) : nil,
      isStale: Bool.random(using: &random))
  }

  @Test("what goes out comes in unchanged")
  func roundTrip() throws {
    var random = SystemRandomNumberGenerator()
    // An unlucky confirmedAt of 0 means nil, so the index that would give it is left out.
    let records = try (0..<500).filter { $0 != 7 }.map { try record($0, using: &random) }
    let back = try BoundaryWriter.withAffiliates(records) { raw throws(RegistryError) in
      var reader = BoundaryReader()
      return try reader.records(raw.baseAddress, count: raw.count)
    }
    #expect(back == records)
  }

  @Test("KubeSpan that says nothing is no KubeSpan")
  func emptyKubeSpan() throws {
    var affiliate = Affiliate(nodeID: try NodeIdentity("n"))
    affiliate.kubeSpan = KubeSpanAffiliate()
    let back = try BoundaryWriter.withAffiliates([AffiliateRecord(affiliate)]) { raw throws(RegistryError) in
      var reader = BoundaryReader()
      return try reader.records(raw.baseAddress, count: raw.count)
    }
    #expect(back.map(\.affiliate.kubeSpan) == [nil])
  }

  @Test("codes come back as they were, unknown ones as failed")
  func codes() {
    let codes: [RegistryError.Code] = [
      .invalidArgument, .limitExceeded, .stopped, .unavailable, .permissionDenied, .unsupported, .failed,
    ]
    for code in codes { #expect(RegistryError.Code(boundary: code.boundary) == code) }
    #expect(RegistryError.Code(boundary: 99) == .failed)
    #expect(RegistryError.Code(boundary: -1) == .failed)
    #expect(RegistryError.Code.deadlineExceeded.boundary == registry_code(REGISTRY_FAILED))
  }

  @Test("a host that is too old to hear of sources isn't told of them", arguments: [true, false])
  func olderHost(isOlder: Bool) throws {
    var host = registry_host_v1()
    let size = MemoryLayout<registry_host_v1>.size
    host.size = UInt32(isOlder ? try #require(MemoryLayout<registry_host_v1>.offset(of: \.sources)) : size)
    host.abi_major = UInt16(REGISTRY_ABI_MAJOR)
    host.sources = { _, _, count, _ in registry_code(count == 2 ? REGISTRY_UNAVAILABLE : REGISTRY_FAILED) }
    let connection = try HostConnection(&host)
    let sources = [RegistrySource.only, try RegistrySource("a")]
    if isOlder {
      try connection.send(.sources(sources))
    } else {
      let error = #expect(throws: RegistryError.self) { try connection.send(.sources(sources)) }
      #expect(error == RegistryError(.unavailable, "the host refused the names of sources"))
    }
    host.size = UInt32(MemoryLayout<registry_host_v1>.offset(of: \.sources) ?? 0) - 8
    #expect(throws: RegistryError.self) { try HostConnection(&host) }
  }

  @Test("a message is cut between characters and comes back as one line")
  func messages() {
    let long = String(repeating: "ä", count: 1000) + "\nend"
    #expect(
      throws: RegistryError(.unavailable, String(repeating: "ä", count: 512))
    ) {
      try BoundaryMessage.throwing("none") {
        BoundaryMessage.write(RegistryError(.unavailable, long), to: $0)
      }
    }
    #expect(throws: RegistryError(.failed, "none")) {
      try BoundaryMessage.throwing("none") { _ in registry_code(REGISTRY_FAILED) }
    }
    #expect(throws: RegistryError(.failed, "a b")) {
      try BoundaryMessage.throwing("none") { BoundaryMessage.write(RegistryError(.failed, "a\nb"), to: $0) }
    }
  }

  @Test("a message longer than its room, up to what no memory holds, is cut to the room")
  func messageBeyondItsRoom() {
    for length in [-1, Int.min, Int.max, 1025] {
      let error = #expect(throws: RegistryError.self) {
        try BoundaryMessage.throwing("it doesn't say why") { message in
          "told".utf8.enumerated().forEach { message.pointee.data[$0] = CChar(bitPattern: $1) }
          message.pointee.length = length
          return registry_code(REGISTRY_FAILED)
        }
      }
      #expect(error?.message.hasPrefix("told") == true)
    }
  }

  @Test("text for a person with a length that no memory has is taken as empty")
  func impossibleText() {
    for length in [-1, Int.min] {
      "told".withCString { data in
        #expect(BoundaryMessage.oneLine(registry_string_v1(data: data, length: length)) == "")
      }
    }
  }

  @Test("room for a message that is told to be endless takes the whole message")
  func endlessRoom() {
    var bytes = [CChar](repeating: 0, count: 16)
    bytes.withUnsafeMutableBufferPointer { room in
      var message = registry_message_v1(data: room.baseAddress, capacity: -1, length: 0)
      let code = BoundaryMessage.write(RegistryError(.unavailable, "gone"), to: &message)
      #expect(code == registry_code(REGISTRY_UNAVAILABLE))
      #expect(message.length == 4)
    }
    #expect(bytes.prefix(5).map { UInt8(bitPattern: $0) } == Array("gone".utf8) + [0])
  }
}

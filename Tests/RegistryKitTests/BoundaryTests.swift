import CRegistryPlugin
import ClusterModel
import RegistryTestSupport
import Testing

@testable import RegistryKit

@Suite("Values across the boundary")
struct BoundaryTests {
  private func crossed(_ batch: RegistryBatch, limits: BoundaryLimits = BoundaryLimits()) throws
    -> RegistryBatch
  {
    try BoundaryWriter.withBatch(batch) { raw throws(RegistryError) in
      var reader = BoundaryReader(limits: limits)
      return try reader.batch(raw)
    }
  }

  @Test("a batch goes out and comes in unchanged, whatever is in it", arguments: 1...20)
  func roundTrip(seed: UInt64) throws {
    for batch in try RandomBatches.batches(seed: seed) {
      var expected = batch
      // It has a function of its own.
      expected.publicAddress = nil
      if expected.expectedSources?.isEmpty == true { expected.expectedSources = nil }
      #expect(try crossed(batch) == expected)
    }
  }

  @Test("a publication goes out and comes in unchanged, and so does a withdrawal", arguments: 1...20)
  func publicationRoundTrip(seed: UInt64) throws {
    var random = try RandomBatches(seed: seed)
    let local = random.record(isPublished: true)
    var publication = Publication(
      local: local.affiliate, labels: try NodeLabels(["zone": "z\(seed)", "näme": ""]),
      machineID: seed % 2 == 0 ? "" : "6a0eceb4cf8de176bd24abff87481ec9")
    for _ in 0..<4 {
      let other = random.record(isPublished: true).affiliate
      publication.seenEndpoints[other.nodeID] = other.kubeSpan?.endpoints ?? []
    }
    for desired in [
      DesiredPublication(revision: .max, publication: publication),
      DesiredPublication(revision: 7, publication: nil),
    ] {
      let back = try BoundaryWriter.withPublication(desired) { raw throws(RegistryError) in
        var reader = BoundaryReader()
        return try reader.desired(raw)
      }
      #expect(back == desired)
    }
  }

  @Test("a report by itself goes out and comes in unchanged", arguments: HealthAspect.allCases)
  func report(aspect: HealthAspect) throws {
    for error in [nil, RegistryError(.unavailable, "away"), RegistryError(.permissionDenied, "näme")] {
      let report = HealthReport(aspect, error, source: try RegistrySource("eu"))
      let back = try BoundaryWriter.withReport(report) { raw throws(RegistryError) in
        try BoundaryReader().report(raw)
      }
      #expect(back == report)
    }
  }

  @Test("changes of one source cross as one update, in their order")
  func grouped() throws {
    let (eu, ids) = (try RegistrySource("eu"), try (0..<6).map { try NodeIdentity("n\($0)") })
    func upsert(_ index: Int, _ source: RegistrySource = .only) -> RegistryUpdate {
      .upsert(AffiliateRecord(Affiliate(nodeID: ids[index])), source: source)
    }
    let updates: [RegistryUpdate] = [
      .snapshot([], source: .only), upsert(0), upsert(1), upsert(2, eu), upsert(3),
      .remove(ids[4], source: .only, reason: .expired), .remove(ids[5], source: .only, reason: .expired),
      .remove(ids[0], source: .only, reason: .deleted), .sourceGone(eu), .sourceGone(eu),
    ]
    let batch = RegistryBatch(updates: updates)
    let count = BoundaryWriter.withBatch(batch) { $0.pointee.update_count }
    #expect(count == 8)
    #expect(try crossed(batch) == batch)
  }

  @Test("KubeSpan that says nothing is no KubeSpan")
  func emptyKubeSpan() throws {
    var affiliate = Affiliate(nodeID: try NodeIdentity("n"))
    affiliate.kubeSpan = KubeSpanAffiliate()
    let update = RegistryUpdate.upsert(AffiliateRecord(affiliate), source: .only)
    guard case .upsert(let back, _)? = try crossed(RegistryBatch(updates: [update])).updates.first else {
      Issue.record("no change came in")
      return
    }
    #expect(back.affiliate.kubeSpan == nil)
  }

  @Test("one that takes less than there is refuses it before anything is read")
  func limits() throws {
    let record = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity("n"), addresses: [try IPAddress("10.0.0.1"), try IPAddress("10.0.0.2")],
        hostname: "a-long-name"))
    let batch = RegistryBatch(
      updates: [.snapshot([record], source: .only), .upsert(record, source: .only)],
      reports: [HealthReport(.reading, nil), HealthReport(.content, nil)])
    #expect(try crossed(batch) == batch)
    for (limits, message) in [
      (BoundaryLimits(nodes: 1), "2 nodes are more than the 1 that one registry may have"),
      (BoundaryLimits(textBytes: 10), "node 'n': hostname has 11 bytes, more than the 10 allowed"),
      (BoundaryLimits(listItems: 1), "node 'n': addresses has 2 items, more than the 1 allowed"),
      (BoundaryLimits(updates: 1), "updates has 2 items, more than the 1 allowed"),
      (BoundaryLimits(reports: 1), "reports has 2 items, more than the 1 allowed"),
    ] {
      #expect(throws: RegistryError(.limitExceeded, message)) { try crossed(batch, limits: limits) }
    }
  }

  @Test("reasons, aspects and machine types come back as they were, unknown ones as the header says")
  func numbers() {
    for reason in RemovalReason.allCases { #expect(RemovalReason(boundary: reason.boundary) == reason) }
    #expect(RemovalReason(boundary: 0) == nil)
    #expect(RemovalReason(boundary: 99) == .removed)
    for aspect in HealthAspect.allCases { #expect(HealthAspect(boundary: aspect.boundary) == aspect) }
    #expect(HealthAspect(boundary: 99) == .reading)
    for type in MachineType.allCases { #expect(MachineType(boundary: type.boundary) == type) }
    #expect(MachineType(boundary: 99) == .unknown)
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

  @Test(
    "a host of another major version, or with a table that is too small, is refused",
    arguments: [true, false])
  func otherHost(isSmall: Bool) throws {
    var host = registry_host_v1()
    host.size = UInt32(MemoryLayout<registry_host_v1>.size)
    host.abi_major = UInt16(REGISTRY_ABI_MAJOR)
    host.abi_minor = 7
    let name = registry_string_v1(immortal: "roll-host")
    host.name = name
    #expect(try HostConnection(&host).host.name == "roll-host")
    if isSmall { host.size -= 8 } else { host.abi_major += 1 }
    let error = #expect(throws: RegistryError.self) { try HostConnection(&host) }
    #expect(error?.code == .unsupported)
    #expect(
      error?.message
        == "the host speaks plugin ABI \(host.abi_major).7, this plugin speaks \(REGISTRY_ABI_MAJOR)."
        + "\(REGISTRY_ABI_MINOR)")
  }

  @Test("a host that refuses without a message is quoted as one that did")
  func refusalWithoutMessage() throws {
    var host = registry_host_v1()
    host.size = UInt32(MemoryLayout<registry_host_v1>.size)
    host.abi_major = UInt16(REGISTRY_ABI_MAJOR)
    host.apply = { _, _, _ in registry_code(REGISTRY_UNAVAILABLE) }
    let connection = try HostConnection(&host)
    #expect(throws: RegistryError(.unavailable, "the host refused what the registry applied")) {
      try connection.apply(RegistryBatch(updates: [.snapshot([], source: .only)]))
    }
    connection.close()
    let error = #expect(throws: RegistryError.self) {
      try connection.apply(RegistryBatch(updates: [.snapshot([], source: .only)]))
    }
    #expect(error?.code == .stopped)
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

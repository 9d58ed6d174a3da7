import AffiliateMerge
import ClusterModel
import Foundation
import Testing

/// One of the vectors in Vectors: what registries say, and how records are expected to be joined. Times are seconds.
struct MatchVector: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let why: String
  let registries: [Registry]
  let precedence: Bool?
  let ignoreAddresses: [String]?
  let steps: [Step]

  var testDescription: String { name }

  struct Registry: Decodable, Sendable {
    let name: String
    let match: [Key]
    let prefix: String?
  }

  struct Key: Decodable, Sendable {
    let key: MatchKey

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        key = MatchKey(try Self.field(text))
      } else {
        let pairs = try container.decode([String: String].self)
        guard let pair = pairs.first, pair.value == "short" else {
          throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a key: \(pairs)")
        }
        key = MatchKey(try Self.field(pair.key), isShort: true)
      }
    }

    static func field(_ text: String) throws -> MatchField {
      let fields: [MatchField] = [.machineID, .nodename, .publicKey, .hostname, .address]
      if text.hasPrefix("label:") { return .label(String(text.dropFirst(6))) }
      return try #require(fields.first { $0.description == text })
    }
  }

  struct RecordText: Decodable, Sendable {
    let id: String?
    let local: String?
    let nodename: String?
    let hostname: String?
    let addresses: [String]?
    let publicKey: String?
    let machineID: String?
    let labels: [String: String]?
    let stale: Bool?
    let createdAt: Int64?
    let ready: Bool?

    func record() throws -> AffiliateRecord {
      // Zones mean nothing on another machine, and readers refuse them.
      let addresses = try (addresses ?? []).map { try IPAddress($0.prefix { $0 != "%" }) }
      var record = AffiliateRecord(
        Affiliate(
          nodeID: try NodeIdentity(try #require(id ?? local)), addresses: addresses, hostname: hostname ?? "",
          nodename: nodename ?? "", kubeSpan: publicKey.map { KubeSpanAffiliate(publicKey: $0) }),
        isStale: stale ?? false, isLocalID: local != nil)
      if let machineID { record.machineID = machineID }
      if let labels { record.labels = try NodeLabels(labels) }
      if let createdAt { record.createdAt = AffiliateMergeTests.at(createdAt) }
      if let ready { record.health = ready ? .ready : .notReady(reason: "KubeletNotReady") }
      return record
    }
  }

  struct Event: Decodable, Sendable {
    let snapshot: [String]?
    let records: [RecordText]?
    let upsert: [String]?
    let record: RecordText?
    let remove: [String]?
    let id: String?
    let stale: Names?
    let on: Bool?
    let registryGone: String?
    let local: Local?
    let at: Int64?
    /// Whether it is about this node's own data: null says that there are none any more.
    let isLocal: Bool

    enum CodingKeys: String, CodingKey {
      case snapshot, records, upsert, record, remove, id, stale, on, registryGone, local, at
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      snapshot = try container.decodeIfPresent([String].self, forKey: .snapshot)
      records = try container.decodeIfPresent([RecordText].self, forKey: .records)
      upsert = try container.decodeIfPresent([String].self, forKey: .upsert)
      record = try container.decodeIfPresent(RecordText.self, forKey: .record)
      remove = try container.decodeIfPresent([String].self, forKey: .remove)
      id = try container.decodeIfPresent(String.self, forKey: .id)
      stale = try container.decodeIfPresent(Names.self, forKey: .stale)
      on = try container.decodeIfPresent(Bool.self, forKey: .on)
      registryGone = try container.decodeIfPresent(String.self, forKey: .registryGone)
      local = try container.decodeIfPresent(Local.self, forKey: .local)
      at = try container.decodeIfPresent(Int64.self, forKey: .at)
      isLocal = remove == nil && container.contains(.local)
    }
  }

  /// A registry, or one of its sources.
  enum Names: Decodable, Sendable {
    case registry(String)
    case origin([String])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let name = try? container.decode(String.self) {
        self = .registry(name)
      } else {
        self = .origin(try container.decode([String].self))
      }
    }
  }

  /// This node's own data, or the local id of a record that is removed.
  enum Local: Decodable, Sendable {
    case id(String)
    case own(RecordText)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let id = try? container.decode(String.self) {
        self = .id(id)
      } else {
        self = .own(try container.decode(RecordText.self))
      }
    }
  }

  struct Step: Decodable, Sendable {
    let events: [Event]
    let anyOrder: Bool?
    let expect: Expectation
  }

  struct Expectation: Decodable, Sendable, Equatable {
    var nodes: [String: [String: How]] = [:]
    var conflicts: [String: Set<Note>] = [:]
    var names: [String: Owner] = [:]
    var superseded: [String: [String]] = [:]
    var clones: [String: [String]] = [:]
  }

  struct How: Decodable, Sendable, Hashable {
    var by: String
    var value: String?
    var strength: String?
  }

  struct Note: Decodable, Sendable, Hashable {
    var why: String
    var key: String?
    var value: String?
    var candidates: [String]
    var against: String?
    var records: [String]?
  }

  struct Owner: Decodable, Sendable, Hashable {
    var node: String
    var by: String
    var others: [String]
  }

  private struct File: Decodable { let cases: [MatchVector] }

  static func all() throws -> [MatchVector] {
    let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    return try files.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }.flatMap {
      try JSONDecoder().decode(File.self, from: Data(contentsOf: $0)).cases
    }
  }

  // MARK: Playing

  var policy: MergePolicy {
    get throws {
      MergePolicy(
        precedence: precedence == true ? registries.map(\.name) : [],
        matching: Dictionary(
          uniqueKeysWithValues: registries.map { ($0.name, RegistryMatching(keys: $0.match.map(\.key))) }),
        ignoredAddresses: IgnoredAddresses(
          try (ignoreAddresses ?? []).map { text in
            text.contains("/") ? try IPPrefix(text) : IPPrefix(host: try IPAddress(text))
          }))
    }
  }

  private func origin(_ names: [String]) -> RecordOrigin {
    let prefix = registries.first { $0.name == names[0] }?.prefix ?? names[0]
    return RecordOrigin(registry: names[0], prefix: prefix, source: names[1])
  }

  func operation(_ event: Event) throws -> MergeOperation {
    if let names = event.snapshot {
      return .snapshot(try (event.records ?? []).map { try $0.record() }, from: origin(names))
    }
    if let names = event.upsert, let record = event.record {
      return .upsert(try record.record(), from: origin(names))
    }
    if let names = event.remove {
      if case .id(let id) = event.local { return .remove(try NodeIdentity(id), from: origin(names)) }
      return .remove(try NodeIdentity(try #require(event.id)), from: origin(names))
    }
    if let stale = event.stale {
      switch stale {
      case .registry(let name): return .registryStale(name, event.on == true)
      case .origin(let names): return .originStale(origin(names), event.on == true)
      }
    }
    if let name = event.registryGone { return .registryGone(name) }
    guard event.isLocal else { throw VectorError(name: name) }
    if case .own(let record) = event.local { return .local(try record.record()) }
    return .local(nil)
  }

  struct VectorError: Error { let name: String }
}

extension MatchVector.Expectation {
  /// What the merge shows.
  init(_ merge: ClusterMerge) {
    for affiliate in merge.affiliates() {
      let id = affiliate.value.nodeID
      var raws: [String: MatchVector.How] = [:]
      for raw in merge.rawAffiliates(of: id) {
        guard raw.record.value.isLocalID else {
          raws["\(raw.id)"] = MatchVector.How(by: "identity")
          continue
        }
        let join = merge.placement(of: raw.id)?.join
        raws["\(raw.id)"] = MatchVector.How(
          by: join?.field.description ?? "alone", value: join?.value,
          strength: join.map { ["fresh identity", "fresh", "stale identity", "stale"][$0.strength.rawValue] })
      }
      if id == merge.localID { raws["local/\(id)"] = MatchVector.How(by: "identity") }
      nodes[id.text] = raws
    }
    for conflict in merge.conflicts().map(\.value) {
      switch conflict.key {
      case .match(let raw): conflicts["\(raw)"] = Set(conflict.notes.map(MatchVector.Note.init))
      case .identity(let id): clones[id.text] = conflict.records.map(\.description)
      case .nodename(let name):
        let holders = merge.holders(of: conflict.key).map(\.text)
        names[name] = MatchVector.Owner(
          node: conflict.owner?.text ?? "", by: conflict.rule?.text ?? "", others: Array(holders.dropFirst()))
      case .field, .label, .address, .publicKey: break
      }
    }
  }
}

extension MatchVector.Note {
  init(_ note: MatchNote) {
    self.init(
      why: note.reason.rawValue, key: note.field?.description, value: note.value,
      candidates: note.candidates.map(\.text), against: note.against?.description,
      records: note.reason == .twice || note.reason == .rival ? note.records.map(\.description) : nil)
  }
}

extension NameRule {
  /// As vectors call it.
  fileprivate var text: String {
    switch self {
    case .local: "own data"
    case .state: "state"
    case .freshness: "strength"
    case .heardLast: "heard last"
    case .health: "ready"
    case .createdLast: "created last"
    case .identity, .text: "text"
    }
  }
}

import ClusterModel
import Documents

/// A machine as far as a list has told of it, for forms that tell of one at several places.
struct MachineDraft {
  /// Where it was first told of.
  let mark: YAMLMark
  /// The node's identity, where the list knows it.
  var identity: NodeIdentity?
  /// What the list calls the machine.
  let name: String
  var hostname = ""
  var nodename = ""
  var operatingSystem = ""
  var machineType = MachineType.unknown
  var machineID = ""
  var publicKey = ""
  var controlPlane: ControlPlane?
  var createdAt: Timestamp?
  var health: NodeHealth?
  private var addresses: [IPAddress] = []
  private var known: Set<IPAddress> = []
  private var labels = LabelDraft()

  /// A machine that the list calls `name`, first told of at `mark`.
  init(_ name: String, at mark: YAMLMark) {
    self.name = name
    self.mark = mark
  }

  /// Adds an address that isn't there yet. What is more than a node may have is left out.
  mutating func add(_ address: IPAddress) {
    guard addresses.count < InventoryLimits.listItems, known.insert(address).inserted else { return }
    addresses.append(address)
  }

  /// Adds a label, of which the first one of a key counts.
  ///
  /// - Throws: what keeps it out.
  mutating func addLabel(_ key: String, _ value: String) throws(ModelError) { try labels.add(key, value) }

  /// The record of it.
  ///
  /// - Throws: where the list's name for it can't be an id.
  func record() throws(ModelError) -> AffiliateRecord {
    let nodeID: NodeIdentity
    if let identity { nodeID = identity } else { nodeID = try Self.localID(name) }
    var record = AffiliateRecord(
      Affiliate(
        nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: nodename,
        operatingSystem: operatingSystem, machineType: machineType,
        kubeSpan: publicKey.isEmpty ? nil : KubeSpanAffiliate(publicKey: publicKey),
        controlPlane: controlPlane),
      isLocalID: identity == nil)
    record.labels = labels.labels
    record.machineID = machineID
    record.createdAt = createdAt
    record.health = health
    return record
  }

  private static func localID(_ name: String) throws(ModelError) -> NodeIdentity {
    do throws(ModelError) {
      return try NodeIdentity(name)
    } catch {
      throw ModelError("its name can't be a node's id: \(error)")
    }
  }
}

/// Machines by what one form tells them apart by, in the order in which they were told of.
struct MachineDrafts {
  private var places: [String: Int] = [:]
  private var drafts: [MachineDraft] = []

  /// Whether no more nodes are taken than there are already.
  var isFull: Bool { drafts.count > InventoryLimits.nodes }

  /// Whether a machine is known by `key`.
  func contains(_ key: String) -> Bool { places[key] != nil }

  /// Changes the machine of `key`, which is `new` where it wasn't told of before.
  mutating func change(
    _ key: String, new: @autoclosure () -> MachineDraft, _ body: (inout MachineDraft) -> Void
  ) {
    let place: Int
    if let known = places[key] {
      place = known
    } else {
      place = drafts.count
      places[key] = place
      drafts.append(new())
    }
    body(&drafts[place])
  }

  /// Gives all to `builder`.
  func finish(into builder: inout InventoryBuilder) {
    builder.listNodes()
    for draft in drafts {
      do throws(ModelError) {
        builder.add(try draft.record(), at: draft.mark)
      } catch {
        builder.diagnostics.error(draft.mark, "node \(quoted(draft.name)): \(error)")
        builder.hideNodes()
      }
    }
  }
}

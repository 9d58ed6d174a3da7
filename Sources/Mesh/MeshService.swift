package import ClusterModel
package import KubeSpan
package import Logging
package import Platform
package import Rollcall

/// Keeps a WireGuard mesh as the merged view of a cluster says: makes the device, gives it the peers, finds out at
/// which endpoints they answer, and says of all that how it is.
///
/// One pass after the other: the machine and the cluster are read, the pure rules (`KubeSpan`) say what is to be, what
/// differs is written and read back. A pass that fails leaves what was before, is reported, and is tried again.
package actor MeshService {
  /// What a mesh is to be.
  package struct Definition: Hashable, Sendable {
    /// The cluster's id, any text as it was configured.
    package var clusterID: String
    /// The cluster's secret, which all peers share with each other.
    package var secret: DeviceKey
    /// What a person set.
    package var settings: KubeSpanSettings

    /// The mesh of a cluster.
    package init(clusterID: String, secret: DeviceKey, settings: KubeSpanSettings = KubeSpanSettings()) {
      self.clusterID = clusterID
      self.secret = secret
      self.settings = settings
    }
  }

  /// What the service changes beside the machine.
  package struct Outlets: Sendable {
    /// Is given how the mesh is.
    package var reports: MeshReports
    /// Adds this node's part to what it says of itself.
    package var amendment: LocalAmendment
    /// Is given where peers are up that don't list it, where `harvestExtraEndpoints` is on.
    package var harvest: @Sendable ([NodeIdentity: [IPEndpoint]]) -> Void
    /// Keeps where peers were up last; nil: nothing does.
    package var lastGood: LastGoodEndpoints?

    package init(
      reports: MeshReports, amendment: LocalAmendment,
      harvest: @escaping @Sendable ([NodeIdentity: [IPEndpoint]]) -> Void = { _ in },
      lastGood: LastGoodEndpoints? = nil
    ) {
      self.reports = reports
      self.amendment = amendment
      self.harvest = harvest
      self.lastGood = lastGood
    }
  }

  /// So soon, at the earliest, a pass follows another one.
  private static let shortestPause: Duration = .milliseconds(50)
  /// After a pass that failed the next one comes so late.
  private static let retryPause: Duration = .seconds(1)
  /// How often others are told of endpoints that were harvested, at most.
  private static let harvestPause: Duration = .seconds(30)
  /// How often the file of last good endpoints is written, at most.
  private static let memoryPause: Duration = .seconds(5)

  private let nodeID: NodeIdentity
  private let keys: @Sendable (KubeSpanSettings) throws -> MeshIdentityFile.Keys
  private let machine: any MeshMachine
  private let outlets: Outlets
  private let time: TimeSource
  private let now: @Sendable () -> Timestamp
  private let logger: Logger
  /// Notified when a pass is due before its time.
  private let wake = ChangeSignal()

  private var definition: Definition?
  /// What the next pass is to look at.
  private var snapshot: ClusterSnapshot?
  private var world = MeshWorld.unknown
  private var isWorldNew = true
  private var plan: PeerPlan?
  private var reconciler: MeshReconciler
  private var knownKeys: MeshIdentityFile.Keys?
  private var address: MeshAddress?
  private var device: MeshReport.Device?
  /// Whether something may have been installed on the machine, though the device didn't come to be.
  private var isOpen = false
  private var ownAddresses: [IPPrefix] = []
  /// Whether an address of this node changed and the device wasn't given its endpoints again since.
  private var hasMoved = false
  private var lastPass: Duration = .zero
  private var passCount: UInt64 = 0
  private var problem: MeshReport.Problem?
  private var disputes: [MeshReport.Dispute] = []
  private var published: LocalKubeSpan?
  /// Since when peers aren't up, by public key.
  private var downSince: [String: Duration] = [:]
  private var harvested: [NodeIdentity: [IPEndpoint]] = [:]
  private var nextHarvest: Duration = .zero
  private var remembered: [NodeIdentity: IPEndpoint]
  private var nextMemory: Duration = .zero

  /// This node's mesh; off while it has no definition.
  ///
  /// - Parameters:
  ///   - keys: reads this node's keys, or makes them. Called again after it has thrown.
  ///   - machine: what the mesh stands on.
  package init(
    _ nodeID: NodeIdentity, _ definition: Definition?,
    keys: @escaping @Sendable (KubeSpanSettings) throws -> MeshIdentityFile.Keys, machine: any MeshMachine,
    outlets: Outlets, time: TimeSource = TimeSource(),
    now: @escaping @Sendable () -> Timestamp = { .now() }, logger: Logger
  ) {
    self.nodeID = nodeID
    self.definition = definition
    self.keys = keys
    self.machine = machine
    self.outlets = outlets
    self.time = time
    self.now = now
    self.logger = logger
    do throws(FileError) {
      remembered = try outlets.lastGood?.read() ?? [:]
    } catch {
      remembered = [:]
      logger.warning("where peers were up last isn't known", metadata: ["error": "\(error)"])
    }
    reconciler = MeshReconciler(lastGood: remembered)
  }

  // MARK: Running

  /// Takes on another definition; nil: the mesh is given up.
  package func apply(_ definition: Definition?) {
    guard definition != self.definition else { return }
    if definition?.settings.identityFile != self.definition?.settings.identityFile { knownKeys = nil }
    self.definition = definition
    isWorldNew = true
    wake.notify()
  }

  /// Takes on another state of the cluster.
  package func take(_ world: MeshWorld) {
    guard world != self.world else { return }
    self.world = world
    isWorldNew = true
    wake.notify()
  }

  /// Takes on each state of the cluster, until there are no more.
  package func follow(_ snapshots: ClusterSnapshots) async {
    for await snapshot in snapshots {
      self.snapshot = snapshot
      wake.notify()
      // A cluster in turmoil changes a thousand times a second.
      try? await time.sleep(Self.shortestPause)
    }
  }

  /// Keeps the mesh until the task is cancelled, and leaves it standing then: ``leave()`` comes once others know that
  /// this node goes.
  package func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [machine, wake] in
        for await _ in machine.networkChanges() { wake.notify() }
      }
      while !Task.isCancelled {
        let seen = wake.value
        let pause = await pass()
        try? await time.sleep(Self.shortestPause)
        await time.wait(for: pause - Self.shortestPause, or: wake, after: seen)
      }
      group.cancelAll()
    }
    remember(isLast: true)
  }

  /// Gives the mesh up: removes all that was installed, or, where `keepOnExit` says so, leaves it for the next process.
  ///
  /// - Parameter isRestarting: whether the next process comes at once, whatever the settings say.
  package func leave(isRestarting: Bool = false) async {
    remember(isLast: true)
    guard isOpen else { return }
    if isRestarting || definition?.settings.keepsOnExit == true {
      await machine.detach()
      logger.notice("the mesh stays, for the next start to take over")
    } else {
      await machine.close()
      logger.notice("the mesh is removed")
    }
    (device, isOpen) = (nil, false)
    outlets.reports.publish(nil)
  }

  /// One pass.
  ///
  /// - Returns: after how long the next one is due, where nothing changes before.
  package func pass() async -> Duration {
    guard let definition else { return await standDown() }
    passCount += 1
    do {
      let next = try await reconcile(definition)
      if problem != nil { logger.notice("the mesh is well again") }
      problem = nil
      outlets.reports.publish(latest)
      return next
    } catch {
      let message = "\(error)"
      if problem?.message != message {
        logger.error("the mesh isn't as it is to be", metadata: ["error": "\(message)"])
        problem = MeshReport.Problem(message, since: problem?.since ?? now())
      }
      var report = latest
      report.moment = now()
      report.problem = problem
      report.passCount = passCount
      outlets.reports.publish(report)
      latest = report
      return Self.retryPause
    }
  }

  /// What was reported last.
  private var latest = MeshReport(moment: Timestamp(milliseconds: 0))

  private func standDown() async -> Duration {
    if isOpen {
      await machine.close()
      (device, isOpen) = (nil, false)
      reconciler = MeshReconciler(lastGood: remembered)
      (plan, disputes, problem, downSince) = (nil, [], nil, [:])
      logger.notice("the mesh is given up: kubespan is off")
    }
    if published != nil {
      published = nil
      outlets.amendment.set(nil)
    }
    if !harvested.isEmpty {
      harvested = [:]
      outlets.harvest([:])
    }
    outlets.reports.publish(nil)
    return .seconds(3600)
  }

  private func reconcile(_ definition: Definition) async throws -> Duration {
    let settings = definition.settings
    let keys = try knownKeys ?? self.keys(settings)
    knownKeys = keys
    let network = try machine.network()
    let address = try MeshAddress(
      settings, clusterID: definition.clusterID, nodeID: nodeID, network: network)
    if address != self.address {
      self.address = address
      isWorldNew = true
      logger.notice(
        "this node's KubeSpan address",
        metadata: ["address": "\(address.address)", "note": "\(address.note ?? "by its hardware address")"])
    }
    latest.identity = MeshIdentity(
      address: IPPrefix(host: address.address), subnet: address.prefix.network, publicKey: keys.publicKey)

    if let snapshot {
      let world = MeshWorld(snapshot, keepFor: settings.keepsPeersFor)
      if world != self.world { (self.world, isWorldNew) = (world, true) }
      self.snapshot = nil
    }
    isOpen = true
    device = try await machine.open(settings, address: address.prefix)
    latest.device = device

    let own = network.addresses(besides: settings.interface)
    if own != ownAddresses {
      if !ownAddresses.isEmpty { hasMoved = true }
      ownAddresses = own
    }
    let plan = plan(keys, address)
    let state = try await machine.read()
    let moment = max(time.elapsed, lastPass + .nanoseconds(1))
    lastPass = moment
    var input = MeshReconciler.Input(
      specs: plan.specs,
      ranking: EndpointRanking(
        filter: settings.peerEndpointFilter, tunnel: address.prefix.network, ownAddresses: own),
      device: state, now: moment, wallClock: now(), ownAddressChanged: hasMoved)
    input.isComplete = world.isKnown
    let pass = reconciler.pass(input, MeshSettings(settings, keys, definition.secret))
    if !pass.changes.isEmpty {
      try await machine.apply(pass.changes)
      try check(try await machine.read(), against: pass.device)
    }
    hasMoved = false
    // Before anything is known, what was marked before a restart stays so: nothing is to go in clear meanwhile.
    if world.isKnown || !plan.specs.isEmpty { try await machine.mark(pass.marked) }
    publishOwnPart(settings, keys, address, network)
    await report(plan, pass, address, settings)
    return max(pass.nextCheck - time.elapsed, .zero)
  }

  // MARK: Parts of a pass

  private func plan(_ keys: MeshIdentityFile.Keys, _ address: MeshAddress) -> PeerPlan {
    if let plan, !isWorldNew { return plan }
    let plan = PeerPlan(
      affiliates: world.affiliates,
      local: PeerPlan.LocalPeer(
        nodeID: nodeID, publicKey: keys.publicKey, address: address.address), stale: world.stale)
    self.plan = plan
    isWorldNew = false
    noteDisputes(plan.conflicts)
    return plan
  }

  /// Says of each contradiction once that it came, and once that it is over.
  private func noteDisputes(_ conflicts: [PeerConflict]) {
    let before = Dictionary(disputes.map { ($0.conflict, $0.since) }) { first, _ in first }
    disputes = conflicts.map { conflict in
      if let since = before[conflict] { return MeshReport.Dispute(conflict, since: since) }
      logger.warning("peers contradict each other", metadata: ["conflict": "\(conflict)"])
      return MeshReport.Dispute(conflict, since: now())
    }
    let over = Set(before.keys).subtracting(conflicts)
    for conflict in over.map(\.description).sorted() {
      logger.notice("peers don't contradict each other any more", metadata: ["conflict": "\(conflict)"])
    }
    for case .samePublicKey(let key, _) in over { reconciler.endDispute(of: key) }
  }

  /// Others are told of this node once it can be reached: before, what they sent into the tunnel would be lost.
  private func publishOwnPart(
    _ settings: KubeSpanSettings, _ keys: MeshIdentityFile.Keys, _ address: MeshAddress,
    _ network: LocalNetwork
  ) {
    let part = LocalKubeSpan(
      publicKey: keys.publicKey, address: address.address,
      port: device?.listenPort.nonZero ?? settings.listenPort, publicAddresses: world.publicAddresses,
      podNetworks: network.podNetworks, settings: settings)
    guard part != published else { return }
    published = part
    outlets.amendment.set { part.amend(&$0) }
  }

  /// What the device didn't take of what it was given: a failure half way leaves what came before, and some of what it
  /// refuses it merely ignores.
  private func check(_ state: DeviceState, against desired: DesiredDevice) throws {
    var settled = desired
    for position in settled.peers.indices {
      let peer = settled.peers[position]
      // Any endpoint will do: a peer may have answered from another one already.
      if peer.endpoint.endpoint != nil, state.peers[peer.publicKey]?.endpoint != nil {
        settled.peers[position].endpoint = .keep
      }
    }
    let rest = DeviceDifference(from: state, to: settled)
    guard !rest.isEmpty else { return }
    throw MeshError("the device didn't take \(rest.subject): it is configured again")
  }

  private func report(
    _ plan: PeerPlan, _ pass: MeshPass, _ address: MeshAddress, _ settings: KubeSpanSettings
  ) async {
    var report = MeshReport(moment: now())
    report.identity = latest.identity
    report.device = device
    report.specs = plan.specs
    report.statuses = pass.statuses
    report.harvested = pass.harvested
    report.isHarvesting = settings.harvestsExtraEndpoints
    report.omissions = plan.omissions
    report.disputes = disputes
    report.kept = world.kept
    report.passCount = passCount
    report.warnings = await machine.warnings() + [address.note, knownKeys?.warning].compactMap { $0 }
    report.overdue = overdue(pass.statuses, after: settings.degradedAfter)
    latest = report
    note(pass.statuses)
    harvest(pass.harvested, isOn: settings.harvestsExtraEndpoints)
    remembered = pass.lastGood
    remember()
  }

  private func overdue(_ statuses: [PeerStatus], after limit: Duration) -> [NodeIdentity] {
    var since: [String: Duration] = [:]
    var overdue: [NodeIdentity] = []
    for status in statuses where status.state != .up {
      let start = downSince[status.publicKey] ?? lastPass
      since[status.publicKey] = start
      if lastPass - start >= limit { overdue.append(status.nodeID) }
    }
    downSince = since
    return overdue
  }

  /// How each peer was said to be last, by public key.
  private var noted: [String: PeerState] = [:]

  private func note(_ statuses: [PeerStatus]) {
    var states: [String: PeerState] = [:]
    for status in statuses {
      states[status.publicKey] = status.state
      let before = noted[status.publicKey]
      guard status.state != before, status.state != .unknown || before == .up else { continue }
      var metadata: Logger.Metadata = [
        "node": "\(status.label.isEmpty ? status.nodeID.text : status.label)", "state": "\(status.state)",
      ]
      if let endpoint = status.endpoint { metadata["endpoint"] = "\(endpoint)" }
      logger.info("a peer", metadata: metadata)
    }
    noted = states
  }

  private func harvest(_ found: [HarvestedEndpoint], isOn: Bool) {
    var endpoints: [NodeIdentity: [IPEndpoint]] = [:]
    if isOn { for endpoint in found { endpoints[endpoint.nodeID, default: []].append(endpoint.endpoint) } }
    guard endpoints != harvested, time.elapsed >= nextHarvest else { return }
    harvested = endpoints
    nextHarvest = time.elapsed + Self.harvestPause
    outlets.harvest(endpoints)
  }

  /// What the file says.
  private var written: [NodeIdentity: IPEndpoint]?

  private func remember(isLast: Bool = false) {
    guard let file = outlets.lastGood, remembered != (written ?? [:]),
      isLast || time.elapsed >= nextMemory
    else { return }
    nextMemory = time.elapsed + Self.memoryPause
    do throws(FileError) {
      try file.write(remembered)
      written = remembered
    } catch {
      logger.warning("where peers were up last isn't kept", metadata: ["error": "\(error)"])
    }
  }
}

/// Why the mesh isn't as it is to be: one line that names what, and what would be right.
package struct MeshError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

extension MeshSettings {
  fileprivate init(_ settings: KubeSpanSettings, _ keys: MeshIdentityFile.Keys, _ secret: DeviceKey) {
    self.init(privateKey: keys.privateKey, presharedKey: secret)
    listenPort = settings.listenPort
    firewallMark = settings.deviceMark
    allowsBypass = settings.allowsDownPeerBypass
    timings.keepAlive = settings.keepAlive
  }
}

extension DeviceDifference {
  /// What differs, in words.
  fileprivate var subject: String {
    var parts: [String] = []
    if privateKey != nil { parts.append("its private key") }
    if let listenPort { parts.append("the port \(listenPort)") }
    if firewallMark != nil { parts.append("its mark") }
    for step in steps.prefix(3) {
      switch step {
      case .remove(let key): parts.append("that the peer \(key) goes")
      case .add(let peer): parts.append("the peer \(peer.publicKey)")
      case .update(let update): parts.append("a change of the peer \(update.publicKey)")
      }
    }
    if steps.count > 3 { parts.append("\(steps.count - 3) more") }
    return parts.joined(separator: ", ")
  }
}

extension UInt16 {
  fileprivate var nonZero: UInt16? { self == 0 ? nil : self }
}

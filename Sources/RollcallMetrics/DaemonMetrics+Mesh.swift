import ClusterModel
import KubeSpan

extension DaemonMetrics {
  /// The most peers that have series of their own; what others have is counted as `other`.
  static let maximumPeers = 100
  /// What peers beyond ``maximumPeers`` are called, which no nodename is.
  private static let otherPeers = "other"

  /// The families of the WireGuard mesh; nil: there is none, and they have no samples.
  func writeMesh(_ report: MeshReport?, to writer: inout FamilyWriter) {
    let statuses = report?.statuses ?? []
    let names = Self.names(of: statuses)
    func totals(_ family: MetricFamily, _ value: (PeerStatus) -> UInt64) {
      writer.start(family)
      var others: UInt64 = 0
      for (index, status) in statuses.enumerated() {
        if index < names.count {
          writer.sample([("peer", names[index])], "\(value(status))")
        } else {
          others = others.addingReportingOverflow(value(status)).partialValue
        }
      }
      if statuses.count > names.count { writer.sample([("peer", Self.otherPeers)], "\(others)") }
    }
    writer.start(.meshUp)
    if let report { writer.sample([], report.problem == nil ? "1" : "0") }
    writer.start(.meshProblem)
    if let problem = report?.problem { writer.sample([], problem.since.metricSeconds) }
    writer.start(.meshPasses)
    if let report { writer.sample([], "\(report.passCount)") }
    writer.start(.meshPeers)
    if report != nil {
      for state in PeerState.allCases {
        writer.sample([("state", state.rawValue)], "\(statuses.count { $0.state == state })")
      }
    }
    writer.start(.meshOverdue)
    if let report { writer.sample([], "\(report.overdue.count)") }
    writer.start(.meshHandshakeAge)
    for (name, status) in zip(names, statuses) {
      guard let age = status.handshakeAge else { continue }
      writer.sample([("peer", name)], "\(Double(age.components.seconds))")
    }
    totals(.meshReceived) { $0.receivedBytes }
    totals(.meshSent) { $0.sentBytes }
    totals(.meshEndpointChanges) { UInt64(max(0, $0.endpointChanges)) }
    writer.start(.meshDisputes)
    if let report {
      for (kind, count) in Self.disputes(in: report) { writer.sample([("kind", kind)], "\(count)") }
    }
  }

  /// What the first peers are called, each otherwise: by nodename, else by identity.
  private static func names(of statuses: [PeerStatus]) -> [String] {
    var names: [String] = []
    var seen: Set<String> = [otherPeers, ""]
    for status in statuses.prefix(maximumPeers) {
      names.append(seen.insert(status.label).inserted ? status.label : status.nodeID.text)
    }
    return names
  }

  private static func disputes(in report: MeshReport) -> [(kind: String, count: Int)] {
    var counts = ["address": 0, "emptied": 0, "overlap": 0, "publicKey": 0]
    for dispute in report.disputes {
      let kind =
        switch dispute.conflict {
        case .overlap: "overlap"
        case .sameAddress: "address"
        case .samePublicKey: "publicKey"
        case .emptied: "emptied"
        }
      counts[kind, default: 0] += 1
    }
    return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

extension Timestamp {
  /// Seconds since 1970, as Prometheus has them.
  var metricSeconds: String { "\(Double(milliseconds) / 1000)" }
}

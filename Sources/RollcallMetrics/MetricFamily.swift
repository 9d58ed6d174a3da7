import Exposition

/// The families of the daemon's metrics, in the order of the page.
enum MetricFamily: String, CaseIterable {
  case buildInfo = "rollcall_build_info"
  case registryState = "rollcall_registry_state"
  case aspectHealthy = "rollcall_registry_aspect_healthy"
  case records = "rollcall_registry_records"
  case absentMembers = "rollcall_registry_absent_members"
  case updates = "rollcall_registry_updates_total"
  case registryErrors = "rollcall_registry_errors_total"
  case restarts = "rollcall_registry_restarts_total"
  case lastSuccess = "rollcall_registry_last_success_timestamp_seconds"
  case pollDuration = "rollcall_registry_poll_duration_seconds"
  case mergeDelay = "rollcall_registry_merge_delay_seconds"
  case publications = "rollcall_publications_total"
  case publicationAccepted = "rollcall_publication_accepted"
  case publicationTime = "rollcall_publication_last_success_timestamp_seconds"
  case members = "rollcall_members"
  case tombstones = "rollcall_tombstones"
  case missingSince = "rollcall_member_missing_since_timestamp_seconds"
  case transitions = "rollcall_member_transitions_total"
  case flapping = "rollcall_members_flapping"
  case nodesBySources = "rollcall_nodes_by_sources"
  case conflicts = "rollcall_conflicts"
  case watchers = "rollcall_watchers"
  case resyncs = "rollcall_watch_resyncs_total"
  case requests = "rollcall_http_requests_total"
  case requestDuration = "rollcall_http_request_duration_seconds"
  case tableRevision = "rollcall_table_revision_total"
  case cacheAge = "rollcall_cache_age_seconds"
  case cacheRecords = "rollcall_cache_records"
  case cacheErrors = "rollcall_cache_write_errors_total"
  case cacheDamaged = "rollcall_cache_damaged"
  case outputWrites = "rollcall_output_writes_total"
  case outputHeld = "rollcall_output_held"
  case outputTime = "rollcall_output_last_write_timestamp_seconds"
  case commandRuns = "rollcall_command_runs_total"
  case commandDuration = "rollcall_command_duration_seconds"
  case reloadSuccessful = "rollcall_config_last_reload_successful"
  case reloadTime = "rollcall_config_last_reload_success_timestamp_seconds"
  case droppedLines = "rollcall_log_lines_dropped_total"
  case meshUp = "rollcall_kubespan_up"
  case meshProblem = "rollcall_kubespan_problem_since_timestamp_seconds"
  case meshPasses = "rollcall_kubespan_passes_total"
  case meshPeers = "rollcall_kubespan_peers"
  case meshOverdue = "rollcall_kubespan_peers_overdue"
  case meshHandshakeAge = "rollcall_kubespan_peer_handshake_age_seconds"
  case meshReceived = "rollcall_kubespan_peer_receive_bytes_total"
  case meshSent = "rollcall_kubespan_peer_transmit_bytes_total"
  case meshEndpointChanges = "rollcall_kubespan_peer_endpoint_changes_total"
  case meshDisputes = "rollcall_kubespan_disputes"

  var kind: ExpositionText.Kind {
    switch self {
    case .updates, .registryErrors, .restarts, .publications, .transitions, .resyncs, .requests,
      .tableRevision, .cacheErrors, .outputWrites, .commandRuns, .droppedLines,
      .meshPasses, .meshReceived, .meshSent, .meshEndpointChanges:
      .counter
    case .pollDuration, .mergeDelay, .requestDuration, .commandDuration: .histogram
    default: .gauge
    }
  }

  var help: String {
    switch self {
    case .buildInfo: "Version of the daemon."
    case .registryState:
      "Whether the registry is in this state, one of starting, synced, degraded, failed, disabled."
    case .aspectHealthy: "Whether an aspect of the registry works: reading, content, publishing, credentials."
    case .records: "Raw records of the registry in the merge, by presence."
    case .absentMembers: "Listed members that the registry has no record of."
    case .updates: "Updates taken from the registry, by kind: snapshot, upsert, remove."
    case .registryErrors: "Problems that the registry reported, and runs that ended with one."
    case .restarts: "Runs of the registry that ended with an error."
    case .lastSuccess: "When the registry last reached what it asks."
    case .pollDuration: "How long a poll or list took."
    case .mergeDelay: "From a registry's event to the merged view."
    case .publications: "Attempts to publish this node, by outcome."
    case .publicationAccepted: "Whether the registry has accepted what this node publishes now."
    case .publicationTime: "When the registry last accepted it."
    case .members: "Listed members by state."
    case .tombstones: "Kept tombstones by state."
    case .missingSince:
      "Since when the member is missing, listed or tombstone; at most 100 of them, the newest."
    case .transitions: "Transitions of members into a state."
    case .flapping: "Members that flap."
    case .nodesBySources: "Nodes by how many registries have a fresh record of them."
    case .conflicts: "Conflicts that are there now."
    case .watchers: "Open watches."
    case .resyncs: "Watches that got everything anew, by cause."
    case .requests: "Requests answered."
    case .requestDuration: "How long answers took, streams left out."
    case .tableRevision: "Changes of the table since the start."
    case .cacheAge: "How long ago the state file was last written or found current."
    case .cacheRecords: "Records shown from the state file that no registry has confirmed yet."
    case .cacheErrors: "Failed writes of the state file."
    case .cacheDamaged: "Whether nothing could be made of the state file at the start."
    case .outputWrites: "Renderings of an output, by result: written, unchanged, held, failed."
    case .outputHeld: "Whether the output waits: the world is not known, too much would go at once, or all."
    case .outputTime: "When the output last was current."
    case .commandRuns:
      "Runs of outputs' commands and hooks, by result: ok, failed, timeout; skipped: what a hook failed to take was left out."
    case .commandDuration: "How long they took."
    case .reloadSuccessful: "Whether the last reload of the configuration was taken over."
    case .reloadTime: "When the configuration was last taken over."
    case .droppedLines: "Log lines left out by a budget."
    case .meshUp: "Whether the WireGuard mesh stands and its last pass ended."
    case .meshProblem: "Since when it doesn't."
    case .meshPasses: "Passes over the mesh."
    case .meshPeers: "Peers by state: unknown, up, down."
    case .meshOverdue: "Peers that are down for longer than kubespan.degradedAfter."
    case .meshHandshakeAge: "How old the last handshake with the peer is, by a steady clock."
    case .meshReceived: "Bytes received from the peer."
    case .meshSent: "Bytes sent to the peer."
    case .meshEndpointChanges: "How often an endpoint of the peer was chosen."
    case .meshDisputes: "Contradictions between peers by kind: address, emptied, overlap, publicKey."
    }
  }
}

/// Writes families with their samples.
struct FamilyWriter {
  private(set) var page: ExpositionText
  private var name = ""

  init(_ page: ExpositionText) { self.page = page }

  mutating func start(_ family: MetricFamily) {
    name = family.rawValue
    page.start(name, family.kind, family.help)
  }

  /// One line of the family that was started.
  mutating func sample(_ labels: [(String, String)], _ value: String) { page.sample(name, labels, value) }

  mutating func single(_ family: MetricFamily, _ labels: [(String, String)], _ value: String) {
    start(family)
    sample(labels, value)
  }

  mutating func counts(_ family: MetricFamily, _ labels: [String], _ counter: LabelledCounter) {
    start(family)
    for (values, count) in counter.all { sample(Array(zip(labels, values)), "\(count)") }
  }

  mutating func histograms(_ family: MetricFamily, _ label: String, _ histograms: LabelledHistogram) {
    start(family)
    for (values, histogram) in histograms.all { page.histogram(name, Array(zip([label], values)), histogram) }
  }
}

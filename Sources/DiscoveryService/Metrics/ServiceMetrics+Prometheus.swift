import Exposition

extension ServiceMetrics {
  /// All metrics as Prometheus reads them: the existing service's names first, then ours.
  func prometheus(_ state: StoreStatistics, _ ledger: ResourceLedger) -> String {
    var page = ExpositionText()
    page.single("discovery_state_clusters", .gauge, "Clusters with an affiliate.", state.clusters)
    page.single("discovery_state_affiliates", .gauge, "Affiliates in all clusters.", state.affiliates)
    page.single("discovery_state_endpoints", .gauge, "Endpoints of all affiliates.", state.endpoints)
    page.single("discovery_state_subscriptions", .gauge, "Open watches.", ledger.level(.watches))
    page.single(
      "discovery_state_gc_runs_total", .counter, "Looks for what has expired.", state.collections)
    page.single(
      "discovery_state_gc_clusters_total", .counter, "Clusters whose last affiliate expired.",
      state.expiredClusters)
    page.single(
      "discovery_state_gc_affiliates_total", .counter, "Affiliates that expired.", state.expiredAffiliates)
    page.single(
      "discovery_state_gc_endpoints_total", .counter, "Endpoints that expired.", state.expiredEndpoints)
    page.start("discovery_server_hello_requests_total", .counter, "Hello calls by client version.")
    for (version, count) in helloCounts {
      page.sample("discovery_server_hello_requests_total", [("client_version", version)], "\(count)")
    }
    writeCalls(to: &page)
    writeTransport(ledger, to: &page)
    return page.text
  }

  private func writeCalls(to page: inout ExpositionText) {
    let counters: [(String, String, (Method) -> Counter)] = [
      ("grpc_server_started_total", "Calls begun.", { $0.started }),
      ("grpc_server_msg_received_total", "Messages received.", { $0.received }),
      ("grpc_server_msg_sent_total", "Messages sent.", { $0.sent }),
    ]
    for (name, help, counter) in counters {
      page.start(name, .counter, help)
      for method in ServiceMethod.allCases {
        page.sample(name, Self.labels(method), "\(counter(self[method]).value)")
      }
    }
    page.start("grpc_server_handled_total", .counter, "Calls ended, by status code.")
    for method in ServiceMethod.allCases {
      for (code, counter) in zip(StatusCode.allCases, self[method].handled) where counter.value > 0 {
        page.sample(
          "grpc_server_handled_total", Self.labels(method) + [("grpc_code", code.name)], "\(counter.value)")
      }
    }
    page.start("grpc_server_handling_seconds", .histogram, "How long calls took.")
    for method in ServiceMethod.allCases {
      page.histogram("grpc_server_handling_seconds", Self.labels(method), self[method].duration)
    }
  }

  private func writeTransport(_ ledger: ResourceLedger, to page: inout ExpositionText) {
    page.single(
      "discovery_service_connections", .gauge, "Open connections.",
      ledger.level(.connections))
    page.single(
      "discovery_service_connections_total", .counter, "Connections accepted.", connectionsTotal.value)
    page.single(
      "discovery_service_page_connections", .gauge, "Open connections for pages.", pageConnections.value)
    page.single(
      "discovery_service_connection_errors_total", .counter,
      "Connections ended for a breach of the protocol.", connectionErrors.value)
    page.single("discovery_service_watchers", .gauge, "Open watches.", ledger.level(.watches))
    page.single(
      "discovery_service_notifications_total", .counter, "Changes sent to watchers.", notifications.value)
    page.single(
      "discovery_service_coalesced_updates_total", .counter,
      "States replaced by a newer one of the same affiliate before they were sent.", coalesced.value)
    page.start(
      "discovery_service_fan_out_seconds", .histogram, "From a change to its watchers' connections.")
    page.histogram("discovery_service_fan_out_seconds", [], fanOut)
    page.single(
      "discovery_service_held_bytes", .gauge, "Bytes of answers that clients have no room for yet.",
      ledger.level(.heldBytes))
    page.single(
      "discovery_service_paused_reads_total", .counter,
      "Connections not read from for a moment, as very many of their client's calls were refused.",
      pausedReads.value)
    writeShares(ledger, to: &page)
    page.start("discovery_service_rejected_total", .counter, "Calls refused, by reason.")
    for (reason, count) in rejectionCounts {
      page.sample("discovery_service_rejected_total", [("reason", reason)], "\(count)")
    }
    page.single(
      "discovery_service_snapshots_total", .counter, "Snapshot files written.", snapshotsWritten.value)
    page.single(
      "discovery_service_snapshot_failures_total", .counter, "Snapshot files that could not be written.",
      snapshotFailures.value)
    page.single(
      "discovery_service_certificate_reloads_total", .counter, "Certificates taken over from changed files.",
      certificateReloads.value)
  }

  /// What clients hold of what all share, beside what they may.
  private func writeShares(_ ledger: ResourceLedger, to page: inout ExpositionText) {
    page.single(
      "discovery_service_clients", .gauge, "Addresses (networks of IPv6) that hold anything.",
      ledger.clientCount)
    let rows: [(String, String, (SharedResource) -> Int)] = [
      ("discovery_service_in_use", "What clients hold together.", { ledger.level($0) }),
      ("discovery_service_in_use_limit", "What they may hold together.", { ledger.limits[$0].total }),
      ("discovery_service_largest_share", "The most that one of them holds.", { ledger.largestShare($0) }),
      ("discovery_service_share_limit", "What one of them may hold.", { ledger.limits[$0].perClient }),
    ]
    for (name, help, value) in rows {
      page.start(name, .gauge, help)
      for resource in SharedResource.allCases {
        page.sample(name, [("resource", resource.name)], "\(value(resource))")
      }
    }
  }

  private static func labels(_ method: ServiceMethod) -> [(String, String)] {
    [
      ("grpc_type", method == .watch ? "server_stream" : "unary"), ("grpc_service", ServiceMethod.service),
      ("grpc_method", method.rawValue),
    ]
  }
}

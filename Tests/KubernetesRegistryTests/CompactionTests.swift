import Foundation
import HTTPTransport
import KubernetesTestSupport
import Platform
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import KubernetesRegistry

/// etcd forgets old versions while a list is being read from it, page by page.
extension KubernetesIntegrationTests {
  @Test("a page whose token expired by a compaction of etcd is an expired one")
  func compaction() async throws {
    let cluster = try await Self.server()
    for index in 0..<3 {
      try await cluster.createNode("compact-\(index)", annotations: [nodeID: "compact-\(index)"])
    }
    let test = try registry(cluster.adminConfig)
    let path = test.folder.path("kubeconfig")
    let source = AccessSource { () throws(RegistryError) in AccessLocation(.files([path], mustExist: true)) }
    let connections = HTTPConnections(connectTimeout: .seconds(10))
    let client = KubernetesClient(
      source: source, connections: connections, timing: ClientTiming(), time: TimeSource(), userAgent: "test")
    do {
      var page = NodeListDecoder()
      _ = try page.feed(try await client.data(.list(limit: 1, continueToken: nil)))
      let token = try #require(try page.finish().continueToken)
      try await cluster.kubectl("create", "configmap", "compact-1")
      try await cluster.kubectl("create", "configmap", "compact-2")
      let reply = try await cluster.etcdctl("get", "/none", "-w", "json")
      struct Reply: Decodable {
        struct Header: Decodable { var revision: Int }
        var header: Header
      }
      let revision = try JSONDecoder().decode(Reply.self, from: Data(reply.utf8)).header.revision
      try await cluster.etcdctl("compact", "\(revision)")
      do {
        _ = try await client.data(.list(limit: 1, continueToken: token))
        Issue.record("the token was still good")
      } catch let error as APIError {
        #expect(error.kind == .expired, "\(error)")
      }
    }
    await connections.close()
    try await cluster.kubectl("delete", "node", "compact-0", "compact-1", "compact-2")
  }

  @Test(
    "a compaction of etcd between two pages has the list read again, with nothing applied of the first half")
  func compactedOnce() async throws {
    let cluster = try await Self.server()
    try await compacting(cluster, from: 2, to: 2) { recorder, requests in
      let record = try await recorder.wait(for: "all nodes") { $0.ids() != nil && $0.isHealthy }
      expectWhole(record)
      #expect(record.log.count { $0.contains("reading all nodes again") } == 1)
      // The first page, the second one that had expired, and all pages once more.
      try await eventually("these requests, and the watch's") { try requests() >= 2 + 3 }
    }
  }

  @Test("where every page has expired before it is asked for, all nodes are read at once")
  func compactedAlways() async throws {
    let cluster = try await Self.server()
    try await compacting(cluster, from: 2, to: .max) { recorder, requests in
      let record = try await recorder.wait(for: "all nodes") { $0.ids() != nil && $0.isHealthy }
      expectWhole(record)
      #expect(record.log.count { $0.contains("reading all nodes again") } == 2)
      // Twice a first page and an expired one, then the whole list, then the watch.
      try await eventually("the watch") { try requests() == 6 }
      try await cluster.kubectl("annotate", "node", "compact-0", "\(selfIPs)=10.4.0.1")
      try await recorder.wait(for: "a change") { $0.affiliate("compact-0")?.addresses.count == 1 }
    }
  }

  private func expectWhole(_ record: SessionRecord) {
    #expect(Set(record.ids() ?? []).isSuperset(of: (0..<3).map { "compact-\($0)" }))
    #expect(record.updates.count == 1, "one snapshot, of all")
    #expect(record.errors == [])
  }

  /// Runs a registry that reads three Nodes one by one, while etcd is compacted before each of its requests
  /// from the `first` to the `last`.
  ///
  /// Its credentials come from a program, and are too old as soon as they are printed: so the program runs
  /// before each request, and is what compacts.
  ///
  /// - Parameter body: is given the registry's recorder, and how many requests there were.
  private func compacting(
    _ cluster: TestCluster, from first: Int, to last: Int,
    _ body: @escaping @Sendable (SessionRecorder, @Sendable () throws -> Int) async throws -> Void
  ) async throws {
    for index in 0..<3 {
      try await cluster.createNode("compact-\(index)", annotations: [nodeID: "compact-\(index)"])
    }
    var test = try registry("")
    let (folder, count) = (test.folder, test.folder.path("count"))
    try folder.write("0", to: "count")
    func escaped(_ name: String) throws -> String {
      try String(contentsOfFile: cluster.path("pki/\(name)"), encoding: .utf8).replacing("\n", with: "\\n")
    }
    let credential =
      #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":"#
      + #"{"expirationTimestamp":"2020-01-01T00:00:00Z","clientCertificateData":"\#(try escaped("admin.crt"))","#
      + #""clientKeyData":"\#(try escaped("admin.key"))"}}"#
    try folder.write(credential, to: "credential")
    let program = try folder.write(
      """
      set -e
      number=$(($(cat '\(count)') + 1))
      if [ $number -ge \(first) ] && [ $number -le \(last) ]; then
        put=$(etcdctl put /rollcall-tests/compaction $number --write-out json)
        etcdctl compact $(echo "$put" | sed 's/.*"revision":\\([0-9]*\\).*/\\1/') >&2
      fi
      echo $number >'\(count)'
      cat '\(folder.path("credential"))'

      """, to: "credentials.sh")
    let etcd =
      #"[{name: ETCDCTL_API, value: "3"}, {name: ETCDCTL_ENDPOINTS, value: "\#(try cluster.etcdEndpoint)"}]"#
    try folder.write(
      cluster.config(
        user:
          "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: [\"\(program)\"], "
          + "env: \(etcd), interactiveMode: Never}}"),
      to: "kubeconfig")
    test.registry.timing.pageSize = 1
    try await test.run { recorder in
      try await body(recorder) {
        Int(try String(contentsOfFile: count, encoding: .utf8).trimmed) ?? 0
      }
    }
    try await cluster.kubectl("delete", "node", "compact-0", "compact-1", "compact-2")
  }
}

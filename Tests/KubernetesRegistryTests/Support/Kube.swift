import ClusterModel
import Foundation
import Logging
import Platform
import RegistryKit
import RegistryTestSupport
import TestSupport

@testable import KubernetesRegistry

/// Kubernetes' JSON, written by hand.
enum Kube {
  /// A Node with an identity (unless that is nil), with `more` annotations and `conditions` in JSON.
  static func node(
    _ name: String, id: String? = nil, version: Int, hostname: String = "", more: [String: String] = [:],
    conditions: String = "[]"
  ) -> String {
    var annotations = more
    if let id { annotations[NodeAnnotation.nodeID.rawValue] = id }
    let list = annotations.sorted { $0.key < $1.key }.map {
      "\(CompactJSON.of($0.key)):\(CompactJSON.of($0.value))"
    }
    let addresses =
      hostname.isEmpty
      ? "" : #"{"type":"InternalIP","address":"10.0.0.9"},{"type":"Hostname","address":"\#(hostname)"}"#
    return #"{"kind":"Node","apiVersion":"v1","metadata":{"name":"\#(name)","uid":"uid-\#(name)","#
      + #""resourceVersion":"\#(version)","labels":{"a":"b"},"annotations":{\#(list.joined(separator: ","))}},"#
      + #""status":{"addresses":[\#(addresses)],"conditions":\#(conditions),"nodeInfo":{"osImage":"Debian"}}}"#
  }

  static func list(_ nodes: [String], version: Int, continueToken: String? = nil) -> String {
    let token = continueToken.map { #","continue":"\#($0)","remainingItemCount":1"# } ?? ""
    return
      #"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"\#(version)"\#(token)},"items":["#
      + nodes.joined(separator: ",") + "]}\n"
  }

  static func event(_ type: String, _ object: String) -> String {
    #"{"type":"\#(type)","object":\#(object)}"# + "\n"
  }

  static func bookmark(_ version: Int, isEnd: Bool = false) -> String {
    let annotations = isEnd ? #","annotations":{"k8s.io/initial-events-end":"true"}"# : ""
    return event(
      "BOOKMARK",
      #"{"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"\#(version)","creationTimestamp":null\#(annotations)},"spec":{},"status":{}}"#
    )
  }

  static func status(_ code: Int, reason: String, message: String) -> String {
    #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":\#(CompactJSON.of(message)),"#
      + #""reason":"\#(reason)","code":\#(code)}"#
  }

  static func version(_ minor: String) -> String { #"{"major":"1","minor":"\#(minor)"}"# }

  /// A kubeconfig of one context without credentials.
  static func config(server: String, user: String = "{}") -> String {
    """
    clusters: [{name: c, cluster: {server: "\(server)"}}]
    users: [{name: u, user: \(user)}]
    contexts: [{name: x, context: {cluster: c, user: u}}]
    current-context: x

    """
  }
}

/// A registry for a test, with waits that are short.
struct TestRegistry {
  let folder: TemporaryFolder
  let recorder = SessionRecorder()
  private let localNodeID: String?
  var registry: KubernetesRegistry

  init(
    config: String, localNodeID: String? = nil, options: (inout KubernetesOptions) -> Void = { _ in },
    timing: (inout InformerTiming) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    try folder.write(config, to: "kubeconfig")
    let all = KubernetesOptions {
      $0.kubeconfig = "kubeconfig"
      $0.sendInitialEvents = false
      options(&$0)
    }
    self.localNodeID = localNodeID
    registry = try KubernetesRegistry(
      options: all,
      context: RegistryContext(
        name: "kubernetes", baseDirectory: folder.path, logger: recorder.logger))
    registry.environment = [:]
    registry.timing.backoff = Backoff(
      initial: .milliseconds(10), maximum: .milliseconds(200), factor: 2)
    registry.timing.settled = .milliseconds(200)
    timing(&registry.timing)
  }

  /// Runs the registry while `body` does.
  func run(
    clock: any Clock<Duration> = ContinuousClock(),
    _ body: @Sendable @escaping (SessionRecorder) async throws -> Void
  ) async throws {
    let recorder = recorder
    try await recorder.run(registry, localNodeID: localNodeID, clock: clock) { try await body(recorder) }
  }
}

import Foundation
import TestSupport

/// What an administrator of the cluster does.
extension TestCluster {
  /// What kubectl prints, as the administrator.
  @discardableResult
  public func kubectl(_ arguments: String..., input: String? = nil) async throws -> String {
    try await kubectl(arguments, input: input)
  }

  @discardableResult
  public func kubectl(_ arguments: [String], input: String? = nil) async throws -> String {
    var arguments = ["--kubeconfig", path("kubeconfig")] + arguments
    let folder = try TemporaryFolder()
    if let input { arguments += ["-f", try folder.write(input, to: "input.yaml")] }
    let result = try await ChildProcess.run("kubectl", arguments, within: .seconds(120))
    guard result.status == 0 else { throw Failure(description: "kubectl \(arguments): \(result)") }
    return result.output
  }

  /// A Node without a kubelet.
  ///
  /// - Parameter status: what a kubelet would tell of it, as YAML in one line.
  public func createNode(
    _ name: String, labels: [String: String] = [:], annotations: [String: String] = [:], status: String = "{}"
  ) async throws {
    func mapping(_ pairs: [String: String]) -> String {
      "{" + pairs.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ", ") + "}"
    }
    // Of what a kubelet tells kubectl would miss most.
    try await kubectl(
      "create", "--validate=false",
      input: """
        apiVersion: v1
        kind: Node
        metadata: {name: \(name), labels: \(mapping(labels)), annotations: \(mapping(annotations))}
        status: \(status)

        """)
  }

  /// A service account's token, by the API that kubelets use.
  public func token(of account: String, namespace: String) async throws -> String {
    let reply = try await kubectl(
      "create", "--raw", "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token",
      input:
        #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}"#)
    struct Reply: Decodable {
      struct Status: Decodable { var token: String }
      var status: Status
    }
    return try JSONDecoder().decode(Reply.self, from: Data(reply.utf8)).status.token
  }

  /// Creates what the JSON files `files` hold at `path` of the API, several at a time.
  public func create(_ files: [String], at path: String) async throws {
    let folder = try TemporaryFolder()
    let transfers = files.map { file in
      """
      url = "\(url)\(path)"
      cacert = "\(self.path("pki/ca.crt"))"
      cert = "\(self.path("pki/admin.crt"))"
      key = "\(self.path("pki/admin.key"))"
      header = "Content-Type: application/json"
      data-binary = "@\(file)"
      output = "\(folder.path("answer"))"
      fail-with-body

      """
    }
    let config = try folder.write(transfers.joined(separator: "next\n"), to: "curl")
    let result = try await ChildProcess.run(
      "curl", ["--silent", "--show-error", "--parallel", "--parallel-max", "8", "--config", config],
      within: .seconds(180))
    guard result.status == 0 else {
      let answer = (try? String(contentsOfFile: folder.path("answer"), encoding: .utf8)) ?? ""
      throw Failure(description: "curl: \(result.status) \(result.errors.prefix(500)) \(answer.prefix(1000))")
    }
  }

  /// etcd's URL.
  public var etcdEndpoint: String {
    get throws {
      try String(contentsOfFile: path("etcd.url"), encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  /// etcd's own command.
  @discardableResult
  public func etcdctl(_ arguments: String...) async throws -> String {
    let result = try await ChildProcess.run(
      "etcdctl", ["--endpoints", try etcdEndpoint] + arguments, environment: ["ETCDCTL_API": "3"])
    guard result.status == 0 else { throw Failure(description: "etcdctl \(arguments): \(result)") }
    return result.output
  }
}

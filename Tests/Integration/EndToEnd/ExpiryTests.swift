import ClusterModel
import DiscoveryGRPC
import DiscoveryProtocol
import Foundation
import GRPCCore
import Sealing
import TestSupport
import Testing

@Suite("What nodes see of the end of a ttl", .timeLimit(.minutes(2)))
struct ExpiryTests {
  @Test(
    "the end of an endpoint drops nobody; the end of its node does, on time, though the service is asked first"
  )
  func endpointThenNode() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve("--gc-interval", "1m")
    let one = try cluster.node("one")
    try await eventually("the node is in sync") {
      one.members == ["one"] && one.logged(" synced ").count == 1
    }

    let cipher = AffiliateCipher(key: try ClusterKey(base64: try cluster.secret("secret")))
    let ghost = Affiliate(nodeID: try NodeIdentity("ghost"), nodename: "ghost", machineType: .worker)
    let data = Data(try cipher.seal(PlainAffiliate(ghost)))
    let endpoints = try ["192.0.2.1:51820", "192.0.2.2:51820"].map {
      Data(try cipher.seal(try IPEndpoint($0)))
    }
    let clusterID = try cluster.secret("id")
    let clock = ContinuousClock()
    let before = clock.now
    try await cluster.tell(
      .with {
        $0.clusterID = clusterID
        $0.affiliateID = "ghost"
        $0.affiliateData = data
        $0.affiliateEndpoints = [endpoints[0]]
        $0.ttl.seconds = 8
      })
    let after = clock.now
    // An endpoint that ends earlier than its node.
    try await cluster.tell(
      .with {
        $0.clusterID = clusterID
        $0.affiliateID = "ghost"
        $0.affiliateEndpoints = [endpoints[1]]
        $0.ttl.seconds = 2
      })
    try await eventually("it is a member") { one.members == ["one", "ghost"] }
    try await eventually("its endpoint has ended", within: .seconds(6)) {
      try await endpointsShown(cluster) == "192.0.2.1:51820"
    }
    #expect(clock.now - before >= .seconds(2) && one.members == ["one", "ghost"])

    // The half second of any drop, a fifth of one until the service is asked whether the node is really gone, and what
    // a machine may lose that other tests keep busy.
    let limit = Duration.milliseconds(8700) + .seconds(10)
    try await eventually("it is dropped", within: limit) { one.members == ["one"] }
    let dropped = clock.now
    #expect(dropped - before >= .seconds(8) && dropped - after <= limit)
    #expect(one.logged(" member left ").count == 1 && service.isRunning)
  }

  @Test("a snapshot that can't be written for long holds up nothing, on a single core too")
  func slowSnapshot() async throws {
    let cluster = try await ProcessCluster()
    // Whoever writes to a pipe that nobody reads waits.
    try #require(mkfifo(cluster.folder.path("state.new"), 0o600) == 0)
    let service = try ChildProcess(
      "taskset",
      [
        "-c", "0", BuiltProducts.rollcall, "serve", "--addr", "127.0.0.1:\(cluster.port)", "--landing-addr",
        "",
        "--metrics-addr", "", "--snapshot-path", cluster.folder.path("state"), "--snapshot-interval", "10ms",
      ])
    try await eventually("it listens") { service.errorsSoFar.contains("the discovery service listens") }
    let clock = ContinuousClock()
    let late = try await cluster.withClient { client in
      try await client.watch(.with { $0.clusterID = "c" }) { response in
        var answers = response.messages.makeAsyncIterator()
        _ = try await answers.next()
        _ = try await client.affiliateUpdate(
          .with {
            $0.clusterID = "c"
            $0.affiliateID = "a"
            $0.affiliateData = Data([1])
            $0.ttl.seconds = 2
          })
        let due = clock.now + .seconds(2)
        while let answer = try await answers.next(), !answer.deleted {}
        return clock.now - due
      }
    }
    #expect(late < .milliseconds(500), "\(late)")
    service.signal(SIGKILL)
  }

  private func endpointsShown(_ cluster: ProcessCluster) async throws -> String {
    try await Command.output(
      "get affiliates ghost --state state -o jsonpath={.spec.kubespan.endpoints[*]}",
      in: cluster.folder.path("one")
    ).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

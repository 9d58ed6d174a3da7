import ClusterModel
import ClusterResources
import KubeSpan
import MeshTestSupport
import Testing

@testable import RollcallCommand

@Suite("The mesh for a person")
struct KubeSpanTextTests {
  private let plain = Style(isColoured: false)

  private func document(_ change: (inout MeshReport) throws -> Void = { _ in }) throws -> ResourceValue {
    var report = try SampleMesh.report()
    try change(&report)
    let metadata: ResourceValue = ["now": .time(SampleMesh.now)]
    // As it comes over the socket.
    return try ResourceValue(
      json: DocumentBytes(.present([("metadata", metadata)] + MeshDocument(report).fields)).bytes)
  }

  @Test("a table says of each peer how it is and why it isn't up, within 80 columns")
  func table() throws {
    let text = KubeSpanText.table(try document(), plain, width: 80)
    #expect(
      text == """
        address     fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94/128
        public key  Oak2fBEWngBhwslBxDVgnRNHXs88OAp4kjroSX0uqUE=
        device      kubespan (userspace), port 51820, MTU 1420
        peers       4: 1 up, 2 unknown, 1 down, 1 for too long, 1 kept from before
        warning     rp_filter is 2 on kubespan: IPv4 out of the tunnel is dropped

        NAME  STATE    SINCE  RX     TX     SHAKE  ENDPOINT
        w-2   down     10m    0B     148B   never  [2001:db8::2]:51820
            no answer from 10.0.0.2:51820, [2001:db8::2]:51820 since
            2026-11-26T02:50:00Z
            10.244.1.0/24 goes to w-1, which has it too
        w-3   unknown  -      0B     0B     never  -
            none of its endpoints is tried: 192.168.0.3:51820 (filters.peerEndpoints
            doesn't let it pass)
        w-4   unknown  -      0B     0B     never  -
            this node's clock is behind its last handshake, 2026-11-26T04:00:00Z:
            nothing answers until it is past that
            kept from before, as no registry can be asked
        w-1   up       12m    14.3M  17.0M  34s    10.0.0.1:51820

        NODE5xxx… is no peer: it says no KubeSpan address

        """)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test("what is too long for the terminal is cut or has a line of its own", arguments: [80, 100, 200])
  func narrow(width: Int) throws {
    let long = String(repeating: "control-plane-", count: 4)
    let text = KubeSpanText.table(
      try document { report in
        for index in report.specs.indices {
          let spec = report.specs[index]
          report.specs[index] = PeerSpec(
            nodeID: spec.nodeID, publicKey: spec.publicKey, address: spec.address,
            allowedIPs: spec.allowedIPs, endpoints: spec.endpoints, label: "\(long)\(index)")
        }
        report.statuses[0].endpoint = try IPEndpoint("[fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94]:51820")
        report.problem = MeshReport.Problem(
          String(repeating: "something is wrong ", count: 20), since: SampleMesh.ago(720))
      }, plain, width: width)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= width }, "\(text)")
    #expect(text.contains("    at [fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94]:51820\n"))
    #expect(text.contains("control-plan") && text.contains("(since 02:48:00"))
  }

  @Test("a file has each peer in one line, and reasons whole")
  func file() throws {
    let text = KubeSpanText.table(try document(), plain, width: nil)
    #expect(
      text.contains("\n    no answer from 10.0.0.2:51820, [2001:db8::2]:51820 since 2026-11-26T02:50:00Z\n"))
  }

  @Test("a peer's details say what isn't tried, and that a wrong shared key can't be told from no answer")
  func detail() throws {
    let view = KubeSpanView(node: "w-2", output: .table, width: nil)
    let text = try view.text(of: try document())
    #expect(
      text == """
        w-2   down since 02:50:00 (10m)
            identity     NODE2xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx2
            public key   mB6WlFOR66Jx5rtPMIpxJ3s4XHyer9NCzqWPP7idGRo=
            address      fd83:b1f7:fcb5:2802::2
            allowed IPs  10.0.0.2/32, fd83:b1f7:fcb5:2802::2/128
            endpoint     [2001:db8::2]:51820; chosen 4 times, last 02:59:58 (2s)
            handshake    never
            traffic      0B received, 148B sent
            listed       10.0.0.2:51820
                         [2001:db8::2]:51820
            why          no answer from 10.0.0.2:51820, [2001:db8::2]:51820 since 2026-11-26T02:50:00Z
                         10.244.1.0/24 goes to w-1, which has it too
            note         that nobody answers may also be another shared key (cluster.secret), which can't be told from it, or a firewall in front of the UDP port

        """)
    #expect(
      try KubeSpanView(node: "w-3", output: .table, width: nil).text(of: try document()).contains(
        "listed       192.168.0.3:51820 (not tried: filters.peerEndpoints doesn't let it pass)\n"))
    let narrow = try KubeSpanView(node: "w-2", output: .table, width: 80).text(of: try document())
    #expect(narrow.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(narrow)")
  }

  @Test(
    "a node is named by its nodename, identity, public key or address",
    arguments: [
      "w-1", "NODE1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1", "NODE1", SampleMesh.keys[0],
      "fd83:b1f7:fcb5:2802::1",
    ])
  func names(name: String) throws {
    let text = try KubeSpanView(node: name, output: .table, width: nil).text(of: try document())
    #expect(text.hasPrefix("w-1   up since 02:48:01 (12m)\n"))
  }

  @Test(
    "a node that isn't there is an error that says what is",
    arguments: [
      ("w-9", "did you mean"), ("NODE", "no peer has the nodename"),
      ("NODE5xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx5", "is no peer: it says no KubeSpan address"),
    ])
  func unknown(name: String, message: String) throws {
    let error = #expect(throws: CommandError.self) {
      try KubeSpanView(node: name, output: .table, width: nil).text(of: try document())
    }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test("without a mesh the reason is the error")
  func off() throws {
    let error = #expect(throws: CommandError.self) {
      try KubeSpanView(node: nil, output: .json, width: nil).text(
        of: ["enabled": .bool(false), "reason": "KubeSpan is off: x"])
    }
    #expect(error?.description == "KubeSpan is off: x" && error?.exitCode == 1)
  }

  @Test("a watch prints what differs, and nothing where only counters moved")
  func changes() throws {
    let view = KubeSpanView(node: nil, output: .table, width: 80)
    let before = try document()
    let counted = try document { $0.statuses[0].receivedBytes += 100 }
    #expect(try view.text(of: counted, after: before) == "")
    let changed = try document { report in
      report.statuses[1].state = .up
      report.statuses[1].trouble = nil
      report.statuses[1].upSince = SampleMesh.now
      report.specs.removeLast()
      report.problem = MeshReport.Problem("nft can't be run", since: SampleMesh.now)
    }
    let shown = try view.text(of: changed, after: before)
    #expect(
      shown == """
        03:00:00
        w-2  up  0s  0B  148B  never  [2001:db8::2]:51820
            10.244.1.0/24 goes to w-1, which has it too
        w-4 is no peer any more
        problem: nft can't be run

        """)
    #expect(try view.text(of: before, after: changed).hasSuffix("\nthe problem is over\n"))
    let json = KubeSpanView(node: "w-1", output: .json, width: nil)
    #expect(try json.text(of: changed, after: before) != "")
    #expect(try json.text(of: counted, after: before) == "")
  }

  @Test(
    "bytes are in the unit that a person reads",
    arguments: [
      (0, "0B"), (1023, "1023B"), (1024, "1.0K"), (1_048_524, "1023.9K"), (1_048_575, "1.0M"),
      (15_043_220, "14.3M"), (Int64.max, "8.0E"),
    ])
  func bytes(count: Int64, text: String) { #expect(KubeSpanText.bytes(.integer(count)) == text) }

  @Test("the overview of status has the mesh in one line")
  func status() throws {
    let report = try SampleMesh.report()
    let overview: ResourceValue = [
      "kubespan": ["counts": MeshDocument(report).counts, "overdue": ["w-2"], "problem": .null]
    ]
    #expect(
      StatusText.text(overview, plain).hasSuffix(
        "\nkubespan: 1 of 4 peers up, 1 down, 2 unknown (w-2 for too long): see 'rollcall kubespan'\n"))
    #expect(!StatusText.text([:], plain).contains("kubespan"))
  }

  @Test("explain says what becomes of each address")
  func explain() throws {
    let text = ExplanationText.text(
      [
        "nodeId": "n", "now": .time(SampleMesh.now),
        "kubespan": [
          "peer": .bool(true), "state": "down", "since": .time(SampleMesh.ago(600)),
          "endpoint": "10.0.0.2:51820", "why": ["no answer"],
          "addresses": [
            ["address": "10.0.0.2", "fate": "reachable"],
            ["address": "10.0.0.3", "fate": "held", "by": "w-1"],
            ["address": "10.9.0.1", "fate": "excluded", "by": "10.9.0.0/16"],
          ],
        ],
      ], plain)
    #expect(
      text.hasSuffix(
        """

        kubespan: down since 02:50:00 (10m) at 10.0.0.2:51820
            no answer
            10.0.0.2   through the tunnel
            10.0.0.3   goes to w-1, which has it too
            10.9.0.1   not through the tunnel: the node excludes 10.9.0.0/16

        """))
  }
}

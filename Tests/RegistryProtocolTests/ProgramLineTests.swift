import ClusterModel
import RegistryKit
import Testing

@testable import RegistryProtocol

/// What people's programs print.
@Suite struct ProgramLineTests {
  private func read(_ line: String) throws -> ProgramLine {
    try ProgramLineReader(.program).read(Array(line.utf8))
  }

  private func records(_ line: ProgramLine) -> [AffiliateRecord] {
    line.batch.updates.flatMap { update -> [AffiliateRecord] in
      switch update {
      case .snapshot(let records, _, _): records
      case .upsert(let record, _): [record]
      case .remove, .sourceGone: []
      }
    }
  }

  @Test("the short form: nodes by their names, with addresses")
  func shortForm() throws {
    let line = try read(#"{"snapshot":[{"nodename":"w-1","addresses":["10.0.0.1"]}]}"#)
    #expect(line.problems == [])
    let expected = AffiliateRecord(
      Affiliate(nodeID: try NodeIdentity("w-1"), addresses: [try IPAddress("10.0.0.1")], nodename: "w-1"),
      isLocalID: true)
    #expect(line.batch.updates == [.snapshot([expected], source: .only)])
  }

  @Test(
    "which node a record is of",
    arguments: [
      (#"{"nodeId":"a","id":"b","nodename":"c"}"#, "a", false), (#"{"id":"b","nodename":"c"}"#, "b", true),
      (#"{"id":17,"hostname":"c"}"#, "17", true), (#"{"nodename":"c","hostname":"d"}"#, "c", true),
      (#"{"hostname":"d"}"#, "d", true), (#"{"nodeId":null,"hostname":"d"}"#, "d", true),
    ])
  func identity(record: String, id: String, isLocal: Bool) throws {
    let line = try read(#"{"upsert":\#(record)}"#)
    #expect(records(line).map(\.affiliate.nodeID.text) == [id])
    #expect(records(line).map(\.isLocalID) == [isLocal])
    #expect(line.problems == [])
  }

  @Test("all that a record may say is read")
  func wholeRecord() throws {
    let line = try read(
      #"""
      {"upsert":{"nodeId":"n1","hostname":"h","nodename":"w","operatingSystem":"Debian","machineType":"worker",
      "addresses":["10.0.0.1","::ffff:10.0.0.2"],"controlPlane":{"port":"6443"},"kubespan":{"endpoints":["10.0.0.1:51820"]},
      "machineID":"0123","labels":{"rack":"a","n":5,"new":true},"createdAt":"2026-11-23T03:08:50Z","confirmedAt":1000,
      "stale":true,"ready":false,"reason":"KubeletNotReady","comment":{"deep":[1,{"x":"]"}]}},"reason":"x"}
      """#.replacing("\n", with: " "))
    #expect(line.problems == [])
    let record = try #require(records(line).first)
    #expect(record.affiliate.addresses.map(\.description) == ["10.0.0.1", "10.0.0.2"])
    #expect(record.affiliate.controlPlane?.apiServerPort == 6443)
    #expect(record.affiliate.kubeSpan?.endpoints.count == 1)
    #expect(record.labels.map { "\($0.key)=\($0.value)" } == ["n=5", "new=true", "rack=a"])
    #expect(
      record.createdAt?.description == "2026-11-23T03:08:50Z" && record.confirmedAt?.milliseconds == 1000)
    #expect(record.isStale && record.health == .notReady(reason: "KubeletNotReady"))
  }

  @Test("a line is one batch: several keys take effect at once, removals with their reason")
  func severalKeys() throws {
    let line = try read(
      #"{"remove":["a",{"nodename":"b"}],"reason":"expired","upsert":[{"id":"c"}],"source":"s","degraded":"slow"}"#
    )
    let source = try RegistrySource("s")
    #expect(
      line.batch.updates == [
        .upsert(AffiliateRecord(Affiliate(nodeID: try NodeIdentity("c")), isLocalID: true), source: source),
        .remove(try NodeIdentity("a"), source: source, reason: .expired),
        .remove(try NodeIdentity("b"), source: source, reason: .expired),
      ])
    #expect(line.batch.reports == [HealthReport(.reading, RegistryError(.unavailable, "slow"))])
  }

  @Test(
    "how a program says how it is",
    arguments: [
      (#"{"degraded":"down"}"#, HealthReport(.reading, RegistryError(.unavailable, "down"))),
      (#"{"degraded":null}"#, HealthReport(.reading, nil)),
      (#"{"degraded":false}"#, HealthReport(.reading, nil)),
      (#"{"degraded":""}"#, HealthReport(.reading, nil)),
      (
        #"{"degraded":{"aspect":"content","code":"limit-exceeded","message":"many"}}"#,
        HealthReport(.content, RegistryError(.limitExceeded, "many"))
      ),
      (#"{"health":{"aspect":"credentials"}}"#, HealthReport(.credentials, nil)),
      (
        #"{"health":[{"aspect":"other","error":{"code":"new","message":"x\ny"}}]}"#,
        HealthReport(.reading, RegistryError(.failed, "x y"))
      ),
    ])
  func health(line: String, report: HealthReport) throws {
    #expect(try read(line).batch.reports == [report])
  }

  @Test("what isn't known is skipped")
  func unknown() throws {
    let line = try read(#"{"future":{"snapshot":[{"bad":1}]},"snapshot":[],"also":[1,2,"]}"]}"#)
    #expect(line.batch.updates == [.snapshot([], source: .only)])
    #expect(line.problems == [])
  }

  @Test(
    "what is wrong of a record is left out with its place, the rest counts",
    arguments: [
      (
        #"{"id":"a","addresses":["10.0.0.300","10.0.0.1"]}"#,
        "snapshot[0]: addresses[0]: '10.0.0.300' isn't an IP address such as 10.5.0.2 or fd00::2"
      ),
      (
        #"{"id":"a","addresses":["127.0.0.1","10.0.0.1"]}"#,
        "snapshot[0]: addresses[0]: '127.0.0.1' is a loopback address, everybody's own, so it can't be a node's; write one at which others reach the node"
      ),
      (
        #"{"id":"a","addresses":[{"ip":"10.0.0.2"},"10.0.0.1"]}"#,
        "snapshot[0]: addresses[0] must be text, not an object"
      ),
      (
        #"{"id":"a","hostname":["x"],"addresses":"10.0.0.1"}"#,
        "snapshot[0]: hostname must be text, not a list"
      ),
      (
        #"{"id":"a","hostname":"x\u0000y","addresses":"10.0.0.1"}"#,
        #"snapshot[0]: hostname 'x\0y' has a control character; it is one line of text"#
      ),
      (
        #"{"id":"a","controlPlane":{"port":0},"addresses":"10.0.0.1"}"#,
        "snapshot[0]: controlPlane.port must be a whole number from 1 to 65535, not '0'"
      ),
    ])
  func wrongParts(record: String, problem: String) throws {
    let line = try read(#"{"snapshot":[\#(record),{"id":"b"}]}"#)
    #expect(records(line).map(\.affiliate.nodeID.text) == ["a", "b"])
    #expect(records(line).first?.affiliate.addresses.map(\.description) == ["10.0.0.1"])
    #expect(line.problems.count == 1 && !line.hidesNodes)
    #expect(line.problems.first?.hasPrefix(problem.prefix(40)) == true, "\(line.problems)")
  }

  @Test(
    "a record that doesn't say which node it is of is left out, and others are known not to be gone",
    arguments: [
      "{}", #"{"id":"a b"}"#, #"{"nodeId":"a/b","nodename":"c"}"#, "7", #""w-1""#, "[[]]", #"{"id":{}}"#,
    ])
  func hiddenNodes(record: String) throws {
    let line = try read(#"{"snapshot":[\#(record),{"id":"b"}]}"#)
    #expect(records(line).map(\.affiliate.nodeID.text) == ["b"])
    #expect(line.hidesNodes && !line.problems.isEmpty)
  }

  @Test(
    "only a list says which nodes there are",
    arguments: ["null", "{}", #"{"id":"a"}"#, "0", #""""#, "false"])
  func noList(value: String) throws {
    let line = try read(#"{"snapshot":\#(value)}"#)
    #expect(line.batch.updates.isEmpty)
    #expect(line.problems == ["snapshot must be a list of nodes, which may be empty"])
    #expect(ProgramLineReader(.program).readNodes(Array(#"{"nodes":\#(value)}"#.utf8)) == nil)
  }

  @Test("a node that is there twice counts as it is there last")
  func twice() throws {
    let line = try read(#"{"snapshot":[{"id":"a","hostname":"x"},{"id":"b"},{"id":"a","hostname":"y"}]}"#)
    #expect(records(line).map(\.affiliate.hostname) == ["y", ""])
    #expect(line.problems == ["snapshot: node 'a' is there twice; the last counts"])
  }

  @Test(
    "what is no JSON object is refused with its column",
    arguments: [
      ("", "column 1: a line must be"), ("nodes", "column 1: a line must be"),
      (#"{"snapshot":[{"nodename":"w-1""#, "column 14: the text ends within the object"),
      (#"{"snapshot":[]} {"snapshot":[]}"#, "column 17: the JSON object is followed"),
      (#"{"snapshot":[}"#, "column"), (#"{"snapshot":[],}"#, "column"), (#"{'snapshot':[]}"#, "column 2"),
    ])
  func noJSON(line: String, message: String) throws {
    let error = #expect(throws: RegistryError.self) { try read(line) }
    #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
    #expect(error?.code == .invalidArgument)
  }

  @Test("bytes that are no text are refused")
  func noText() {
    let bytes = Array(#"{"snapshot":[{"id":"a","hostname":""#.utf8) + [0xFF] + Array(#""}]}"#.utf8)
    #expect(throws: RegistryError(.invalidArgument, "it isn't UTF-8")) {
      try ProgramLineReader(.program).read(bytes)
    }
  }

  @Test("limits: lists of a node, text, reports; what is beyond is told")
  func limits() throws {
    let addresses = (0..<1500).map { #""10.0.\#($0 / 256).\#($0 % 256)""# }.joined(separator: ",")
    let line = try read(#"{"upsert":{"id":"a","addresses":[\#(addresses)]}}"#)
    #expect(line.problems.last == "upsert[0]: addresses has 1500 items, more than the 1024 allowed")
    let long = String(repeating: "x", count: 5000)
    #expect(
      try read(#"{"upsert":{"id":"a","hostname":"\#(long)"}}"#).problems
        == ["upsert[0]: hostname has 5000 bytes, more than the 4096 allowed"])
    let many = Array(repeating: "{}", count: 100).joined(separator: ",")
    let problems = try read(#"{"snapshot":[\#(many)]}"#).problems
    #expect(problems.count == 21 && problems.last == "and 80 more")
  }

  @Test("deep nesting is passed without harm")
  func deep() throws {
    let depth = 200_000
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(try read(#"{"future":\#(text),"snapshot":[]}"#).batch.updates.count == 1)
    _ = try? read(#"{"snapshot":\#(text)}"#)
  }

  @Test("lines are cut at their ends, also CRLF; one that is too long is told, and those behind it count")
  func splitter() {
    var splitter = ProtocolLines(limit: 10)
    var lines: [ProtocolLines.Line] = []
    for piece in ["{\"a\"", ":1}\r\n\n  \n", "123456789012", "3\n{}", "\n{\"b\":2"] {
      splitter.take(Array(piece.utf8)[...]) { lines.append($0) }
    }
    #expect(lines == [.whole(Array("{\"a\":1}\r".utf8)), .tooLong, .whole(Array("{}".utf8))])
    #expect(splitter.isWithinLine)
    splitter.finish { lines.append($0) }
    #expect(lines.last == .whole(Array("{\"b\":2".utf8)))
  }

  @Test("parts of a batch are put together; a snapshot goes on with the next line's")
  func assembly() throws {
    var assembly = BatchAssembly()
    let lines = [
      #"{"snapshot":[{"id":"a"}],"more":true}"#, #"{"snapshot":[{"id":"b"}],"more":true}"#,
      #"{"snapshot":[{"id":"c"}],"source":"s","more":true}"#, #"{"health":{"aspect":"reading"}}"#,
    ]
    var batches: [RegistryBatch] = []
    for text in lines {
      let line = try read(text)
      if let batch = try assembly.take(line.batch, continues: line.continues) { batches.append(batch) }
    }
    #expect(batches.count == 1)
    #expect(
      batches.first?.updates.map { update in
        if case .snapshot(let records, let source, _) = update {
          "\(source.name):\(records.count)"
        } else {
          ""
        }
      } == [":2", "s:1"])
  }
}

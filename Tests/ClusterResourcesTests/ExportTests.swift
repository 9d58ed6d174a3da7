import ClusterModel
import ClusterResources
import Testing

/// Lists of members for other programs, as texts.
@Suite struct ExportTests {
  let header = ExportHeader(time: created, revision: "q7f3k.1842")

  @Test("a hosts file is that of the documentation, byte for byte")
  func hosts() throws {
    let export = ExportFormat.hosts.export(try sixNodes(), header: header)
    #expect(
      export.text == """
        # rollcall \(RollcallVersion.current), 2026-11-23T03:08:50Z, 6 members, revision q7f3k.1842
        10.20.0.11\tcp-1
        10.20.0.12\tcp-2
        10.20.0.13\tcp-3
        10.20.0.21\tw-1
        10.20.0.22\tw-2
        10.20.0.23\tw-3

        """)
    #expect(export.omissions.isEmpty && export.entryCount == 6 && export.memberCount == 6)
  }

  @Test("a hosts file has one address of each family, and a hostname that nobody else has")
  func hostsOfTwoFamilies() throws {
    let rows = [
      try row("w-1", ["10.0.0.1", "10.0.0.2", "fd00::1"], hostname: "w-1.rack.example"),
      try row("w-2", ["fd00::2"], hostname: "twin"), try row("w-3", ["10.0.0.3"], hostname: "TWIN"),
      try row("w-4", ["10.0.0.4"], hostname: "W-3"),
    ]
    #expect(
      ExportFormat.hosts.export(rows).text == """
        10.0.0.1\tw-1\tw-1.rack.example
        fd00::1\tw-1\tw-1.rack.example
        fd00::2\tw-2
        10.0.0.3\tw-3
        10.0.0.4\tw-4

        """)
    let six = ExportFormat.hosts.export(rows, ExportOptions(family: .v6))
    #expect(six.entryCount == 2 && six.memberCount == 2)
    #expect(six.omissions.map(\.member) == ["w-3", "w-4"])
    #expect(six.omissions.first?.description == "'w-3' is left out: it has no such address")
    let one = ExportFormat.hosts.export(rows, ExportOptions(networks: [try IPPrefix("10.0.0.2/31")]))
    #expect(one.body == "10.0.0.2\tw-1\tw-1.rack.example\n10.0.0.3\tw-3\n")
  }

  @Test("a name that isn't a host name is left out, and told", arguments: hostileNames)
  func leftOut(name: String) throws {
    let rows = [try row(name, ["10.0.0.1"]), try row("w-2", ["10.0.0.2"], hostname: name)]
    for format in ExportFormat.allCases where format != .prometheus {
      let export = format.export(rows)
      #expect(export.omissions.map(\.member) == [name], "\(format)")
      #expect(export.entryCount == 1 && format.entryCount(in: export.text) == 1, "\(format)")
    }
    #expect(ExportFormat.hosts.export(rows).body == "10.0.0.2\tw-2\n")
    #expect(ExportFormat.sshConfig.export(rows).body == "Host w-2\n    HostName 10.0.0.2\n")
  }

  @Test(
    "a name is written as it is",
    arguments: ["w-1", "W_1", "1a", "w-1.rack.example", "1.2.3.4a", "xn--bcher-kva"])
  func plainNames(name: String) throws {
    #expect(ExportFormat.hosts.export([try row(name, ["10.0.0.1"])]).body == "10.0.0.1\t\(name)\n")
  }

  @Test("of two names that differ in case alone the first is taken")
  func namesInAnotherCase() throws {
    let export = ExportFormat.hosts.export([try row("W-1", ["10.0.0.1"]), try row("w-1", ["10.0.0.2"])])
    #expect(export.body == "10.0.0.1\tW-1\n")
    #expect(export.omissions.map(\.why) == ["is left out: another member has the name in another case"])
  }

  @Test(
    "who isn't listed is in no list, but for missing members that are gone: they stay Prometheus' targets")
  func unlisted() throws {
    let rows = [
      try row("w-1", ["10.0.0.1"], state: "ready", isListed: false),
      try row("w-2", ["10.0.0.2"], state: "left", isListed: false, isTombstone: true),
      try row("w-3", ["10.0.0.3"], state: "missing", isListed: false, isTombstone: true),
      try row("w-4", ["10.0.0.4"], state: "left"), try row("w-5", ["10.0.0.5"], state: "missing"),
    ]
    for format in [ExportFormat.hosts, .csv, .ansible, .sshConfig] {
      #expect(format.export(rows).entryCount == 2, "\(format)")
    }
    let targets = ExportFormat.prometheus.export(rows)
    #expect(targets.entryCount == 2)
    #expect(targets.body.contains("\"10.0.0.3\"") && targets.body.contains("\"10.0.0.5\""))
    let ready = ExportFormat.prometheus.export(rows, ExportOptions(states: ["left"]))
    #expect(ready.entryCount == 1 && ready.body.contains("\"10.0.0.4\""))
  }

  @Test("who is gone is no target beside who has its name or its address now")
  func replacedTargets() throws {
    let rows = [
      try row("w-1", ["10.0.0.1"]),
      try row("w-1", ["10.0.0.9"], state: "missing", isListed: false, isTombstone: true),
      try row("w-9", ["10.0.0.1"], state: "missing", isListed: false, isTombstone: true),
    ]
    #expect(ExportFormat.prometheus.export(rows).entryCount == 1)
  }

  @Test("a target has what the documentation says")
  func target() throws {
    let export = ExportFormat.prometheus.export(
      [
        try labelled(
          row("w-1", ["10.20.0.21", "fd00::1"], flags: ["conflict"]), ["rack": "r1", "a.b/c": "x"])
      ],
      ExportOptions(port: 9100, labels: ["rack", "none"]))
    #expect(
      export.text == """
        [
        {"targets":["10.20.0.21:9100"],"labels":{"__meta_rollcall_id":"w-1",\
        "__meta_rollcall_node_id":"w-1-id","__meta_rollcall_hostname":"w-1",\
        "__meta_rollcall_machine_type":"worker","__meta_rollcall_operating_system":"Talos (v1.13.2)",\
        "__meta_rollcall_status":"ready","__meta_rollcall_reason":"leased",\
        "__meta_rollcall_address":"10.20.0.21","__meta_rollcall_addresses":",10.20.0.21,fd00::1,",\
        "__meta_rollcall_sources":",inventory,service,","__meta_rollcall_flags":",conflict,",\
        "__meta_rollcall_label_a_b_c":"x","__meta_rollcall_labelpresent_a_b_c":"true",\
        "__meta_rollcall_label_rack":"r1","__meta_rollcall_labelpresent_rack":"true","rack":"r1"}}
        ]

        """)
    #expect(ExportFormat.prometheus.export([]).text == "[\n]\n")
    let six = ExportFormat.prometheus.export([try row("w", ["fd00::1"])], ExportOptions(port: 1))
    #expect(six.body.contains("[\"[fd00::1]:1\"]"))
  }

  @Test("of two labels that Prometheus would call the same one is left out, and told")
  func clashingLabels() throws {
    let export = ExportFormat.prometheus.export([
      try labelled(row("w-1", ["10.0.0.1"]), ["a-b": "1", "a.b": "2"])
    ])
    #expect(export.body.contains("\"__meta_rollcall_label_a_b\":\"1\""))
    #expect(!export.body.contains("\"2\""))
    #expect(export.omissions.map(\.why) == ["lacks a label: a.b is written a_b as another one is"])
  }

  @Test("the entries of a written list are counted as when it was made", arguments: ExportFormat.allCases)
  func entryCounts(format: ExportFormat) throws {
    var rows = try sixNodes()
    rows[2].operatingSystem = "a\r\n\"b\"\n# c"
    for count in 0...rows.count {
      let export = format.export(Array(rows[..<count]), header: header)
      #expect(format.entryCount(in: export.text) == export.entryCount)
      #expect(format.body(of: export.text) == export.body)
    }
  }

  @Test("the same rows give the same list, whatever its time", arguments: ExportFormat.allCases)
  func headers(format: ExportFormat) throws {
    let later = ExportHeader(time: updated, revision: "q7f3k.1900")
    let (one, other) = (
      format.export(try sixNodes(), header: header), format.export(try sixNodes(), header: later)
    )
    #expect(one.body == other.body && format.body(of: one.text) == format.body(of: other.text))
  }

  @Test("a list of ten thousand members has each of them", arguments: ExportFormat.allCases)
  func large(format: ExportFormat) throws {
    let rows = try (0..<10_000).map {
      try row("n-\($0)", ["10.\($0 / 65_536).\($0 / 256 % 256).\($0 % 256)"])
    }
    #expect(format.export(rows).entryCount == 10_000)
  }
}

/// Names that break lines, quotes, patterns, templates and lookups of one format or another.
private let hostileNames = [
  "", " ", "a b", "a\tb", "a\nb", "a\r\nHost *", "a#b", "#a", "%h", "*", "w-?", "!w-1", "a,b", "a\"b", "'a'",
  "a:22",
  "{{ lookup('pipe', 'id') }}", "{% raw %}", "ünïcode", "机器", "a\u{202E}b", "\u{0}", "-oProxyCommand=id",
  "a-",
  ".a", "a.", "a..b", "a/b", "../a", "$(id)", "`id`", "a;b", "a\\b", "[a]", "10.0.0.1", "10.1", "1234",
  "0x7f.1",
  "0x7f000001", "fd00::1", "localhost", "LocalHost", "db.localhost", "localhost.localdomain", "ip6-localhost",
  String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "a",
]

func row(
  _ id: String, _ addresses: [String], hostname: String? = nil, state: String = "ready", flags: [String] = [],
  isListed: Bool = true, isTombstone: Bool = false
) throws -> ExportedMember {
  ExportedMember(
    id: id, nodeID: "\(id)-id", hostname: hostname ?? id,
    machineType: id.hasPrefix("cp") ? "controlplane" : "worker",
    operatingSystem: "Talos (v1.13.2)", addresses: try addresses.map { try IPAddress($0) }, state: state,
    reason: "leased", since: created, flags: flags, sources: ["service", "inventory"], isListed: isListed,
    isTombstone: isTombstone)
}

func labelled(_ row: ExportedMember, _ labels: [String: String]) throws -> ExportedMember {
  var row = row
  row.labels = try NodeLabels(labels)
  return row
}

/// The six nodes of the documentation.
func sixNodes() throws -> [ExportedMember] {
  [
    try row("cp-1", ["10.20.0.11"]), try row("cp-2", ["10.20.0.12"]),
    try row("cp-3", ["10.20.0.13"], state: "left"),
    try row("w-1", ["10.20.0.21", "10.20.0.22"], flags: ["conflict"]),
    try row("w-2", ["10.20.0.22"], state: "notready"),
    try row("w-3", ["10.20.0.23"], state: "missing"),
  ]
}

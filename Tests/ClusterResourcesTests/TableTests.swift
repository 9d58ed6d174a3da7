import ClusterModel
import ClusterResources
import Testing

@Suite struct TableTests {
  @Test("members are laid out as talosctl lays them out")
  func members() throws {
    let listing = try golden("members.txt")
    let resources = try rows(of: listing).map { row in
      try member(
        row[3], addresses: try addresses(in: row[8]).map(\.description), type: try MachineType(row[6]),
        os: row[7])
    }
    #expect(try printed(resources, .member, "table") == listing)
  }

  @Test(
    "affiliates are laid out as in the documentation of existing clusters",
    arguments: [("affiliates", false), ("affiliates-raw", true)])
  func affiliates(name: String, raw: Bool) throws {
    let documented = try golden("seed-\(name).txt")
    let resources = try rows(of: documented).map { row in
      let id = row[0].split(separator: "/").last ?? ""
      let affiliate = Affiliate(
        nodeID: try NodeIdentity(id), addresses: try addresses(in: row[4]), hostname: row[2],
        machineType: try MachineType(row[3]))
      return Resource.affiliate(
        affiliate, rawID: raw ? row[0] : nil, version: try #require(UInt64(row[1])), node: "172.20.0.2",
        created: created, updated: updated)
    }
    let table = try printed(resources, .affiliate, "table")
    #expect(try table == golden("\(name).txt"))
    // The documentation shows the columns from ID on.
    let header = try #require(table.split(separator: "\n").first)
    let before = try #require(header.firstRange(of: "ID")).lowerBound.utf16Offset(in: header)
    let fromID = table.split(separator: "\n").map { $0.dropFirst(before) + "\n" }.joined()
    #expect(fromID == documented)
  }

  @Test("the rows of members with long system names match the documentation")
  func longNames() throws {
    let documented = try golden("seed-members.txt")
    let resources = try rows(of: documented).map { row in
      try member(
        row[0], addresses: try addresses(in: row[5]).map(\.description), type: try MachineType(row[3]),
        os: row[4], version: try #require(UInt64(row[1])))
    }
    let table = try printed(resources, .member, "table").split(separator: "\n").dropFirst()
    let before = "10.5.0.2   cluster     Member   ".count
    #expect(
      table.map { String($0.dropFirst(before)) }
        == documented.split(separator: "\n").dropFirst().map(String.init))
  }

  @Test("nothing to list is a header alone")
  func empty() throws {
    #expect(
      try printed([], .identity, "table") == "NODE   NAMESPACE   TYPE   ID   VERSION   ID\n")
    #expect(
      try printed([], .registry, "table")
        == "NODE   NAMESPACE   TYPE   ID   VERSION   PLUGIN   STATE   SINCE   AFFILIATES   LAST ERROR\n")
    #expect(try printed([], .member, "yaml") == "")
    #expect(try printed([], .member, "json") == "")
    #expect(try printed([], .member, "jsonpath={.metadata.id}") == "")
  }

  @Test("a watched table says in its first column what happened")
  func watched() throws {
    var printer = OutputFormat.table.printer(of: .member, watching: true)
    let first = try member("worker-1", addresses: ["10.5.0.3"])
    let second = try member("worker-1", addresses: ["10.5.0.4"], version: 2)
    var text = try printer.text(of: [PrintedResource(first, event: .created)])
    text += try printer.text(of: [PrintedResource(second, event: .updated)])
    text += try printer.text(of: [PrintedResource(second, event: .destroyed)])
    #expect(try text == golden("members-watch.txt"))
  }

  @Test("text from outside can neither break a table nor draw on a terminal")
  func hostileText() throws {
    let name = "a\nb\tc\u{1b}[31m\u{202e}\u{85}é"
    let table = try printed([try member(name, os: "x\r\ny")], .member, "table")
    #expect(table.split(separator: "\n").count == 2)
    #expect(table.contains("a\\nb\\tc\\u{1b}[31m\\u{202e}\\u{85}é   "))
    #expect(table.contains("x\\r\\ny   "))
    #expect(table.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
  }

  @Test("columns count characters, not bytes")
  func wide() {
    var table = TextTable()
    #expect(table.text(of: [["ää", "x"], ["abc", "y"]]) == "ää    x\nabc   y\n")
  }

  @Test("a registry shows its plugin, state and last error")
  func registry() throws {
    let summary = RegistrySummary(
      name: "racks", plugin: "static-file", state: "degraded", since: created, affiliates: 4,
      lastError: "racks.yaml:3:1: bad\nthing")
    let resource = Resource.registry(summary, version: 3, node: "n", created: created, updated: updated)
    #expect(
      try printed([resource], .registry, "table") == """
        NODE   NAMESPACE   TYPE       ID      VERSION   PLUGIN        STATE      SINCE                  AFFILIATES   LAST ERROR
        n      rollcall    Registry   racks   3         static-file   degraded   2026-11-23T03:08:50Z   4            racks.yaml:3:1: bad\\nthing

        """)
  }
}

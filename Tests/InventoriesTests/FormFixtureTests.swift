import Documents
import Foundation
import Testing

@testable import Inventories

/// Every file in `Fixtures/forms` has beside it what is read from it, its form being told by its content.
@Suite struct FormFixtureTests {
  static let files: [(name: String, form: InventoryFormat)] = [
    ("short-local.yaml", .nodes), ("prometheus.json", .fileSD), ("prometheus.yaml", .httpSD),
    ("ansible.yaml", .ansible), ("ansible.json", .ansible), ("kubernetes.yaml", .kubernetes),
    ("nodelist.json", .kubernetes), ("hosts.hosts", .hosts), ("table.csv", .csv), ("rollcall.csv", .csv),
    ("semicolons.csv", .csv),
  ]

  @Test("a list is read by its form, its good nodes kept and each problem with its place", arguments: files)
  func read(name: String, form: InventoryFormat) throws {
    let bytes = try Self.bytes(name)
    let named = try Inventory.read(bytes, name: name, format: form)
    #expect(
      named.description == String(decoding: try Self.bytes(name + ".expected"), as: UTF8.self), "\(named)")
    #expect(try Inventory.read(bytes, name: name) == named, "its form isn't told by its content")
  }

  @Test("the lines' ends and a byte-order mark change nothing but columns", arguments: files)
  func lineEnds(name: String, form: InventoryFormat) throws {
    let bytes = try Self.bytes(name)
    let text = String(
      decoding: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes, as: UTF8.self)
    let unix = text.replacing("\r\n", with: "\n")
    let dos = Array("\u{FEFF}\(unix.replacing("\n", with: "\r\n"))".utf8)
    #expect(
      try Inventory.read(dos, name: name).nodes
        == Inventory.read(Array(unix.utf8), name: name).nodes)
  }

  @Test("no fixture is forgotten")
  func complete() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.path(""))
      .filter { !$0.hasSuffix(".expected") }
    #expect(names.sorted() == Self.files.map(\.name).sorted())
  }

  private static func path(_ name: String) throws -> String {
    try #require(Bundle.module.resourcePath) + "/Fixtures/forms/\(name)"
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: try path(name))))
  }
}

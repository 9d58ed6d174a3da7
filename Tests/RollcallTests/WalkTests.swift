import Foundation
import TestSupport
import Testing

/// Docs/Architecture.md, compared with the sources.
@Suite("The house and the walk of an affiliate")
struct WalkTests {
  private let document: String
  private let rooms: [Room]

  /// A row of the table of rooms.
  private struct Room {
    let name: String
    /// The rooms that it may import by itself.
    var imports: Set<String>
  }

  init() throws {
    document = try String(
      contentsOf: BuiltProducts.checkout.appending(path: "Docs/Architecture.md"), encoding: .utf8)
    rooms = Self.rooms(in: Self.section("Rooms", of: document))
  }

  // MARK: Reading the document

  private static func section(_ title: String, of document: String) -> Substring {
    guard let start = document.range(of: "\n## \(title)\n") else { return "" }
    let rest = document[start.upperBound...]
    return rest[..<(rest.range(of: "\n## ")?.lowerBound ?? rest.endIndex)]
  }

  private static func rows(of section: Substring) -> [[Substring]] {
    section.split(separator: "\n").filter { $0.hasPrefix("| `") }
      .map { row in row.split(separator: "|").map { $0.trimmingPrefix(" ") } }
  }

  private static func quoted(_ text: Substring) -> [String] {
    text.matches(of: #/`([^`]+)`/#).map { String($0.1) }
  }

  private static func rooms(in section: Substring) -> [Room] {
    var rooms: [Room] = []
    for row in rows(of: section) where row.count >= 3 {
      let names = quoted(row[0]).filter { $0.hasPrefix("Sources/") || $0.hasPrefix("Plugins/") }
        .map { String($0.drop { $0 != "/" }.dropFirst()) }
      let words = row[2].matches(of: #/\w+/#).map { String($0.0) }
      var imports = Set(words).intersection(rooms.map(\.name))
      if row[2].hasPrefix("all above") { imports = Set(rooms.map(\.name)).subtracting(imports) }
      // Rooms of one row may import each other: a system library and what wraps it.
      for name in names { rooms.append(Room(name: name, imports: imports.union(names))) }
    }
    return rooms
  }

  /// What the room may import, by itself or through what it imports.
  private func allowed(_ room: Room) -> Set<String> {
    var allowed = room.imports
    for other in rooms.reversed() where allowed.contains(other.name) { allowed.formUnion(other.imports) }
    return allowed
  }

  /// The rooms in Sources, read once.
  private static let sources = Result {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: BuiltProducts.checkout.appending(path: "Sources").path)
    return Dictionary(uniqueKeysWithValues: try names.map { ($0, try SwiftSources("Sources/\($0)")) })
  }

  private func room(_ name: String) throws -> SwiftSources { try #require(try Self.sources.get()[name]) }

  private var names: [String] { get throws { try Self.sources.get().keys.sorted() } }

  // MARK: Rooms

  @Test("each folder in Sources is a room of the table, and each room is a folder")
  func allRooms() throws {
    #expect(rooms.count > 15)
    #expect(try names == rooms.map(\.name).filter { $0 != "<Name>" }.sorted())
  }

  @Test("a room imports what its row lists, and what that lists: imports point downwards only")
  func imports() throws {
    let all = Set(try names)
    for room in rooms where room.name != "<Name>" {
      let imports = try self.room(room.name).imports.intersection(all)
      #expect(imports.subtracting(allowed(room)) == [], "\(room.name) imports what its row doesn't list")
    }
  }

  @Test("the merge imports the model and collections only, the model nothing at all")
  func pureRooms() throws {
    #expect(try room("AffiliateMerge").imports == ["ClusterModel", "HashTreeCollections"])
    #expect(try room("ClusterModel").imports == [])
  }

  @Test("plugins import what their row lists, and nothing in Sources imports a plugin or knows one by name")
  func plugins() throws {
    let folder = BuiltProducts.checkout.appending(path: "Plugins")
    let plugins = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let row = try #require(rooms.first { $0.name == "<Name>" })
    let all = Set(try names)
    var modules: Set<String> = []
    for plugin in plugins {
      let imports = try SwiftSources("Plugins/\(plugin)/Sources").imports
      #expect(imports.intersection(all).subtracting(allowed(row)) == [], "\(plugin)")
      modules.formUnion(["\(plugin)Registry", "\(plugin)Plugin"])
    }
    #expect(modules.count >= 6)
    for name in try names { #expect(try room(name).imports.isDisjoint(with: modules), "\(name)") }

    let files = try FileManager.default.subpathsOfDirectory(
      atPath: BuiltProducts.checkout.appending(path: "Sources").path)
    var known: Set<String> = []
    for file in files where file.hasSuffix(".swift") {
      let text = try String(
        contentsOf: BuiltProducts.checkout.appending(path: "Sources/\(file)"), encoding: .utf8)
      if text.contains(#/"(service|kubernetes|static-file)"/#) { known.insert(file) }
    }
    // The registries that a configuration has without naming them.
    #expect(
      known == ["RollcallCommand/Demo/DemoMachine.swift", "RollcallConfiguration/ImpliedRegistry.swift"])
  }

  // MARK: The walk

  /// Whose holders are listed: what a registry knows of a node, and what became of it.
  private static let carried: Set<String> = [
    "Affiliate", "AffiliateRecord", "RegistryUpdate", "RawEntry", "MergedNode", "Member",
  ]
  /// The fields of an affiliate: whoever has several of them is another form of it.
  private static let fields: Set<String> = [
    "nodeID", "addresses", "hostname", "nodename", "operatingSystem", "machineType", "kubeSpan",
    "controlPlane",
  ]
  private static let walked = [
    "ClusterModel", "RegistryKit", "PluginHost", "Rollcall", "AffiliateMerge", "ClusterResources",
    "RollcallCommand",
  ]

  private var walk: Substring { Self.section("The walk of an affiliate", of: document) }

  @Test("the forms of an affiliate are those that the document lists, each in its room")
  func forms() throws {
    let rows = Self.rows(of: walk)
    #expect(rows.count > 5)
    for row in rows {
      let form = try #require(Self.quoted(row[0]).first)
      let room = row[1].trimmingCharacters(in: .whitespaces)
      if room == "CRegistryPlugin" {
        let header = try String(
          contentsOf: BuiltProducts.checkout.appending(
            path: "Sources/CRegistryPlugin/include/registry_plugin.h"), encoding: .utf8)
        #expect(header.contains("typedef struct \(form) {"))
      } else {
        #expect(try self.room(room).types[form] != nil, "\(form) isn't declared in \(room)")
      }
    }
  }

  @Test("no type holds an affiliate, or is another form of it, that the document doesn't list")
  func holders() throws {
    let listed = Set(Self.quoted(walk))
    var found: Set<String> = []
    for name in Self.walked {
      let types = try room(name).types
      for type in types.values {
        let carried = Self.carried.filter { types["\(type.name).\($0)"] == nil }
        let isHolder = !type.mentions.isDisjoint(with: carried)
        let isForm = type.properties.intersection(Self.fields).count >= 3
        guard isHolder || isForm, type.name != "Affiliate", type.name != "Affiliate.Content" else { continue }
        found.insert(type.name)
        #expect(listed.contains(type.name), "\(type.name) in \(name) isn't in the walk of an affiliate")
      }
    }
    #expect(found.count > 15)
  }

  @Test("records are refused where they are decoded and where they are validated, and nowhere else")
  func refusals() throws {
    let listed = Set(Self.quoted(walk))
    for name in ["RegistryKit", "PluginHost", "Rollcall", "AffiliateMerge"] {
      for file in try room(name).files {
        // What the numbers of codes are, whether prefixes clash, a plugin's options and its files aren't about records.
        let isOther =
          ["Numbers.swift", "ClusterTable.swift", "RegistryError+FileError.swift"].contains {
            file.path.hasSuffix($0)
          }
          || ["RegistryKit/Export/", "RegistryKit/Options/"].contains { file.path.hasPrefix($0) }
        let refuses = file.code.contains(#/\.(invalidArgument|limitExceeded)\b/#) && !isOther
        let gathers = file.code.contains(#/\bSet<NodeIdentity>|\bSet\(records\.map/#)
        if refuses || gathers { #expect(listed.contains(file.path), "\(file.path)") }
      }
    }
  }
}

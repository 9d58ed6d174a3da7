import Foundation
import Testing

/// What the merged view says of a node.
struct Facts: Equatable, Decodable {
  var hostname: String
  var machineType: String
  var operatingSystem: String
  var addresses: [String]

  /// What `rollcall get` shows of `node`: of the affiliate and of the member the same.
  static func shown(of node: SeedNode, _ view: SeedCluster.View) async throws -> Facts {
    let affiliate = try await read("get affiliate \(node.identity)", view)
    #expect(try await read("get member \(node.name)", view) == affiliate)
    return affiliate
  }

  private static func read(_ line: String, _ view: SeedCluster.View) async throws -> Facts {
    struct Printed: Decodable { var spec: Facts }
    let text = try await view.output("\(line) -o json")
    return try JSONDecoder().decode(Printed.self, from: Data(text.utf8)).spec
  }
}

/// Who says what of one field on which registries disagree, as `rollcall explain` tells it.
struct Claims: Sendable {
  var field: String
  var rule: String
  var isConflict: Bool
  /// In the order of the walk.
  var registries: [String]
  var chosen: [String]

  /// Those of the three scalars on which old annotations and the service disagree.
  static func shown(of node: SeedNode, _ view: SeedCluster.View) async throws -> [Claims] {
    struct Printed: Decodable {
      struct Field: Decodable {
        struct Claim: Decodable {
          var registry: String
          var chosen: Bool
        }

        var field: String
        var rule: String
        var conflict: Bool
        var claims: [Claim]
      }

      var fields: [Field]
    }
    let text = try await view.output("explain \(node.name) -o json")
    let fields = try JSONDecoder().decode(Printed.self, from: Data(text.utf8)).fields
    return try ["hostname", "machineType", "operatingSystem"].map { name in
      let field = try #require(fields.first { $0.field == name })
      return Claims(
        field: name, rule: field.rule, isConflict: field.conflict,
        registries: field.claims.map(\.registry),
        chosen: field.claims.filter(\.chosen).map(\.registry))
    }
  }
}

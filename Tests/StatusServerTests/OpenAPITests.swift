import Documents
import Foundation
import Rollcall
import TestSupport
import Testing

@testable import StatusServer

@Suite("The OpenAPI document", .timeLimit(.minutes(2)))
struct OpenAPITests {
  private func document() throws -> YAMLNode {
    try #require(try YAML.parse(PackageResourceBytes.openAPI, file: "openapi.yaml").documents.first)
  }

  @Test("has exactly the operations that there are, with their parameters")
  func routes() throws {
    let document = try document()
    func resolved(_ node: YAMLNode) -> YAMLNode {
      guard let reference = node["$ref"]?.scalar else { return node }
      return reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? $0 }
    }
    var documented: Set<String> = []
    for path in document["paths"]?.pairs ?? [] {
      for operation in path.value.pairs ?? [] where operation.key != "parameters" {
        let all = (operation.value["parameters"]?.items ?? []).map(resolved)
        let query = all.filter { $0["in"]?.scalar == "query" }.compactMap { $0["name"]?.scalar }.sorted()
        documented.insert("\(operation.key.uppercased()) \(path.key) \(query)")
      }
    }
    let aggregator = try Aggregator(registries: [], logger: quiet)
    let server = StatusServer(aggregator, options: StatusServerOptions(nodeLabel: "x"), logger: quiet)
    let served = Set(server.routes.routes.map { "\($0.method.rawValue) \($0.path) \($0.query.sorted())" })
    #expect(documented.subtracting(served).sorted() == [])
    #expect(served.subtracting(documented).sorted() == [])
  }

  @Test("is what the daemon serves")
  func served() async throws {
    try await TestDaemon.run { daemon in
      let answer = try await daemon.get("/openapi.yaml")
      #expect(answer.fields["content-type"] == "application/yaml")
      #expect(Array(answer.body.utf8) == PackageResourceBytes.openAPI)
      // Everything that discovery names is there.
      let discovery = try await daemon.get("/v1")
      let types = try #require(try discovery.json["types"] as? [[String: Any]])
      for type in types {
        let plural = try #require(type["plural"] as? String)
        #expect(try await daemon.get("/v1/\(plural)").status == 200, "\(plural)")
      }
    }
  }
}

extension YAMLNode {
  fileprivate subscript(key: String) -> YAMLNode? { pairs?.first { $0.key == key }?.value }

  fileprivate var scalar: String? {
    if case .scalar(let scalar) = content { scalar.text } else { nil }
  }
}

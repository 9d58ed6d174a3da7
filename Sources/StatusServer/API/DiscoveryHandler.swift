import ClusterResources
import NIOCore

/// What there is to ask.
struct DiscoveryHandler: Sendable {
  let context: APIContext

  /// `GET /v1`
  func discover() -> APIResponse {
    .json([
      "version": .text(context.options.version), "apiVersions": ["v1"],
      "types": .list(
        ResourceType.all.map { type in
          [
            "name": .text(type.name), "kind": .text(type.kind), "plural": .text(type.plural),
            "aliases": .texts(type.aliases), "namespaces": .texts(type.namespaces),
            "columns": .texts(type.columns),
            "selectableFields": .texts(type.selectableFields.map(\.text)),
            "watchable": .bool(type != .identity),
          ]
        }),
      "watchTypes": .texts(ListKind.allCases.map(\.rawValue)),
    ])
  }

  /// `GET /openapi.yaml`
  func openAPI() -> APIResponse {
    APIResponse(.ok, "application/yaml", .bytes(ByteBuffer(bytes: PackageResourceBytes.openAPI)))
  }
}

/// What is built in.
enum PackageResourceBytes {
  /// The OpenAPI document.
  static var openAPI: [UInt8] { PackageResources.openapi_yaml }
}

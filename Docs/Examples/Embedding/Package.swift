// swift-tools-version: 6.2
import PackageDescription

let rollcall = ["ClusterModel", "RegistryKit", "Rollcall"].map {
  Target.Dependency.product(name: $0, package: "rollcall")
}
let package = Package(
  name: "embedding",
  dependencies: [.package(name: "rollcall", path: "../../..")],
  targets: [
    .executableTarget(name: "WhoIsThere", dependencies: rollcall),
    // What Docs/Embedding.md says in words.
    .target(
      name: "AsDocumented",
      dependencies: rollcall + [
        .product(name: "AffiliateMerge", package: "rollcall"),
        .product(name: "RollcallConfiguration", package: "rollcall"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "embedding",
  dependencies: [.package(name: "rollcall", path: "../../..")],
  targets: [
    .executableTarget(
      name: "WhoIsThere", dependencies: [.product(name: "Rollcall", package: "rollcall")])
  ],
  swiftLanguageModes: [.v6]
)

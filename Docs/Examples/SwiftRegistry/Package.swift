// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Hides all but the entry function; see Sources/CRegistryPlugin/plugin.map.
let rollcall = URL(filePath: "../../..", relativeTo: URL(filePath: Context.packageDirectory + "/")).path
let onlyTheEntry = ["-Xlinker", "--version-script=\(rollcall)/Sources/CRegistryPlugin/plugin.map"]

let package = Package(
  name: "rack",
  products: [.library(name: "rollcall-rack", type: .dynamic, targets: ["RackPlugin"])],
  dependencies: [.package(name: "rollcall", path: "../../..")],
  targets: [
    .target(
      name: "RackPlugin",
      dependencies: [
        .product(name: "RegistryKit", package: "rollcall"),
        .product(name: "ClusterModel", package: "rollcall"),
      ], linkerSettings: [.unsafeFlags(onlyTheEntry)])
  ]
)

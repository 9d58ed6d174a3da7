// swift-tools-version: 6.2
import PackageDescription

// Hides all but the entry function.
let onlyTheEntry = ["-Xlinker", "--version-script=\(Context.packageDirectory)/plugin.map"]
// Brings Swift's runtime along: build with `swift build -c release --static-swift-stdlib`.
let ownRuntime = ["-static-stdlib"]

let package = Package(
  name: "rack",
  products: [.library(name: "rollcall-rack", type: .dynamic, targets: ["RackPlugin"])],
  dependencies: [
    // Elsewhere, by the address that you clone it from and the version that you want:
    // .package(url: "https://git.example/rollcall.git", from: "0.2.0")
    .package(name: "rollcall", path: "../../..")
  ],
  targets: [
    .target(
      name: "RackPlugin",
      dependencies: [
        .product(name: "RegistryKit", package: "rollcall"),
        .product(name: "ClusterModel", package: "rollcall"),
      ], linkerSettings: [.unsafeFlags(onlyTheEntry + ownRuntime)])
  ]
)

// swift-tools-version: 6.2
import PackageDescription

/// What every target of ours is compiled with.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
  _ name: String, path: String? = nil, resources: [Resource] = [], _ dependencies: [Target.Dependency]
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], path: path ?? "Tests/\(name)",
    resources: resources, swiftSettings: strict)
}

/// A plugin hides all but its entry function: otherwise it binds thousands of symbols to the host's copies.
/// The logic and the export are two targets, as two exports in one test binary would clash.
func plugin(_ folder: String, _ dependencies: [Target.Dependency]) -> [Target] {
  [
    .target(
      name: "\(folder)Registry", dependencies: ["RegistryKit", "ClusterModel"] + dependencies,
      path: "Plugins/\(folder)/Sources/\(folder)Registry", swiftSettings: strict),
    .target(
      name: "\(folder)Plugin", dependencies: [.target(name: "\(folder)Registry"), "RegistryKit"],
      path: "Plugins/\(folder)/Sources/\(folder)Plugin", swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags([
          "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/CRegistryPlugin/plugin.map",
        ])
      ]),
  ]
}

let package = Package(
  name: "rollcall",
  products: [
    .executable(name: "rollcall", targets: ["RollcallCommand"]),
    .library(name: "Rollcall", targets: ["Rollcall"]),
    .library(name: "RollcallConfiguration", targets: ["RollcallConfiguration"]),
    .library(name: "RegistryKit", targets: ["RegistryKit"]),
    .library(name: "ClusterModel", targets: ["ClusterModel"]),
    .library(name: "AffiliateMerge", targets: ["AffiliateMerge"]),
    .library(name: "Lifecycle", targets: ["Lifecycle"]),
    .library(name: "PluginHost", targets: ["PluginHost"]),
    .library(name: "RegistryConformance", targets: ["RegistryConformance"]),
    .library(name: "CRegistryPlugin", targets: ["CRegistryPlugin"]),
    .library(name: "rollcall-static-file", type: .dynamic, targets: ["StaticFilePlugin"]),
    .library(name: "rollcall-exec", type: .dynamic, targets: ["ExecPlugin"]),
    .library(name: "rollcall-http", type: .dynamic, targets: ["HTTPPlugin"]),
    .library(name: "DiscoveryProtocol", targets: ["DiscoveryProtocol"]),
    .library(name: "rollcall-service", type: .dynamic, targets: ["ServicePlugin"]),
    .library(name: "rollcall-kubernetes", type: .dynamic, targets: ["KubernetesPlugin"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    // Without its traits it needs no full Foundation.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
  ],
  targets: [
    // The floor: the model, and what every room needs once (files, clocks, waiting, durations, near misses).
    library("ClusterModel"),
    library("Platform", ["ClusterModel", .product(name: "SystemPackage", package: "swift-system")]),

    // The plugin boundary.
    .target(name: "CRegistryPlugin", exclude: ["plugin.map"]),
    library("RegistryKit", ["ClusterModel", "CRegistryPlugin", "Platform", logging]),
    library(
      "AffiliateMerge", ["ClusterModel", .product(name: "HashTreeCollections", package: "swift-collections")]),
    library(
      "Lifecycle", ["ClusterModel", .product(name: "HashTreeCollections", package: "swift-collections")]),
    // The line protocol: a registry as a program of its own, on both its sides.
    library("RegistryProtocol", ["RegistryKit", "ClusterModel", "Platform", logging]),
    library(
      "PluginHost",
      ["RegistryKit", "RegistryProtocol", "ClusterModel", "CRegistryPlugin", "Platform", logging]),
    library("RegistryConformance", ["RegistryKit", "ClusterModel", "PluginHost", logging]),

    // Documents and configuration.
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    library("Documents", ["ClusterModel", "CYAML", "Platform"]),
    // Lists of machines in whatever form, for the plugins that read some.
    library("Inventories", ["ClusterModel", "Documents", "Platform", "RegistryKit", logging]),
    library(
      "RollcallConfiguration",
      [
        "AffiliateMerge", "ClusterResources", "Documents", "ClusterModel", "KubeSpan", "Lifecycle", "Outputs",
        "Platform", "PluginHost", "RegistryKit", "Rollcall", logging,
      ]),

    // The kernel's netlink: messages, a socket, and what it tells of interfaces and addresses.
    library("Netlink", ["ClusterModel", "Platform"]),

    // The aggregator.
    library(
      "Rollcall",
      [
        "AffiliateMerge", "ClusterModel", "Lifecycle", "Netlink", "Platform", "PluginHost", "RegistryKit",
        logging,
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),

    // What a daemon keeps over a restart.
    library(
      "StateFile",
      [
        "AffiliateMerge", "ClusterModel", "Lifecycle", "Platform", "RegistryKit", "Rollcall", "Sealing",
        logging,
        .product(name: "SystemPackage", package: "swift-system"),
      ]),

    // How clients connect: addresses side by side, proxies, TLS with what kubectl and curl trust.
    library(
      "Dialing",
      [
        "COpenSSL", "ClusterModel", "Platform", nio("NIOCore"), nio("NIOPosix"), nio("NIOTLS"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ]),

    // HTTP as plugins speak it.
    library(
      "HTTPTransport",
      [
        "Dialing", "Platform", "RegistryKit", nio("NIOCore"), nio("NIOHTTP1"),
        .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
      ]),

    // The discovery service's wire.
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // What only the cluster's nodes can read.
    library("Sealing", ["COpenSSL", "Platform"]),
    .target(
      name: "DiscoveryProtocol",
      dependencies: [
        "ClusterModel", "COpenSSL", "Platform", "Sealing",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Protos", "regenerate.sh"], swiftSettings: strict),
    // The generated client, for the plugin and tests, and server, for tests. Apart, so that who only needs
    // messages and ciphers doesn't build gRPC.
    library(
      "DiscoveryGRPC",
      [
        "DiscoveryProtocol", .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
      ]),

    // The discovery service.
    library(
      "DiscoveryService",
      [
        "ClusterModel", "Exposition", "Platform", logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),

    // KubeSpan's rules, without I/O.
    library("KubeSpan", ["ClusterModel", "Platform"]),
    // The devices, and what leads packets into them.
    library("WireGuard", ["ClusterModel", "KubeSpan", "Netlink", "Platform"]),
    // The mesh as it runs: passes over a device, this node's key, what others are told.
    library(
      "Mesh",
      [
        "ClusterModel", "Documents", "KubeSpan", "Lifecycle", "Platform", "Rollcall", "Sealing",
        "WireGuard", logging,
      ]),

    // The command.
    // Trees of values: JSON, YAML, JSONPath; without the cluster's types, as plugins read such trees too.
    library("ResourceValues", ["ClusterModel", "Documents", "Platform"]),
    library(
      "ClusterResources",
      ["AffiliateMerge", "ClusterModel", "Documents", "KubeSpan", "Lifecycle", "Platform", "ResourceValues"]),

    // What a running daemon gives: the API, files and commands, metrics.
    library("Exposition", ["Platform"]),
    library(
      "RollcallMetrics",
      [
        "AffiliateMerge", "ClusterModel", "Exposition", "KubeSpan", "Lifecycle", "Platform", "RegistryKit",
        "Rollcall",
      ]),
    library(
      "Outputs",
      [
        "ClusterModel", "ClusterResources", "Lifecycle", "RollcallMetrics", "Platform", "Rollcall", logging,
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "StatusServer",
      dependencies: [
        "AffiliateMerge", "ClusterModel", "ClusterResources", "KubeSpan", "Lifecycle", "Platform", "Rollcall",
        logging,
        nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ], resources: [.embedInCode("openapi.yaml"), .embedInCode("Page")], swiftSettings: strict),
    library(
      "StatusClient",
      [
        "ClusterModel", "ClusterResources", "Platform", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
      ]),
    .executableTarget(
      name: "RollcallCommand",
      dependencies: [
        "Rollcall", "ClusterResources", "ClusterModel", "PluginHost", "RegistryConformance",
        "RollcallMetrics",
        "Outputs", "StatusClient", "StatusServer",
        "RegistryKit", "RegistryProtocol", "RollcallConfiguration", "AffiliateMerge", "DiscoveryService",
        "Documents", "KubeSpan", "Mesh", "Platform", "Lifecycle", "Sealing", "StateFile", logging,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),

    // Tests.
    .target(
      name: "TestSupport", dependencies: [logging], path: "Tests/Support/TestSupport", swiftSettings: strict),
    .target(
      name: "RegistryTestSupport", dependencies: ["RegistryKit", "ClusterModel", "TestSupport", logging],
      path: "Tests/Support/RegistryTestSupport", swiftSettings: strict),
    .target(
      name: "MeshTestSupport", dependencies: ["ClusterModel", "KubeSpan"],
      path: "Tests/Support/MeshTestSupport", swiftSettings: strict),
    tests("ClusterModelTests", resources: [.copy("Vectors")], ["ClusterModel"]),
    tests(
      "RegistryKitTests", resources: [.copy("Golden")],
      ["RegistryKit", "RegistryTestSupport", "ClusterModel", "CRegistryPlugin", "Platform", logging]),
    tests("AffiliateMergeTests", resources: [.copy("Vectors")], ["AffiliateMerge", "ClusterModel"]),
    tests("LifecycleTests", resources: [.copy("Vectors")], ["Lifecycle", "ClusterModel"]),
    tests(
      "PluginHostTests",
      [
        "PluginHost", "RegistryKit", "RegistryTestSupport", "Rollcall", "ClusterModel", "CRegistryPlugin",
        logging,
      ]),
    tests(
      "RegistryConformanceTests",
      ["RegistryConformance", "RegistryKit", "ClusterModel", "PluginHost", logging]),
    tests(
      "DialingTests",
      [
        "Dialing", "ClusterModel", "Platform", nio("NIOCore"), nio("NIOPosix"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ]),
    tests("PlatformTests", ["Platform", "ClusterModel"]),
    tests("DocumentsTests", ["Documents", "ClusterModel"]),
    tests(
      "RollcallConfigurationTests", resources: [.copy("Fixtures")],
      [
        "RollcallConfiguration", "Rollcall", "Documents", "ClusterModel", "ClusterResources", "KubeSpan",
        "Outputs", "RegistryKit",
      ]),
    tests(
      "RollcallTests",
      [
        "Rollcall", "AffiliateMerge", "Lifecycle", "ClusterModel", "Platform", "RegistryKit", logging,
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    tests(
      "RollcallCommandTests",
      [
        "RollcallCommand", "Rollcall", "AffiliateMerge", "ClusterModel", "ClusterResources", "KubeSpan",
        "Mesh", "MeshTestSupport", "RegistryKit", "StateFile", "StatusClient", "StatusTestSupport",
        "Platform", logging,
      ]),
    .target(
      name: "BrowserTestSupport", dependencies: ["TestSupport"], path: "Tests/Support/BrowserTestSupport",
      swiftSettings: strict),
    .target(
      name: "KubeSpanTestSupport", dependencies: ["KubeSpan", "ClusterModel"],
      path: "Tests/Support/KubeSpanTestSupport", swiftSettings: strict),
    .target(
      name: "StatusTestSupport", path: "Tests/Support/StatusTestSupport", swiftSettings: strict),
    tests(
      "StatusClientTests",
      ["StatusClient", "StatusTestSupport", "ClusterResources", "ClusterModel", "Platform"]),
    tests(
      "StatusServerTests",
      [
        "StatusServer", "AffiliateMerge", "BrowserTestSupport", "ClusterModel", "ClusterResources",
        "KubeSpan", "Lifecycle", "MeshTestSupport", "Platform",
        "RegistryKit", "Rollcall", "Documents", logging, nio("NIOCore"), nio("NIOPosix"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ]),
    tests("ExpositionTests", ["Exposition"]),
    tests(
      "OutputsTests",
      [
        "Outputs", "ClusterModel", "ClusterResources", "Lifecycle", "RollcallMetrics", "Platform",
        "RegistryKit",
        "Rollcall", logging,
      ]),
    tests(
      "RollcallMetricsTests",
      [
        "RollcallMetrics", "ClusterModel", "Exposition", "KubeSpan", "Lifecycle", "MeshTestSupport",
        "RegistryKit", "Rollcall", "Platform",
      ]),
    tests(
      "StateFileTests",
      [
        "StateFile", "Rollcall", "AffiliateMerge", "Lifecycle", "ClusterModel", "Platform", "RegistryKit",
        "Sealing", logging,
      ]),
    tests(
      "KubeSpanTests", resources: [.copy("Vectors")],
      ["KubeSpan", "KubeSpanTestSupport", "ClusterModel", "Platform", "Sealing"]),
    tests(
      "MeshTests",
      ["Mesh", "KubeSpan", "KubeSpanTestSupport", "ClusterModel", "Platform", "Rollcall", logging]),
    tests("NetlinkTests", ["Netlink", "ClusterModel"]),
    tests("WireGuardTests", ["WireGuard", "KubeSpan", "Netlink", "ClusterModel", "Platform"]),
    .executableTarget(
      name: "WireGuardProbe", dependencies: ["WireGuard", "Netlink", "KubeSpan", "ClusterModel", "Platform"],
      path: "Tests/Support/WireGuardProbe", swiftSettings: strict),
    tests("LocalNodeTests", ["Rollcall", "ClusterModel", "Netlink", logging]),
    tests(
      "ClusterResourcesTests", resources: [.copy("Golden")],
      [
        "ClusterResources", "ClusterModel", "Documents", "KubeSpan", "Lifecycle", "Platform",
        "ResourceValues",
      ]),
    tests(
      "InventoriesTests", resources: [.copy("Fixtures")],
      ["Inventories", "ClusterModel", "Documents", "Platform", "RegistryKit"]),
    tests(
      "StaticFileRegistryTests",
      [
        "StaticFileRegistry", "Inventories", "RegistryTestSupport", "PluginHost", "RegistryConformance",
        "RegistryKit",
        "ClusterModel", "Documents", "Platform", logging,
      ]),
    .target(
      name: "HTTPTestSupport",
      dependencies: [
        "TestSupport", nio("NIOCore"), nio("NIOPosix"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ], path: "Tests/Support/HTTPTestSupport", swiftSettings: strict),
    tests(
      "HTTPRegistryTests",
      [
        "HTTPRegistry", "HTTPTestSupport", "Inventories", "RegistryTestSupport", "PluginHost",
        "RegistryConformance", "RegistryKit", "ClusterModel", "Documents", "Platform", logging,
      ]),
    tests(
      "RegistryProtocolTests",
      ["RegistryProtocol", "RegistryKit", "RegistryTestSupport", "ClusterModel", "Platform", logging]),
    tests(
      "ExecRegistryTests",
      [
        "ExecRegistry", "RegistryTestSupport", "PluginHost", "RegistryConformance", "RegistryKit",
        "RegistryProtocol", "ClusterModel", "Platform", logging,
      ]),
    tests(
      "IntegrationTests", path: "Tests/Integration", resources: [.copy("Fixtures")],
      [
        "BrowserTestSupport", "ClusterModel", "KubernetesTestSupport", "PluginHost", "RegistryConformance",
        "RegistryKit", "RegistryTestSupport", "DiscoveryGRPC", "DiscoveryProtocol", "Sealing",
        "StatusTestSupport", logging,
        nio("NIOCore"), nio("NIOPosix"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "DiscoveryProtocolTests", resources: [.copy("Vectors")],
      [
        "DiscoveryProtocol", "ClusterModel", "COpenSSL", "Sealing",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "ServiceRegistryTests",
      [
        "ServiceRegistry", "DiscoveryGRPC", "DiscoveryProtocol", "Sealing", "PluginHost", "RegistryKit",
        "ClusterModel",
        "Documents", "KubernetesTestSupport", "RegistryTestSupport", logging,
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        nio("NIOCore"), nio("NIOPosix"), nio("NIOEmbedded"),
      ]),
    tests(
      "DiscoveryServiceTests",
      [
        "DiscoveryService", "ClusterModel", "Platform", logging, nio("NIOCore"), nio("NIOPosix"),
        nio("NIOHTTP1"),
        nio("NIOEmbedded"), "DiscoveryGRPC", "DiscoveryProtocol",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .target(
      name: "NodeFixtures", dependencies: ["KubernetesRegistry", "ClusterModel", "Platform", "TestSupport"],
      path: "Tests/Support/NodeFixtures", swiftSettings: strict),
    .target(
      name: "KubernetesTestSupport", dependencies: ["TestSupport", nio("NIOCore"), nio("NIOPosix")],
      path: "Tests/Support/KubernetesTestSupport", swiftSettings: strict),
    tests(
      "KubernetesRegistryTests",
      resources: [.copy("Fixtures"), .copy("Decoding/DecodingFixtures")],
      [
        "KubernetesRegistry", "Dialing", "HTTPTestSupport", "HTTPTransport", "KubernetesTestSupport",
        "NodeFixtures", "RegistryTestSupport",
        "PluginHost",
        "RegistryConformance", "RegistryKit", "ClusterModel", "Rollcall", "Documents", "Platform", logging,
        nio("NIOCore"), nio("NIOPosix"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ]),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "BenchmarkTable", "Rollcall", "AffiliateMerge", "ClusterModel", "Lifecycle", "PluginHost",
        "RegistryKit", "RegistryProtocol",
        logging,
      ],
      path: "Tests/Benchmarks",
      exclude: ["CEpoll", "Kubernetes", "ServiceLoad", "ServiceServer", "Table", "Watchers"],
      swiftSettings: strict),
    .target(name: "BenchmarkTable", path: "Tests/Benchmarks/Table", swiftSettings: strict),
    .executableTarget(
      name: "WatchBenchmark",
      dependencies: ["CEpoll", "StatusServer", "Rollcall", "RegistryKit", "ClusterModel", logging],
      path: "Tests/Benchmarks/Watchers", swiftSettings: strict),
    .executableTarget(
      name: "ServiceProbe", dependencies: ["ServiceRegistry", "RegistryKit", "ClusterModel", logging],
      path: "Tests/Support/ServiceProbe", swiftSettings: strict),
    .executableTarget(
      name: "ServiceServer", dependencies: ["DiscoveryService", "ClusterModel", logging],
      path: "Tests/Benchmarks/ServiceServer", swiftSettings: strict),
    .systemLibrary(name: "CEpoll", path: "Tests/Benchmarks/CEpoll"),
    .executableTarget(
      name: "ServiceLoad",
      dependencies: [
        "CEpoll", nio("NIOCore"), .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Tests/Benchmarks/ServiceLoad", swiftSettings: strict),
    .executableTarget(
      name: "KubernetesBenchmark",
      dependencies: [
        "BenchmarkTable", "KubernetesRegistry", "NodeFixtures", "Rollcall", "RegistryKit", "ClusterModel",
        logging,
      ],
      path: "Tests/Benchmarks/Kubernetes", swiftSettings: strict),
  ]
    + plugin("StaticFile", ["Documents", "Inventories", "Platform", logging])
    + plugin(
      "HTTP",
      [
        "Dialing", "Documents", "HTTPTransport", "Inventories", "Platform", "ResourceValues", logging,
        nio("NIOCore"), nio("NIOHTTP1"),
      ])
    + plugin("Exec", ["Documents", "Inventories", "Platform", "RegistryProtocol", logging])
    + plugin(
      "Service",
      [
        "Dialing", "DiscoveryGRPC", "DiscoveryProtocol", "Platform", "Sealing", logging,
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        nio("NIOCore"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
      ])
    + plugin(
      "Kubernetes",
      [
        "Dialing", "Documents", "HTTPTransport", "Platform", logging, nio("NIOCore"), nio("NIOHTTP1"),
      ]),
  swiftLanguageModes: [.v6]
)

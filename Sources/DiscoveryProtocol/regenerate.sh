#!/bin/sh
# Writes the Swift of Protos/*.proto anew: the messages into Generated/, the gRPC client and server into
# ../DiscoveryGRPC/Generated. Run it after a change of a .proto file and commit what it writes.
#
# Needs protoc (Debian: apt-get install protobuf-compiler). Builds both generators from the sources of the
# packages that the project uses, once, in GENERATORS (default: .build/generators); minutes the first time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${GENERATORS:-$root/.build/generators}
stubs=$root/Sources/DiscoveryGRPC/Generated

command -v protoc >/dev/null || {
  echo "regenerate: protoc is missing; on Debian: apt-get install protobuf-compiler" >&2
  exit 1
}

mkdir -p "$build/Sources/Generators" "$here/Generated" "$stubs"
cat >"$build/Package.swift" <<'PACKAGE'
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "generators",
  dependencies: [
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
  ],
  targets: [
    .executableTarget(
      name: "Generators",
      dependencies: [
        .product(name: "protoc-gen-swift", package: "swift-protobuf"),
        .product(name: "protoc-gen-grpc-swift-2", package: "grpc-swift-protobuf"),
      ])
  ])
PACKAGE
: >"$build/Sources/Generators/main.swift"
for product in protoc-gen-swift protoc-gen-grpc-swift-2; do
  swift build --package-path "$build" --product "$product"
done
bin=$(swift build --package-path "$build" --show-bin-path)

rm -f "$here"/Generated/*.swift "$stubs"/*.swift
protoc --proto_path="$here/Protos" \
  --plugin="$bin/protoc-gen-swift" \
  --swift_out="$here/Generated" --swift_opt=Visibility=Public,UseAccessLevelOnImports=true \
  "$here"/Protos/*.proto
protoc --proto_path="$here/Protos" \
  --plugin="$bin/protoc-gen-grpc-swift-2" \
  --grpc-swift-2_out="$stubs" \
  --grpc-swift-2_opt=Visibility=Package,UseAccessLevelOnImports=true,ExtraModuleImports=DiscoveryProtocol \
  "$here/Protos/cluster.proto"

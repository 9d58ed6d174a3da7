#!/bin/sh
# Fuzzes with libFuzzer, each target for SECONDS (default 60): what opens and decodes a discovery service's words,
# what the service reads of strangers, proxies and files, what reads lists of machines, and what reads a plugin's
# options in C.
#
# What ends the process is kept in the target's folder Findings: commit it with the repair, the tests run it from
# then on. New inputs that reach new code stay in .build/fuzz.
set -eu
seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/Tests/Fuzz
build=$root/.build/fuzz

build_target() {
  swift build --package-path "$root" --scratch-path "$build" --target "$1" -Xswiftc -sanitize=fuzzer
}

# fuzz TARGET PROGRAM
fuzz() {
  mkdir -p "$build/corpus-$1" "$here/$1/Findings"
  echo "==> Fuzzing $1 for $seconds seconds"
  "$2" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$here/$1/Findings/" "$build/corpus-$1" "$here/$1/Corpus"
  rmdir "$here/$1/Findings" 2>/dev/null || true
}

build_target DiscoveryProtocol
build_target Inventories
build_target NIOHPACK
bin=$(swift build --package-path "$root" --scratch-path "$build" --show-bin-path)

objects=$(find "$bin/DiscoveryProtocol.build" "$bin/ClusterModel.build" "$bin/SwiftProtobuf.build" -name '*.o')
shared=$root/Tests/DiscoveryProtocolTests
# shellcheck disable=SC2086 # one word for each object
swiftc -swift-version 6 -parse-as-library -Onone -g -sanitize=fuzzer -I "$bin/Modules" \
  -Xcc -fmodule-map-file="$root/Sources/COpenSSL/module.modulemap" \
  "$here/DiscoveryProtocol/FuzzTarget.swift" "$shared/OpenFuzz.swift" "$shared/RawSeal.swift" \
  $objects -lcrypto -o "$build/fuzz-discovery-protocol"

# The service's sources that read and keep, without those that serve: these need no TLS library.
service=$root/Sources/DiscoveryService
messages=$root/Sources/DiscoveryProtocol/Generated
shared=$root/Tests/DiscoveryServiceTests/Fuzz
find "$bin"/ClusterModel.build "$bin"/Platform.build "$bin"/SystemPackage.build "$bin"/CSystem.build \
  "$bin"/SwiftProtobuf.build "$bin"/NIO*.build "$bin"/_NIO*.build "$bin"/CNIO*.build "$bin"/DequeModule.build \
  "$bin"/*Collections*.build "$bin"/*Atomics*.build "$bin"/ContainersPreview.build -name '*.o' \
  -exec printf '"%s"\n' '{}' + | sort -u >"$build/objects"
maps=$(find "$bin"/CNIO*.build "$build"/checkouts/swift-atomics "$build"/checkouts/swift-nio -name module.modulemap \
  -exec printf -- '-Xcc -fmodule-map-file=%s ' '{}' +)
# shellcheck disable=SC2086 # one word for each option
swiftc -swift-version 6 -parse-as-library -O -g -use-ld=lld -sanitize=fuzzer,address -D FUZZING -I "$bin/Modules" $maps \
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
  -package-name "$(basename "$root" | tr '[:upper:]' '[:lower:]')" -module-name DiscoveryServiceFuzz "$here/DiscoveryService/FuzzTarget.swift" \
  "$shared/ServiceFuzz.swift" "$shared/FuzzedStore.swift" "$shared/FuzzedMessages.swift" \
  "$messages/cluster.pb.swift" "$messages/snapshot.pb.swift" \
  "$service"/State/*.swift "$service"/Wire/*.swift "$service/Snapshots/StateSnapshot.swift" \
  "$service/Snapshots/SnapshotChecksum.swift" \
  "$service/Access/AccessTokens.swift" "$service/Limits/ClientAddress.swift" \
  "$service/Limits/ResourceLedger.swift" "$service/Limits/SharedResource.swift" "$service/Metrics/Histogram.swift" \
  "$service/Pages/PageTarget.swift" "$service/Pages/InspectData.swift" "$service/Pages/Page.swift" \
  "$service/Transport/MessageFraming.swift" "$service/Transport/RequestHead.swift" \
  "@$build/objects" -o "$build/fuzz-discovery-service"

objects=$(find "$bin/Inventories.build" "$bin/Documents.build" "$bin/RegistryKit.build" "$bin/CRegistryPlugin.build" \
  "$bin/ClusterModel.build" "$bin/Platform.build" "$bin/SystemPackage.build" "$bin/CSystem.build" "$bin/Logging.build" \
  -name '*.o')
# shellcheck disable=SC2086 # one word for each object
swiftc -swift-version 6 -parse-as-library -Onone -g -sanitize=fuzzer -I "$bin/Modules" \
  -package-name "$(basename "$root" | tr '[:upper:]' '[:lower:]')" -module-name InventoriesFuzz \
  -Xcc -fmodule-map-file="$root/Sources/CYAML/module.modulemap" \
  -Xcc -fmodule-map-file="$root/Sources/CRegistryPlugin/include/module.modulemap" \
  -Xcc -fmodule-map-file="$build/checkouts/swift-system/Sources/CSystem/include/module.modulemap" \
  "$here/Inventories/FuzzTarget.swift" "$root/Tests/InventoriesTests/Fuzz/InventoryFuzz.swift" \
  $objects -lyaml -o "$build/fuzz-inventories"

mkdir -p "$build"
clang -g -O1 -Wall -Wextra -Werror -fuse-ld=lld -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
  -I "$root/Sources/CRegistryPlugin/include" -o "$build/fuzz-registry-options" \
  "$here/RegistryOptions/registry_options_fuzz.c"

fuzz RegistryOptions "$build/fuzz-registry-options"
fuzz DiscoveryProtocol "$build/fuzz-discovery-protocol"
fuzz DiscoveryService "$build/fuzz-discovery-service"
fuzz Inventories "$build/fuzz-inventories"

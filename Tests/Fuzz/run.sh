#!/bin/sh
# Fuzzes what opens and decodes a discovery service's words, for SECONDS (default 60) with libFuzzer.
#
# What ends the process is kept in Tests/Fuzz/DiscoveryProtocol/Findings: commit it with the repair, the tests
# run it from then on. New inputs that reach new code stay in .build/fuzz/corpus.
set -eu
seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/Tests/Fuzz/DiscoveryProtocol
build=$root/.build/fuzz
shared=$root/Tests/DiscoveryProtocolTests

swift build --package-path "$root" --scratch-path "$build" --target DiscoveryProtocol -Xswiftc -sanitize=fuzzer
bin=$(swift build --package-path "$root" --scratch-path "$build" --show-bin-path)

objects=$(find "$bin/DiscoveryProtocol.build" "$bin/ClusterModel.build" "$bin/SwiftProtobuf.build" -name '*.o')
# shellcheck disable=SC2086 # one word for each object
swiftc -swift-version 6 -parse-as-library -Onone -g -sanitize=fuzzer -I "$bin/Modules" \
  -Xcc -fmodule-map-file="$root/Sources/COpenSSL/module.modulemap" \
  "$target/FuzzTarget.swift" "$shared/OpenFuzz.swift" "$shared/RawSeal.swift" \
  $objects -lcrypto -o "$build/fuzz-discovery-protocol"

mkdir -p "$build/corpus" "$target/Findings"
"$build/fuzz-discovery-protocol" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
  -print_final_stats=1 -artifact_prefix="$target/Findings/" "$build/corpus" "$target/Corpus"
rmdir "$target/Findings" 2>/dev/null || true

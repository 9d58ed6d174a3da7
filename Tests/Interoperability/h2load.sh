#!/bin/sh
# nghttp2's h2load against the discovery service: List calls over many connections and streams, then what the
# service does with requests that aren't gRPC. Usage: h2load.sh URL
# URL is http://HOST:PORT or https://HOST:PORT of a service without a rate limit.
# Exits with 77 and says why where h2load isn't installed.
set -eu

command -v h2load >/dev/null || { echo "skipped: h2load isn't installed (Debian: nghttp2-client)"; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A ListRequest of cluster "c" with gRPC's head.
printf '\000\000\000\000\003\012\001c' >"$folder/request"
base="$1/sidero.discovery.server.Cluster"

check() {
  name=$1 expected=$2
  shift 2
  h2load "$@" >"$folder/out" 2>&1 || { cat "$folder/out"; exit 1; }
  grep -q "$expected" "$folder/out" || {
    echo "$name: no \"$expected\" in:"; cat "$folder/out"; exit 1; }
  echo "$name: $(grep '^finished' "$folder/out")"
}

check "5,000 calls" "5000 succeeded, 0 failed, 0 errored, 0 timeout" \
  -n 5000 -c 20 -m 50 -H 'content-type: application/grpc' -H 'te: trailers' -d "$folder/request" "$base/List"
check "tiny windows" "2000 succeeded, 0 failed, 0 errored, 0 timeout" \
  -n 2000 -c 4 -m 10 -w 1 -W 1 -H 'content-type: application/grpc' -d "$folder/request" "$base/List"
check "not gRPC" "status codes: 0 2xx, 0 3xx, 1000 4xx, 0 5xx" -n 1000 -c 5 -m 10 "$base/List"
echo "h2load: all passed"

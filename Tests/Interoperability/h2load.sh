#!/bin/sh
# nghttp2's h2load against the discovery service: List calls over many connections and streams, then what the
# service does with requests that aren't gRPC. Usage: h2load.sh SERVER
# Exits with 77 and says why where h2load isn't installed.
set -eu

server=$1
command -v h2load >/dev/null || { echo "skipped: h2load isn't installed (Debian: nghttp2-client)"; exit 77; }

folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$server" "$port" >"$folder/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT

tries=0
until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port)).close()" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { echo "the service didn't start"; cat "$folder/log"; exit 1; }
  sleep 0.1
done

# A ListRequest of cluster "c" with gRPC's head.
printf '\000\000\000\000\003\012\001c' >"$folder/request"
base="http://127.0.0.1:$port/sidero.discovery.server.Cluster"

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
kill -0 "$pid" || { echo "the service is gone"; cat "$folder/log"; exit 1; }
echo "h2load: all passed"

#!/bin/sh
# Snapshots and changes over a link of 8 Mbit/s, with a delay of 40 ms there and back where the kernel has netem:
# nobody is cut off and every watcher has every final state. Usage: slow_link.sh SERVER LOAD
# The link is the loopback of a network namespace of its own, gone with the script.
# Exits with 77 and says why where that can't be made.
set -eu

if [ "${3:-}" != inside ]; then
  command -v tc >/dev/null || { echo "skipped: tc isn't installed (Debian: iproute2)"; exit 77; }
  unshare -rn true 2>/dev/null || { echo "skipped: network namespaces can't be made here"; exit 77; }
  exec unshare -rn "$0" "$1" "$2" inside
fi

# The mtu of other links: whole buckets of 64 KiB would be too big for tbf.
ip link set lo mtu 1500 up
if tc qdisc add dev lo root netem delay 20ms rate 8mbit limit 100000 2>/dev/null; then
  echo "the link: netem, 8 Mbit/s and 20 ms"
elif tc qdisc add dev lo root tbf rate 8mbit burst 64kb latency 2s 2>/dev/null; then
  echo "the link: tbf, 8 Mbit/s (the kernel has no netem)"
else
  echo "skipped: the kernel has neither netem nor tbf"
  exit 77
fi

folder=$(mktemp -d)
"$1" 3000 >"$folder/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
tries=0
until grep -q "the discovery service listens" "$folder/log"; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { echo "the service didn't start"; cat "$folder/log"; exit 1; }
  sleep 0.1
done

"$2" --port 3000 --clusters 1 --affiliates 500 --bytes 1000 --watchers 8 --writers 2 --rate 40 --seconds 3 \
  >"$folder/out" 2>&1 || { cat "$folder/out" "$folder/log"; exit 1; }
cat "$folder/out"
for line in "failed calls         0" "watchers cut off     0" "final states missing 0"; do
  grep -qx "$line" "$folder/out" || { echo "not so: $line"; exit 1; }
done
kill -0 "$pid" || { echo "the service is gone"; cat "$folder/log"; exit 1; }
echo "slow link: all passed"

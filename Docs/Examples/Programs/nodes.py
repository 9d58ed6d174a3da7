#!/usr/bin/env python3
import json, sys, time
options, known = json.loads(sys.stdin.readline())["settings"]["options"], None
while True:
    try:
        with open(options["path"]) as file:
            pairs = [line.split() for line in file]
            nodes = [{"nodename": name, "addresses": [address]} for address, name in pairs]
        if nodes != known:
            print(json.dumps({"snapshot": nodes}), flush=True)
        known = nodes
    except (OSError, ValueError) as error:
        print(json.dumps({"degraded": str(error)}), flush=True)
        known = None
    time.sleep(options.get("seconds", 5))

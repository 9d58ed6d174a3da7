#!/usr/bin/env python3
"""Python's grpcio against the discovery service: what another implementation's habits are.

Usage: grpcio_client.py [--original] PORT PROTOS [AUTHORITY]
PORT is the service's, on loopback and without a rate limit, PROTOS the folder that holds the project's own .proto
files; the stubs are made from them on the spot. With AUTHORITY, a PEM file, the service is spoken to over TLS. With
--original the stubs know nothing of the project's own fields, those from 1000 on.
Exits with 77 and says why where grpcio isn't installed.
"""
import os
import re
import sys
import tempfile
import threading
import time

try:
    import grpc
    from google.protobuf.unknown_fields import UnknownFieldSet
    from grpc_tools import protoc
except ImportError as error:
    print(f"skipped: {error}; install grpcio and grpcio-tools")
    sys.exit(77)


def without_own_fields(protos):
    """A copy of the proto files without the project's own fields."""
    folder = tempfile.mkdtemp(prefix="rollcall-protos-")
    for name in os.listdir(protos):
        with open(os.path.join(protos, name)) as text:
            original = re.sub(r"(?m)^.*= 1\d{3};\n", "", text.read())
        with open(os.path.join(folder, name), "w") as copy:
            copy.write(original)
    return folder


def stubs(protos):
    """Generates and imports the stubs of the proto that defines the service."""
    folder = tempfile.mkdtemp(prefix="rollcall-stubs-")
    files = [
        os.path.relpath(os.path.join(base, name), protos)
        for base, _, names in os.walk(protos) for name in names if name.endswith(".proto")
    ]
    include = os.path.join(os.path.dirname(protoc.__file__), "_proto")
    status = protoc.main(
        ["protoc", f"-I{protos}", f"-I{include}", f"--python_out={folder}", f"--grpc_python_out={folder}"] + files)
    assert status == 0, "the stubs could not be made"
    sys.path.insert(0, folder)
    for file in files:
        with open(os.path.join(protos, file)) as text:
            if "service Cluster" in text.read():
                name = file.removesuffix(".proto").replace("/", ".")
                messages = __import__(name + "_pb2", fromlist=["*"])
                return messages, __import__(name + "_pb2_grpc", fromlist=["*"])
    raise AssertionError("no proto defines the service")


def fails(code, call):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} instead of {code}: {error.details()}"
        return error.details()
    raise AssertionError(f"no error instead of {code}")


def wait_until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} took too long"
        time.sleep(0.01)


class Watch:
    """Reads a watch in a thread."""

    def __init__(self, stub, request):
        self.call = stub.Watch(request)
        self.responses = []
        self.end = None
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for response in self.call:
                self.responses.append(response)
        except grpc.RpcError as error:
            self.end = error.code()


def main():
    arguments = sys.argv[1:]
    is_original = arguments[0] == "--original"
    if is_original:
        arguments.pop(0)
    port, protos = arguments[:2]
    messages, services = stubs(without_own_fields(protos) if is_original else protos)
    assert ("reason" in messages.WatchResponse.DESCRIPTOR.fields_by_name) != is_original
    credentials = None
    if len(arguments) > 2:
        with open(arguments[2], "rb") as authority:
            credentials = grpc.ssl_channel_credentials(authority.read())

    def connect(options=()):
        address = f"127.0.0.1:{port}"
        if credentials is None:
            return grpc.insecure_channel(address, options=options)
        return grpc.secure_channel(address, credentials, options=options)

    options = [("grpc.keepalive_time_ms", 10000), ("grpc.keepalive_permit_without_calls", 1)]
    with connect(options) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        check(services.ClusterStub(channel), messages, connect, services, is_original)
    print("grpcio: all passed")


def check_own_fields(watch, listed, m, is_original):
    """A removal says why and when the last renewal was, which who doesn't know of it skips."""
    affiliate, removal = watch.responses[1].affiliates[0], watch.responses[3]
    if is_original:
        unknown = [(field.field_number, field.wire_type) for field in UnknownFieldSet(removal)]
        assert unknown == [(1000, 0), (1001, 2)], unknown
        assert [field.field_number for field in UnknownFieldSet(affiliate)] == [1001]
        return
    assert removal.reason == m.REMOVAL_REASON_WITHDRAWN
    now = time.time()
    for message in (affiliate, listed, removal):
        renewed = message.last_update.seconds + message.last_update.nanos / 1e9
        assert now - 60 < renewed < now + 1, (renewed, now)
    assert affiliate.last_update.ToMilliseconds() <= removal.last_update.ToMilliseconds()
    assert not removal.affiliates[0].HasField("last_update")


def check(stub, m, connect, services, is_original):
    def update(cluster, affiliate, **more):
        stub.AffiliateUpdate(
            m.AffiliateUpdateRequest(cluster_id=cluster, affiliate_id=affiliate, **more), timeout=30)

    hello = stub.Hello(m.HelloRequest(cluster_id="c", client_version="python"), timeout=30)
    assert hello.client_ip == bytes([127, 0, 0, 1]), hello
    assert not hello.HasField("redirect")

    watch = Watch(stub, m.WatchRequest(cluster_id="c"))
    wait_until("the empty snapshot", lambda: len(watch.responses) == 1)
    assert len(watch.responses[0].affiliates) == 0
    update("c", "a", affiliate_data=b"data", affiliate_endpoints=[b"e1", b"e2"])
    update("c", "a", affiliate_data=b"data", affiliate_endpoints=[b"e2"])
    update("c", "a", affiliate_endpoints=[b"e3"])
    wait_until("the changes", lambda: len(watch.responses) == 3)
    listed = stub.List(m.ListRequest(cluster_id="c"), timeout=30).affiliates
    assert [list(a.endpoints) for a in listed] == [[b"e1", b"e2", b"e3"]]
    assert watch.responses[2].affiliates[0] == listed[0]
    stub.AffiliateDelete(m.AffiliateDeleteRequest(cluster_id="c", affiliate_id="a"), timeout=30)
    wait_until("the deletion", lambda: len(watch.responses) == 4)
    assert watch.responses[3].deleted and watch.responses[3].affiliates[0].id == "a"
    check_own_fields(watch, listed[0], m, is_original)

    code = grpc.StatusCode
    assert fails(code.INVALID_ARGUMENT, lambda: update("", "a")) == "cluster ID can't be empty"
    assert fails(code.INVALID_ARGUMENT, lambda: update("c" * 257, "a")) == "cluster ID is too long"
    assert fails(code.INVALID_ARGUMENT, lambda: update("c", "")) == "affiliate ID can't be empty"
    fails(code.INVALID_ARGUMENT, lambda: update("c", "a", affiliate_data=bytes(2049)))
    fails(code.INVALID_ARGUMENT, lambda: update("c", "a", affiliate_data=bytes(200_000)))
    fails(code.RESOURCE_EXHAUSTED, lambda: update("c", "a", affiliate_data=bytes(2_000_000)))
    fails(code.INVALID_ARGUMENT, lambda: update("c", "a", affiliate_endpoints=[bytes(33)]))
    fails(code.RESOURCE_EXHAUSTED,
          lambda: update("c", "a", affiliate_endpoints=[bytes([n]) for n in range(65)]))
    assert len(stub.List(m.ListRequest(cluster_id="c"), timeout=30).affiliates) == 0

    fails(code.UNIMPLEMENTED, lambda: stub.List(
        m.ListRequest(cluster_id="c" * 200), timeout=30, compression=grpc.Compression.Gzip))
    with connect() as channel:
        nothing = channel.unary_unary("/sidero.discovery.server.Cluster/Nothing")
        fails(code.UNIMPLEMENTED, lambda: nothing(b"", timeout=30))
        fails(code.INTERNAL, lambda: channel.unary_unary("/sidero.discovery.server.Cluster/List")(
            b"\xff\xff\xff", timeout=30))
    fails(code.DEADLINE_EXCEEDED, lambda: list(stub.Watch(m.WatchRequest(cluster_id="c"), timeout=0.3)))

    # A snapshot of several times the client's window, then fifty watchers of many changes.
    for index in range(1000):
        update("big", f"a{index}", affiliate_data=bytes(2000))
    assert len(stub.List(m.ListRequest(cluster_id="big"), timeout=60).affiliates) == 1000
    channels = [connect([("grpc.channel_id", n)]) for n in range(50)]
    watches = [Watch(services.ClusterStub(c), m.WatchRequest(cluster_id="big")) for c in channels]
    wait_until("all snapshots", lambda: all(w.responses for w in watches), 120)
    assert all(len(w.responses[0].affiliates) == 1000 for w in watches)
    for round in range(100):
        for index in range(5):
            update("big", f"a{index}", affiliate_data=round.to_bytes(4, "big"))

    def last(watch):
        state = {}
        for response in list(watch.responses):
            for affiliate in response.affiliates:
                state[affiliate.id] = affiliate.data
        return [state[f"a{index}"] for index in range(5)]

    wait_until("all final states", lambda: all(
        last(w) == [(99).to_bytes(4, "big")] * 5 for w in watches), 120)
    assert all(w.end is None for w in watches), "a watcher was cut off"
    for watch in watches[::2]:
        watch.call.cancel()
    for channel in channels:
        channel.close()
    update("c", "after", affiliate_data=b"x")


if __name__ == "__main__":
    main()

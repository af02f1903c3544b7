#!/usr/bin/env python3
"""Talks to databroker.DataBrokerService as another program would, with code of Python's gRPC.

Usage: record_client.py GENERATED HOST:PORT CASE [CA CERTIFICATE KEY]

GENERATED holds what protoc made of the .proto files. CASE names one of the functions below; it ends
with status 0 when the service did what the case says, and prints what it did instead otherwise.
CERTIFICATE and KEY may be "-"; without CA the connection is clear text. The service knows the shared
secret 00 01 .. 1f.
"""

import base64
import hashlib
import hmac
import json
import socket
import sys
import threading
import time

SECRET = bytes(range(32))
TIMEOUT = 30
SESSION = "type.googleapis.com/session.Session"
STRUCT = "type.googleapis.com/google.protobuf.Struct"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims, key=SECRET, header=None):
    text = encode(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()) + "." + encode(
        json.dumps(claims).encode())
    return text + "." + encode(hmac.new(key, text.encode(), hashlib.sha256).digest())


def token():
    return sign({"exp": int(time.time()) + 3600})


def service_token(service):
    extracted = hmac.new(bytes(32), SECRET, hashlib.sha256).digest()
    key = hmac.new(extracted, b"databroker-rpc\x01", hashlib.sha256).digest()
    now = int(time.time())
    return sign({"iss": "vallum", "aud": "databroker", "sub": service, "iat": now, "exp": now + 600, "jti": "1"},
                key, {"alg": "HS256", "typ": "JWT", "kid": "databroker-rpc"})


def read(path):
    if path == "-":
        return None
    with open(path, "rb") as file:
        return file.read()


def same(left, right):
    assert left == right, f"{left!r} is not {right!r}"


class Client:
    """The methods of the service by name: client.Get(request, jwt=...)."""

    def __init__(self, target, files, options=()):
        limits = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), *options]
        if files:
            authority, certificate, key = (read(path) for path in files)
            credentials = grpc.ssl_channel_credentials(authority, key, certificate)
            limits.append(("grpc.ssl_target_name_override", "databroker.example"))
            self.channel = grpc.secure_channel(target, credentials, options=limits)
        else:
            self.channel = grpc.insecure_channel(target, options=limits)
        self.trailing = {}

    def call(self, path, request, answer, jwt="", metadata=(), stream=False, timeout=TIMEOUT, **more):
        metadata = list(metadata)
        if jwt is not None:
            metadata.append(("jwt", jwt or token()))
        make = self.channel.unary_stream if stream else self.channel.unary_unary
        method = make(path, request_serializer=lambda m: m.SerializeToString(),
                      response_deserializer=answer.FromString)
        if stream:
            return method(request, metadata=metadata, timeout=timeout, **more)
        response, call = method.with_call(request, metadata=metadata, timeout=timeout, **more)
        self.trailing = dict(call.trailing_metadata())
        return response

    def __getattr__(self, name):
        request, answer = METHODS[name]

        def run(message=None, **options):
            return self.call("/databroker.DataBrokerService/" + name, message or request(), answer,
                             stream=name.startswith("Sync"), **options)
        return run

    def put(self, *records, **options):
        return self.Put(pb.PutRequest(records=records), **options)

    def sync(self, server_version, record_version=0, **options):
        keys = {name: options.pop(name) for name in ("type", "wait") if name in options}
        return self.Sync(pb.SyncRequest(server_version=server_version, record_version=record_version, **keys),
                         **options)

    def query(self, filter_=None, type_="t", limit=100, **options):
        request = pb.QueryRequest(type=type_, limit=limit, **options)
        if filter_ is not None:
            request.filter.update(filter_)
        return self.Query(request)


def refused(function, code, details=None):
    try:
        answer = function()
        if hasattr(answer, "cancel"):
            answer = list(answer)
    except grpc.RpcError as error:
        same(error.code().name, code)
        if details is not None:
            same(error.details(), details)
        return
    raise AssertionError(f"was not refused with {code}: {answer}")


def thing(id_, type_="t", **fields):
    record = pb.Record(type=type_, id=id_)
    message = struct_pb2.Struct()
    message.update(fields)
    record.data.Pack(message)
    return record


def tombstone(id_, type_="t"):
    record = pb.Record(type=type_, id=id_)
    record.deleted_at.GetCurrentTime()
    return record


def session(id_, **fields):
    record = pb.Record(type=SESSION, id=id_)
    record.data.Pack(session_pb2.Session(id=id_, **fields))
    return record


def told(stream):
    """What a stream says: "a" for a record, "a-" for a tombstone, "options", "versions"."""
    words = []
    for answer in stream:
        kind = answer.WhichOneof("response")
        words.append(answer.record.id + ("-" if answer.record.HasField("deleted_at") else "")
                     if kind == "record" else kind)
    return words


def every_method_answers(client):
    first = client.put(session("s", user_id="ann"), thing("x", n=1))
    same([r.version for r in first.records], [1, 2])
    same(first.records[0].type, SESSION)
    assert first.server_version and first.records[0].HasField("modified_at")

    got = client.Get(pb.GetRequest(type=SESSION, id="s")).record
    same(got, first.records[0])
    refused(lambda: client.Get(pb.GetRequest(type=SESSION, id="none")), "NOT_FOUND", "record not found")

    change = session("s", user_id="ignored")
    changed = session_pb2.Session()
    changed.accessed_at.seconds = 77
    change.data.Pack(changed)
    request = pb.PatchRequest(records=[session("missing"), change])
    request.field_mask.paths.append("accessed_at")
    patched = client.Patch(request)
    same([r.id for r in patched.records], ["s"])
    now = session_pb2.Session()
    assert client.Get(pb.GetRequest(type=SESSION, id="s")).record.data.Unpack(now)
    same((now.user_id, now.accessed_at.seconds), ("ann", 77))

    same(list(client.ListTypes().types), ["t", SESSION])
    info = client.ServerInfo()
    same((info.server_version, info.earliest_record_version, info.latest_record_version),
         (first.server_version, 1, 3))

    options = pb.Options(capacity=2, indexable_fields=["n"])
    options.ttl.seconds = 600
    same(client.SetOptions(pb.SetOptionsRequest(type="t", options=options)).options, options)
    same(client.GetOptions(pb.GetOptionsRequest(type="t")).options, options)
    same(client.GetOptions(pb.GetOptionsRequest(type="none")).options, pb.Options())

    same(told(client.SyncLatest(pb.SyncLatestRequest(type="t"))), ["x", "options", "versions"])
    same(told(client.sync(info.server_version, type="t", wait=False)), ["options", "x"])

    deleted = client.put(tombstone("x"))
    assert deleted.records[0].HasField("deleted_at")
    refused(lambda: client.Get(pb.GetRequest(type="t", id="x")), "NOT_FOUND", "record not found")

    cleared = client.Clear()
    same(cleared.old_server_version, info.server_version)
    assert cleared.new_server_version not in (0, info.server_version)
    same(list(client.ListTypes().types), [])
    kept = client.GetOptions(pb.GetOptionsRequest(type="type.googleapis.com/session.SessionBindingRequest")).options
    same((kept.capacity, list(kept.indexable_fields), kept.ttl.seconds), (50000, ["key"], 900))
    empty = client.ServerInfo()
    same((empty.earliest_record_version, empty.latest_record_version), (0, 0))
    same(client.put().server_version, cleared.new_server_version)


def strangers_get_no_answer(client):
    for name in METHODS:
        refused(lambda n=name: getattr(client, n)(jwt=None), "UNAUTHENTICATED", "unauthenticated")
        refused(lambda n=name: getattr(client, n)(jwt="x.y.z"), "UNAUTHENTICATED", "invalid JWT")
    # grpc.health.v1.HealthCheckResponse is one enumeration, in which 1 is SERVING.
    for service in (b"", b"\x0a\x1cdatabroker.DataBrokerService"):
        check = client.channel.unary_unary("/grpc.health.v1.Health/Check")
        same(check(service, timeout=TIMEOUT), b"\x08\x01")


def nothing_of_a_stranger_is_read(client):
    """Nobody who may not call is read, whatever is sent, and when nothing is."""
    huge = b"\x0a" + b"x" * (400 << 20)
    never = threading.Event()

    def silence():
        never.wait()
        yield b""

    callers = [(None, name, "UNAUTHENTICATED") for name in METHODS]
    callers += [("x.y.z", "Put", "UNAUTHENTICATED"), (service_token("proxy"), "Clear", "PERMISSION_DENIED"),
                (service_token("proxy"), "SetOptions", "PERMISSION_DENIED"),
                (service_token("authorize"), "AcquireLease", "PERMISSION_DENIED")]
    for jwt, name, code in callers:
        metadata = (("jwt", jwt),) if jwt else ()
        path = "/databroker.DataBrokerService/" + name
        for body in (b"\xff\xff\xff\xff",) + ((huge,) if name in ("Put", "Clear", "Sync") else ()):
            call = client.channel.unary_stream(path)
            refused(lambda c=call, b=body: list(c(b, metadata=metadata, timeout=TIMEOUT)), code)
        waiting = client.channel.stream_stream(path)(silence(), metadata=metadata, timeout=TIMEOUT)
        refused(lambda w=waiting: list(w), code)
    never.set()


def a_call_without_a_message_is_refused(client):
    """Three calls of one who is let in."""
    call = client.channel.stream_unary("/databroker.DataBrokerService/ServerInfo")
    refused(lambda: call(iter([]), metadata=(("jwt", token()),), timeout=TIMEOUT), "INVALID_ARGUMENT",
            "the request is not the method's message")
    client.ServerInfo()
    refused(lambda: client.Put(pb.PutRequest(records=[thing("big", text="x" * (8 << 20))])), "RESOURCE_EXHAUSTED")


def bad_tokens_are_refused(client):
    now = int(time.time())
    bad = {"expired": sign({"exp": now - 1}),
           "too long": sign({"exp": now + 2 * 3600}),
           "session handle": sign({"exp": now + 60, "sub": "u"}),
           "issued": sign({"exp": now + 60, "iat": now}),
           "service account": sign({"iat": now, "jti": "sa-1", "nbf": now, "sub": "user-1"}),
           "no expiry": sign({}),
           "text": sign({"exp": str(now + 60)}),
           "fraction": sign({"exp": now + 60.5}),
           "null": sign({"exp": None}),
           "other key": sign({"exp": now + 60}, bytes(32)),
           "none": sign({"exp": now + 60}, SECRET, {"alg": "none"}),
           "HS512": sign({"exp": now + 60}, SECRET, {"alg": "HS512"}),
           "claims to be of the purpose": sign({"exp": now + 60}, SECRET, {"alg": "HS256", "kid": "databroker-rpc"})}
    for why, jwt in bad.items():
        try:
            refused(lambda j=jwt: client.ServerInfo(jwt=j), "UNAUTHENTICATED", "invalid JWT")
        except AssertionError as error:
            raise AssertionError(f"{why}: {error}") from error
    refused(lambda: client.ServerInfo(metadata=[("jwt", token())]), "UNAUTHENTICATED", "unauthenticated")


def metadata_has_a_limit(client):
    client.ServerInfo(metadata=[("x-some", "m" * 8000)])
    # gRPC gives up the connection as well, so this caller has one of its own.
    other = Client(TARGET, [], [("grpc.use_local_subchannel_pool", 1)])
    refused(lambda: other.ServerInfo(metadata=[("x-much", "m" * 40000)]), "RESOURCE_EXHAUSTED")
    client.ServerInfo()


def roles_bound_what_a_caller_does(client):
    client.put(session("s"), thing("x"))
    use = pb.PatchRequest(records=[session("s")])
    use.field_mask.paths.append("accessed_at")
    more = pb.PatchRequest(records=[session("s")])
    more.field_mask.paths.extend(["accessed_at", "user_id"])
    other = pb.PatchRequest(records=[thing("x")])
    other.field_mask.paths.append("accessed_at")
    options = pb.SetOptionsRequest(type="t", options=pb.Options(capacity=1))
    lease = pb.AcquireLeaseRequest(name="job")
    lease.duration.seconds = 60

    for service in ("proxy", "authorize"):
        jwt = service_token(service)
        client.Get(pb.GetRequest(type="t", id="x"), jwt=jwt)
        client.Query(pb.QueryRequest(type="t"), jwt=jwt)
        told(client.SyncLatest(jwt=jwt))
        same(len(client.Patch(use, jwt=jwt).records), 1)
        for refuse in (lambda j=jwt: client.put(session("s"), jwt=j), lambda j=jwt: client.Patch(more, jwt=j),
                       lambda j=jwt: client.Patch(other, jwt=j), lambda j=jwt: client.Clear(jwt=j),
                       lambda j=jwt: client.SetOptions(options, jwt=j), lambda j=jwt: client.AcquireLease(lease, jwt=j)):
            refused(refuse, "PERMISSION_DENIED")
    for service in ("authenticate", "identity-manager"):
        jwt = service_token(service)
        client.put(session("s"), jwt=jwt)
        client.Patch(more, jwt=jwt)
        refused(lambda j=jwt: client.Clear(jwt=j), "PERMISSION_DENIED")
        refused(lambda j=jwt: client.SetOptions(options, jwt=j), "PERMISSION_DENIED")
    client.AcquireLease(lease, jwt=service_token("identity-manager"))
    client.SetOptions(options, jwt=service_token("databroker"))
    client.Clear(jwt=service_token("databroker"))


def only_exact_paths_are_served(client):
    for path in ("databroker.DataBrokerService/Get", "//databroker.DataBrokerService/Get",
                 "/databroker.DataBrokerService/Get/", "/databroker.DataBrokerService/%47et",
                 "/databroker.databrokerservice/Get", "/databroker.DataBrokerService/get",
                 "/databroker.DataBrokerService/Get?x", "databroker.CheckpointService/GetCheckpoint",
                 "/databroker.DataBrokerService", "registry.Registry/List", "/registry.registry/List"):
        for jwt in (None, ""):
            try:
                client.call(path, pb.GetRequest(type="t", id="x"), pb.GetResponse, jwt=jwt)
            except grpc.RpcError as error:
                assert error.code().name in ("UNIMPLEMENTED", "INVALID_ARGUMENT", "INTERNAL"), (path, error)
            else:
                raise AssertionError(path + " was served")


def other_protocols_get_no_answer(client):
    host, port = TARGET.rsplit(":", 1)
    for method, kind in (("POST", "application/json"), ("POST", "application/grpc-web+proto"),
                         ("POST", "application/connect+json"), ("GET", "application/json")):
        with socket.create_connection((host, int(port)), timeout=TIMEOUT) as stream:
            stream.sendall((method + " /databroker.DataBrokerService/ServerInfo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                            + token() + "\r\nContent-Type: " + kind + "\r\nContent-Length: 2\r\n\r\n{}").encode())
            answer = b""
            try:
                while chunk := stream.recv(4096):
                    answer += chunk
            except ConnectionError:
                pass
            assert b" 200" not in answer, answer
    client.ServerInfo()


def sync_tells_changes_from_a_version(client):
    server = client.put(thing("a"), thing("b"), thing("s", "other")).server_version
    client.put(thing("a"), tombstone("b"))

    same(told(client.sync(server, wait=False))[-3:], ["s", "a", "b-"])
    same(told(client.sync(server, 4, wait=False))[-1:], ["b-"])
    same(told(client.sync(server, type="other", wait=False)), ["options", "s"])
    same([w for w in told(client.sync(server, 5, wait=False)) if w != "options"], [])
    same([w for w in told(client.sync(server, 999, wait=False)) if w != "options"], [])
    refused(lambda: client.sync(server + 1, wait=False), "ABORTED", "invalid server version")
    refused(lambda: client.sync(0), "ABORTED", "invalid server version")

    fresh = client.Clear().new_server_version
    refused(lambda: client.sync(server, 5), "ABORTED", "invalid server version")
    refused(lambda: client.sync(fresh, 4), "ABORTED", "invalid record version")


def records_of(stream):
    return (answer.record for answer in stream if answer.WhichOneof("response") == "record")


def sync_goes_on_with_what_follows(client):
    server = client.put(thing("a")).server_version
    stream = client.sync(server, 1)
    ahead = client.sync(server, 3)
    # Headers come at once, before there is anything to tell.
    stream.initial_metadata()
    ahead.initial_metadata()
    client.put(thing("b"))
    client.put(tombstone("a"))
    client.put(thing("c"))

    records = records_of(stream)
    same([next(records).version for _ in range(3)], [2, 3, 4])
    same(next(records_of(ahead)).version, 4)
    client.Clear()
    refused(lambda: next(records), "ABORTED", "invalid server version")
    refused(lambda: list(ahead), "ABORTED", "invalid server version")


def sync_latest_names_where_sync_goes_on(client):
    for i in range(150):
        client.put(thing(f"{i:03}"), thing(f"{i:03}", "u"))
    client.put(tombstone("000"))
    answers = list(client.SyncLatest())
    versions = answers[-1].versions
    same((versions.latest_record_version, answers[-1].WhichOneof("response")), (301, "versions"))
    same(sum(a.WhichOneof("response") == "versions" for a in answers), 1)
    same(len({(a.record.type, a.record.id) for a in answers if a.WhichOneof("response") == "record"}), 299)
    client.put(thing("new"))
    stream = client.sync(versions.server_version, versions.latest_record_version, wait=False)
    same([r.id for r in records_of(stream)], ["new"])
    # The cursor of one type is that of all.
    same(told(client.SyncLatest(pb.SyncLatestRequest(type="none"))), ["options", "versions"])


def a_slow_reader_misses_nothing(client):
    server = client.put(thing("first")).server_version
    stream = client.sync(server, 0)
    stream.initial_metadata()
    text = "x" * 8000
    for i in range(60):
        client.put(*(thing(f"{i}-{n}", text=text) for n in range(50)))
    last = client.put(thing("last")).records[0].version

    seen, before = set(), 0
    for record in records_of(stream):
        assert record.version > before, (record.version, before)
        before = record.version
        seen.add(record.id)
        if record.version == last:
            break
    same(len(seen), 3002)


def bad_input_changes_nothing(client):
    client.put(thing("kept"))
    wrong_type = session("x")
    wrong_type.type = "type.googleapis.com/user.User"
    for bad in (wrong_type, thing(""), thing("x" * 2000), thing("x" * (1 << 20)), thing("a\0b"), thing("x", ""),
                thing("x", "t\0"), thing("x", "t" * 300), pb.Record(type="t", id="no value")):
        refused(lambda b=bad: client.put(thing("y"), b), "INVALID_ARGUMENT")
    refused(lambda: client.put(thing("y"), thing("y")), "INVALID_ARGUMENT")
    refused(lambda: client.put(*(thing(str(i)) for i in range(100_000))), "RESOURCE_EXHAUSTED")
    refused(lambda: client.put(thing("big", text="x" * (100 << 20))), "RESOURCE_EXHAUSTED")
    refused(lambda: client.put(thing("big", text="x" * (2 << 20))), "INVALID_ARGUMENT")
    refused(lambda: client.put(thing("y"), compression=grpc.Compression.Gzip), "UNIMPLEMENTED")
    # Bytes that are no message, and a name that is not UTF-8.
    raw = client.channel.unary_unary("/databroker.DataBrokerService/Put")
    for body in (b"\xff\xff\xff\xff", b"\x0a\x07\x12\x01t\x1a\x02\xff\xfe"):
        refused(lambda b=body: raw(b, metadata=(("jwt", token()),), timeout=TIMEOUT), "INVALID_ARGUMENT")
        refused(lambda b=body: raw(b, timeout=TIMEOUT), "UNAUTHENTICATED")
    same(told(client.sync(client.ServerInfo().server_version, wait=False))[-1:], ["kept"])
    same(client.ServerInfo().latest_record_version, 1)

    refused(lambda: client.Get(pb.GetRequest(type="t")), "INVALID_ARGUMENT")
    mask = pb.PatchRequest(records=[session("s")])
    client.put(session("s"))
    refused(lambda: client.Patch(mask), "INVALID_ARGUMENT")
    mask.field_mask.paths.append("no_such_field")
    refused(lambda: client.Patch(mask), "INVALID_ARGUMENT")
    refused(lambda: client.SetOptions(pb.SetOptionsRequest(type="")), "INVALID_ARGUMENT")


def unknown_types_pass_through(client):
    record = pb.Record(type="type.googleapis.com/some.Thing", id="x")
    record.data.type_url, record.data.value = record.type, b"\xff\x00not a message"
    deep = pb.Record(type="t", id="deep")
    deep.data.type_url, deep.data.value = STRUCT, b"\x0a" * 5000
    server = client.put(record, deep, thing("y")).server_version

    same(client.Get(pb.GetRequest(type=record.type, id="x")).record.data, record.data)
    same([r.id for r in records_of(client.sync(server, wait=False))], ["x", "deep", "y"])
    same([r.id for r in client.query({"n": {"$isEmpty": True}}).records], ["deep", "y"])
    patch = pb.PatchRequest(records=[record])
    patch.field_mask.paths.append("x")
    refused(lambda: client.Patch(patch), "INVALID_ARGUMENT")
    refused(lambda: client.query({"x": 1}, record.type), "INVALID_ARGUMENT")
    same([r.id for r in client.query({"id": "x"}, record.type).records], ["x"])


def leases_have_one_holder(client):
    request = pb.AcquireLeaseRequest(name="job")
    request.duration.seconds = 600
    lease = client.AcquireLease(request)
    epoch = int(client.trailing["vallum-lease-epoch"])
    same(len(lease.id), 36)
    refused(lambda: client.AcquireLease(request), "ALREADY_EXISTS")

    renewal = pb.RenewLeaseRequest(name="job", id=lease.id)
    renewal.duration.seconds = 600
    client.RenewLease(renewal)
    foreign = pb.RenewLeaseRequest(name="job", id="foreign")
    foreign.duration.seconds = 600
    refused(lambda: client.RenewLease(foreign), "ALREADY_EXISTS")

    fence = [("vallum-lease", "job"), ("vallum-lease-epoch", str(epoch))]
    client.put(session("a"), metadata=fence)
    client.ReleaseLease(pb.ReleaseLeaseRequest(name="job", id="foreign"))
    refused(lambda: client.AcquireLease(request), "ALREADY_EXISTS")
    client.ReleaseLease(pb.ReleaseLeaseRequest(name="job", id=lease.id))
    client.ReleaseLease(pb.ReleaseLeaseRequest(name="job", id=lease.id))
    client.AcquireLease(request)
    assert int(client.trailing["vallum-lease-epoch"]) > epoch
    refused(lambda: client.RenewLease(renewal), "ALREADY_EXISTS")
    refused(lambda: client.put(session("a"), metadata=fence), "ABORTED")
    patch = pb.PatchRequest(records=[session("a")])
    patch.field_mask.paths.append("user_id")
    refused(lambda: client.Patch(patch, metadata=fence), "ABORTED")
    refused(lambda: client.put(session("a"), metadata=fence[:1]), "INVALID_ARGUMENT")

    short = pb.AcquireLeaseRequest(name="short")
    refused(lambda: client.AcquireLease(short), "INVALID_ARGUMENT")
    short.duration.nanos = 1
    client.AcquireLease(short)
    client.AcquireLease(short)  # it had ended


def checkpoints_are_those_of_the_store(client):
    service = "/databroker.CheckpointService/"

    def get(**options):
        return client.call(service + "GetCheckpoint", pb.GetCheckpointRequest(), pb.GetCheckpointResponse, **options)

    def set_(**options):
        return client.call(service + "SetCheckpoint", pb.SetCheckpointRequest(), pb.SetCheckpointResponse, **options)

    client.put(thing("a"), thing("b"))
    info = client.ServerInfo()
    for jwt in (token(), service_token("proxy")):
        got = get(jwt=jwt)
        same((got.checkpoint.server_version, got.checkpoint.record_version, got.is_leader),
             (info.server_version, info.latest_record_version, True))
    refused(lambda: get(jwt=None), "UNAUTHENTICATED")
    refused(lambda: set_(jwt=None), "UNAUTHENTICATED")
    refused(lambda: set_(jwt=service_token("proxy")), "PERMISSION_DENIED")
    try:
        set_()
        raise AssertionError("a checkpoint was set")
    except grpc.RpcError as error:
        same(error.code().name, "UNIMPLEMENTED")
        assert error.details().startswith("SET_CHECKPOINT_NOT_SUPPORTED: "), error.details()
        status = rpc_status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        info, = status.details
        reason = rpc_error_info_pb2.ErrorInfo()
        assert info.Unpack(reason)
        same((status.code, status.message), (12, error.details()))
        same((reason.reason, reason.domain), ("SET_CHECKPOINT_NOT_SUPPORTED", "pomerium.com"))


def services_are_registered_listed_and_watched(client):
    service = "/registry.Registry/"

    def report(*services, **options):
        request = registry_pb2.RegisterRequest()
        for kind, endpoint in services:
            request.services.add(kind=kind, endpoint=endpoint)
        return client.call(service + "Report", request, registry_pb2.RegisterResponse, **options)

    def places(answer):
        return [(one.kind, one.endpoint) for one in answer.services]

    def list_(*kinds, **options):
        return places(client.call(service + "List", registry_pb2.ListRequest(kinds=kinds),
                                  registry_pb2.ServiceList, **options))

    def watch(*kinds, **options):
        return client.call(service + "Watch", registry_pb2.ListRequest(kinds=kinds), registry_pb2.ServiceList,
                           stream=True, **options)

    proxy, metrics = (registry_pb2.PROXY, "http://p:1"), (registry_pb2.PROMETHEUS_METRICS, "http://m:1")
    watcher, of_proxies = watch(), watch(registry_pb2.PROXY)
    same(places(next(watcher)), [])
    same(places(next(of_proxies)), [])
    same(report(proxy, proxy).call_back_after.seconds, 15)
    same(places(next(watcher)), [proxy])
    same(places(next(of_proxies)), [proxy])
    # What is known already is told to nobody again.
    report(proxy)
    report(metrics, jwt=service_token("proxy"))
    same(places(next(watcher)), [proxy, metrics])
    report((registry_pb2.PROXY, "http://q:1"))
    same(places(next(of_proxies)), [proxy, (registry_pb2.PROXY, "http://q:1")])
    same(list_(registry_pb2.PROMETHEUS_METRICS), [metrics])
    same(len(list_(jwt=service_token("authorize"))), 3)
    client.Clear()
    same(places(next(of_proxies)), [])

    refused(lambda: report((registry_pb2.DATABROKER, "http://d:1"), jwt=service_token("proxy")), "PERMISSION_DENIED")
    for bad in ((0, "http://x"), (registry_pb2.PROXY, ""), (registry_pb2.PROXY, "x" * 600), (77, "http://x")):
        refused(lambda b=bad: report(b), "INVALID_ARGUMENT")
    for name in ("Report", "List", "Watch"):
        call = client.channel.unary_stream(service + name)
        refused(lambda c=call: list(c(b"\xff", timeout=TIMEOUT)), "UNAUTHENTICATED", "unauthenticated")


def records_of_other_packages_are_looked_into(client):
    def record(message, id_):
        made = pb.Record(id=id_)
        made.data.Pack(message)
        made.type = made.data.type_url
        return made

    enrollment = record(device_pb2.Enrollment(id="e", user_id="ann", user_agent="old"), "e")
    provider = record(identity_pb2.Provider(id="p", client_id="c", url="https://idp"), "p")
    client.put(enrollment, provider)
    change = pb.PatchRequest(records=[record(device_pb2.Enrollment(user_id="eve", user_agent="new"), "e")])
    change.field_mask.paths.append("user_agent")
    client.Patch(change)
    now = device_pb2.Enrollment()
    assert client.Get(pb.GetRequest(type=enrollment.type, id="e")).record.data.Unpack(now)
    same((now.user_id, now.user_agent), ("ann", "new"))
    same([r.id for r in client.query({"user_id": "ann"}, enrollment.type).records], ["e"])
    same(list(client.query({"user_id": "eve"}, enrollment.type).records), [])
    same([r.id for r in client.query({"url": "https://idp"}, provider.type).records], ["p"])
    client.SetOptions(pb.SetOptionsRequest(type=provider.type, options=pb.Options(indexable_fields=["client_id"])))
    same([r.id for r in client.query({"client_id": "c"}, provider.type).records], ["p"])


def queries_filter_and_count(client):
    client.put(*(thing(f"{i:02}", n=i, user="even" if i % 2 == 0 else "odd") for i in range(20)))
    net = thing("net")
    message = struct_pb2.Struct()
    message.update({"$index": {"cidr": "10.0.0.0/8"}})
    net.data.Pack(message)
    client.put(net)

    def ids(*args, **options):
        answer = client.query(*args, **options)
        return [r.id for r in answer.records], answer.total_count

    same(ids({"n": 5}), (["05"], 1))
    same(ids({"user": "even", "n": {"<": 5}}), (["00", "02", "04"], 3))
    same(ids({"user": "even"}, limit=2, offset=1), (["02", "04"], 10))
    same(ids({"user": "even"}, limit=0), ([], 10))
    same(ids({"$index": "10.1.2.3"}), (["net"], 1))
    same(ids({"$or": [{"id": "03"}, {"n": [7, 8]}]}), (["03", "07", "08"], 3))
    same(ids({"$not": {"n": {">=": 1}}}), (["00", "net"], 2))
    same(ids(query="ODD", limit=1), (["01"], 10))
    client.SetOptions(pb.SetOptionsRequest(type="t", options=pb.Options(indexable_fields=["user"])))
    same(ids({"user": "even"}, limit=2, offset=1), (["02", "04"], 10))
    same(ids({"user": "'; DROP TABLE records; --"}), ([], 0))

    answer = client.query({})
    same((answer.server_version, answer.record_version), (client.ServerInfo().server_version, 21))
    for bad in ({"$unknown": 1}, {"n": {"$gt": 1}}, {"n": {"$after": 5}}, {"$and": 5}, {"$index": "x"},
                {"n": list(range(1000))}):
        refused(lambda b=bad: client.query(b), "INVALID_ARGUMENT")
    refused(lambda: client.query({}, limit=-1), "INVALID_ARGUMENT")
    refused(lambda: client.query({}, offset=-1), "INVALID_ARGUMENT")
    refused(lambda: client.query({}, type_=""), "INVALID_ARGUMENT")
    # A filter of 10,000 levels, which no library would write: length before content, from within.
    body = b""
    for _ in range(10_000):
        body = wrap(1, wrap(1, b"$not") + wrap(2, wrap(5, body)))
        if len(body) > 1_000_000:
            break
    raw = client.channel.unary_unary("/databroker.DataBrokerService/Query")
    refused(lambda: raw(wrap(1, b"t") + wrap(5, body), metadata=(("jwt", token()),), timeout=TIMEOUT),
            "INVALID_ARGUMENT")


def wrap(field, content):
    length, size = len(content), b""
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([field << 3 | 2]) + size + bytes([length]) + content


def followers_are_bounded(client):
    """The service lets two follow."""
    server = client.ServerInfo().server_version
    first, second = client.sync(server), client.sync(server)
    first.initial_metadata()
    second.initial_metadata()
    refused(lambda: client.sync(server), "RESOURCE_EXHAUSTED")
    client.put(thing("x"))  # other calls go on
    first.cancel()
    while True:  # until the service has seen that one went away
        third = client.sync(server, wait=False)
        try:
            list(third)
            break
        except grpc.RpcError as error:
            same(error.code().name, "RESOURCE_EXHAUSTED")
    second.cancel()


def channels(count):
    """Clients with a connection each."""
    return [Client(TARGET, [], [("grpc.use_local_subchannel_pool", 1)]) for _ in range(count)]


def until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def a_thousand_calls_are_let_in(client):
    """The store stands still until "full" was said."""
    clients, calls, jwt = channels(5), [], token()
    for one in clients:
        get = one.channel.unary_unary("/databroker.DataBrokerService/Get",
                                      request_serializer=lambda m: m.SerializeToString(),
                                      response_deserializer=pb.GetResponse.FromString)
        calls += [get.future(pb.GetRequest(type="t", id="x"), metadata=(("jwt", jwt),), timeout=4 * TIMEOUT)
                  for _ in range(256)]
    until(lambda: sum(call.done() for call in calls) >= 256)
    refused(lambda: client.ServerInfo(), "RESOURCE_EXHAUSTED")
    refused(lambda: list(client.sync(1)), "RESOURCE_EXHAUSTED")
    print("full", flush=True)
    codes = {}
    for call in calls:
        codes[call.code().name] = codes.get(call.code().name, 0) + 1
    same(codes, {"RESOURCE_EXHAUSTED": 256, "NOT_FOUND": 1024})
    client.put(thing("x"))


def two_hundred_and_fifty_six_follow(client):
    server = client.ServerInfo().server_version
    first, second = channels(2)
    streams = [first.sync(server) for _ in range(256)]
    for stream in streams:
        stream.initial_metadata()
    refused(lambda: list(second.sync(server)), "RESOURCE_EXHAUSTED")
    refused(lambda: list(second.SyncLatest()), "RESOURCE_EXHAUSTED")
    second.put(thing("x"))
    for stream in streams:
        same(next(records_of(stream)).id, "x")
        stream.cancel()


def a_stalled_reader_is_cut_off(client):
    """The service is patient for less than a second."""
    server = client.put(thing("first")).server_version
    reader, = channels(1)
    stalled = reader.sync(server, 0)
    stalled.initial_metadata()
    text = "x" * 8000
    for i in range(60):
        client.put(*(thing(f"{i}-{n}", text=text) for n in range(50)))
    last = client.put(thing("last")).records[0].version
    # Its place is free again, without its having read anything.
    until(lambda: follows(client, server))
    seen, before = set(), 0
    try:
        for record in records_of(stalled):
            seen.add(record.id)
            before = record.version
        raise AssertionError("the stream ended as if it was whole")
    except grpc.RpcError as error:
        same(error.code().name, "CANCELLED")
    assert before < last
    # It begins again where it was.
    for record in records_of(client.sync(server, before)):
        seen.add(record.id)
        if record.version == last:
            break
    same(len(seen), 3002)


def follows(client, server):
    """Whether one more may follow."""
    try:
        list(client.sync(server, wait=False))
        return True
    except grpc.RpcError as error:
        same(error.code().name, "RESOURCE_EXHAUSTED")
        return False


def endless_requests_get_an_answer(client):
    """One message is a method's request; what comes after it is not waited for."""
    def for_ever(message):
        while True:
            yield message

    put = pb.PutRequest(records=[thing("x", text="y" * 100_000)]).SerializeToString()
    call = client.channel.stream_unary("/databroker.DataBrokerService/Put")
    for jwt, code in ((token(), "OK"), ("none", "UNAUTHENTICATED")):
        same(call.future(for_ever(put), metadata=(("jwt", jwt),), timeout=TIMEOUT).code().name, code)


def strangers_do_not_fill_the_memory(client):
    """More than a gigabyte at once, of which none is kept."""
    big = pb.PutRequest(records=[thing(str(n), text="y" * 950_000) for n in range(4)]).SerializeToString()
    clients = channels(4)
    calls = [one.channel.unary_unary("/databroker.DataBrokerService/Put").future(
        big, metadata=(("jwt", "none"),), timeout=TIMEOUT) for one in clients for _ in range(80)]
    for answered in calls:
        assert answered.code().name in ("UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"), answered.code()
    client.put(thing("after"))


def readers_end_where_the_store_does(client):
    server = client.put(thing("0")).server_version
    states, failures = [], []

    def follow():
        state = {}
        for record in records_of(client.sync(server, 0)):
            if record.id == "end":
                break
            if record.HasField("deleted_at"):
                state.pop(record.id, None)
            else:
                state[record.id] = record.version
        states.append(state)

    def write(seed):
        try:
            for i in range(250):
                id_ = str((seed * 7 + i * 13) % 20)
                client.put(tombstone(id_) if (i + seed) % 4 == 0 else thing(id_, n=i))
        except grpc.RpcError as error:
            failures.append(error)

    readers = [threading.Thread(target=follow) for _ in range(5)]
    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    client.put(thing("end"))
    for thread in readers:
        thread.join()
    same(failures, [])
    stored = {r.id: r.version for r in client.query({}).records if r.id != "end"}
    same(len(states), 5)
    for state in states:
        same(state, stored)


def a_certificate_bounds_its_owner(client):
    """Shown: the certificate of a proxy."""
    client.ServerInfo()
    refused(lambda: client.put(thing("x")), "PERMISSION_DENIED")
    refused(lambda: client.ServerInfo(jwt=None), "UNAUTHENTICATED", "unauthenticated")


def a_certificate_of_no_service(client):
    refused(lambda: client.ServerInfo(), "PERMISSION_DENIED",
            "the caller's certificate names a service that there is not")
    refused(lambda: client.put(thing("x")), "PERMISSION_DENIED")


def a_certificate_is_not_enough_for_strangers(client):
    """Shown: the certificate of a databroker."""
    client.put(thing("x"))
    refused(lambda: client.ServerInfo(jwt=None), "UNAUTHENTICATED", "unauthenticated")
    # The weaker of certificate and token counts.
    refused(lambda: client.put(thing("x"), jwt=service_token("proxy")), "PERMISSION_DENIED")


def a_stream_ends_with_the_service(client):
    stream = client.sync(client.ServerInfo().server_version)
    stream.initial_metadata()
    print("following", flush=True)
    # The connection may close before the reason arrives: the code is the same.
    refused(lambda: stream, "UNAVAILABLE")


def no_connection(client):
    refused(lambda: client.ServerInfo(timeout=5), "UNAVAILABLE")


def main():
    global TARGET, METHODS, grpc, pb, session_pb2, struct_pb2
    global device_pb2, identity_pb2, registry_pb2, rpc_error_info_pb2, rpc_status_pb2
    generated, TARGET, case, *files = sys.argv[1:]
    sys.path.insert(0, generated)
    import grpc
    from google.protobuf import empty_pb2, struct_pb2
    from proto import databroker_pb2 as pb
    from proto import device_pb2, identity_pb2, registry_pb2, rpc_error_info_pb2, rpc_status_pb2, session_pb2
    empty = empty_pb2.Empty
    METHODS = {name: (getattr(pb, name + "Request", empty), getattr(pb, name + "Response", empty))
               for name in ("AcquireLease", "Clear", "Get", "GetOptions", "ListTypes", "Patch", "Put", "Query",
                            "ReleaseLease", "RenewLease", "ServerInfo", "SetOptions", "Sync", "SyncLatest")}
    globals()[case](Client(TARGET, files))


if __name__ == "__main__":
    main()

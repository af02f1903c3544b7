#!/usr/bin/env python3
"""Asks envoy.service.auth.v3.Authorization/Check, as another proxy would, with code of Python's gRPC.

Usage: check.py GENERATED HOST:PORT [CA CERTIFICATE KEY] < QUESTIONS

GENERATED holds what protoc made of the .proto files. Each line of the input is a CheckRequest in JSON;
each line of the output is {"code": ..., "details": ..., "answer": CheckResponse}. CERTIFICATE and KEY
may be "-" for a caller without one; without CA the connection is clear text.
"""

import json
import sys


def read(path):
    if path == "-":
        return None
    with open(path, "rb") as file:
        return file.read()


def channel_to(grpc, target, files):
    limits = [("grpc.max_send_message_length", -1)]
    if not files:
        return grpc.insecure_channel(target, options=limits)
    authority, certificate, key = (read(path) for path in files)
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    return grpc.secure_channel(target, credentials,
                               options=limits + [("grpc.ssl_target_name_override", "app.localhost")])


def main():
    generated, target, *files = sys.argv[1:]
    sys.path.insert(0, generated)
    import grpc
    from google.protobuf import json_format
    from proto import ext_authz_pb2

    check = channel_to(grpc, target, files).unary_unary(
        "/envoy.service.auth.v3.Authorization/Check",
        request_serializer=ext_authz_pb2.CheckRequest.SerializeToString,
        response_deserializer=ext_authz_pb2.CheckResponse.FromString)
    for line in sys.stdin:
        question = json_format.Parse(line, ext_authz_pb2.CheckRequest())
        try:
            answer = check(question, timeout=20)
            result = {"code": "OK", "details": "", "answer": json_format.MessageToDict(answer)}
        except grpc.RpcError as error:
            result = {"code": error.code().name, "details": error.details(), "answer": {}}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

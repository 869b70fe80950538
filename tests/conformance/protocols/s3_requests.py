#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes s3.json: for each operation of S3 the request that botocore makes of it, reduced.

    PYTHONPATH=.cache/gen .venv/bin/python tests/conformance/protocols/s3_requests.py

Each row: operation, method, target, those headers that the model requires, and the members that lie
in the path. Keys go through the ones that are hard to route. Run it again with a newer model.
"""
import datetime
import json
import pathlib
import urllib.parse

import botocore.config
import botocore.session

HERE = pathlib.Path(__file__).parent
KEYS = ["key", "a/b/c", "a//b", "dir/", "/lead", "//", "../up/./x", "a%2Fb", "käse +&?=#", "é/ü/",
        "acl", "?uploads", "x" * 100 + "/" * 80]


def value(shape, name, key):
    """A small value of a shape: required members only."""
    kind = shape.type_name
    if name == "Key":
        return key
    if name == "Bucket":
        return "bucket"
    if kind == "structure":
        names = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
        return {n: value(shape.members[n], n, key) for n in names}
    if kind == "list":
        return [value(shape.member, "", key)]
    if kind == "map":
        return {"k": value(shape.value, "", key)}
    if kind == "timestamp":
        return datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)
    if kind == "string":
        return shape.enum[0] if shape.enum else "from/source" if name == "CopySource" \
            else "text".ljust(shape.metadata.get("min", 0), "x")
    return {"blob": b"x", "boolean": True, "integer": 7, "long": 7, "float": 1.5, "double": 1.5}[kind]


class Caught(Exception):
    """The request, before it is sent."""


def catch(request, **_):
    raise Caught(request)


def rows(client, op, key):
    model = client.meta.service_model.operation_model(op)
    params = value(model.input_shape, "", key) if model.input_shape else {}
    members = model.input_shape.members if model.input_shape else {}
    try:
        client._make_api_call(op, params)  # pylint: disable=protected-access
    except Caught as e:
        request = e.args[0]
    url = urllib.parse.urlsplit(request.url)
    headers = {}
    labels = {}
    for name, m in members.items():
        wire = m.serialization.get("name", name)
        if m.serialization.get("location") == "uri":
            labels[wire] = params[name]
        if m.serialization.get("location") == "header" and name in model.input_shape.required_members:
            headers[wire] = request.headers[wire]
            if isinstance(headers[wire], bytes):
                headers[wire] = headers[wire].decode()
    target = url.path + ("?" + url.query if url.query else "")
    return {"op": op, "method": request.method, "target": target, "headers": headers,
            "labels": labels}


def main():
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    client = session.create_client(
        "s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:1",
        config=botocore.config.Config(s3={"addressing_style": "path"}, inject_host_prefix=False))
    client.meta.events.register("before-send.s3", catch)
    out = []
    for op in sorted(client.meta.service_model.operation_names):
        keys = KEYS if op in ("PutObject", "GetObject", "CreateMultipartUpload", "UploadPart",
                              "DeleteObject", "GetObjectAcl") else [KEYS[len(out) % len(KEYS)]]
        out += [rows(client, op, key) for key in keys]
    text = ",\n".join(json.dumps(r, ensure_ascii=False) for r in out)
    (HERE / "s3.json").write_text("[\n" + text + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

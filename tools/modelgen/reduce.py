#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reduces the service models of an installed botocore to models/<name>.json.

    reduce.py [--out models] [NAME ...]      (no names: every model already in the folder)

Kept are names, types, constraints, protocol traits and errors; documentation, endpoint rules and
examples are dropped. Run it with a Python that has botocore (`./dev gen` makes one); nothing else
in the project needs botocore's models.
"""
import argparse
import gzip
import json
import pathlib
import sys

METADATA = ["apiVersion", "endpointPrefix", "jsonVersion", "protocol", "protocols", "serviceId",
            "signatureVersion", "signingName", "targetPrefix", "xmlNamespace", "awsQueryCompatible",
            "globalEndpoint"]
SHAPE = ["type", "enum", "min", "max", "pattern", "sensitive", "flattened", "member", "key",
         "value", "members", "required", "payload", "error", "exception", "fault", "retryable",
         "synthetic", "union", "event", "eventstream", "document", "streaming", "timestampFormat",
         "locationName", "xmlNamespace", "box"]
MEMBER = ["shape", "location", "locationName", "flattened", "streaming", "xmlAttribute",
          "xmlNamespace", "idempotencyToken", "eventpayload", "eventheader", "jsonvalue",
          "timestampFormat", "queryName", "hostLabel", "box"]
OPERATION = ["http", "input", "output", "errors", "authtype", "auth", "unsignedPayload",
             "httpChecksum", "httpChecksumRequired", "requestcompression", "readonly", "idempotent",
             "endpoint", "deprecated"]
REF = ["shape", "resultWrapper", "locationName", "xmlNamespace"]


def pick(d, keys):
    return {k: d[k] for k in keys if k in d}


def shape(s):
    out = pick(s, SHAPE)
    if "members" in out:
        out["members"] = {n: pick(m, MEMBER) for n, m in s["members"].items()}
    for ref in ("member", "key", "value"):
        if ref in out:
            out[ref] = pick(s[ref], MEMBER)
    return out


def operation(o):
    out = pick(o, OPERATION)
    for ref in ("input", "output"):
        if ref in out:
            out[ref] = pick(o[ref], REF)
    if "errors" in out:
        out["errors"] = [e["shape"] for e in o["errors"]]
    return out


def reachable(model):
    seen = set()
    todo = []
    for o in model["operations"].values():
        todo += [o[r]["shape"] for r in ("input", "output") if r in o]
        todo += o.get("errors", [])
    todo += [n for n, s in model["shapes"].items() if s.get("exception")]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        s = model["shapes"][name]
        todo += [m["shape"] for m in s.get("members", {}).values()]
        todo += [s[r]["shape"] for r in ("member", "key", "value") if r in s]
    return seen


def dump(model, path):
    """One operation and one shape a line, so that a newer model is a readable diff."""
    def block(d):
        rows = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in d.items()]
        return "{\n" + ",\n".join(rows) + "\n }"
    parts = [f' "source": {json.dumps(model["source"])}',
             f' "name": {json.dumps(model["name"])}',
             f' "metadata": {block(model["metadata"])}',
             f' "operations": {block(model["operations"])}',
             f' "shapes": {block(model["shapes"])}']
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--out", default="models", type=pathlib.Path)
    ap.add_argument("names", nargs="*")
    args = ap.parse_args()
    import botocore
    data = pathlib.Path(botocore.__file__).parent / "data"
    names = args.names or sorted(p.stem for p in args.out.glob("*.json"))
    for name in names:
        versions = sorted(p for p in (data / name).iterdir() if p.is_dir()) \
            if (data / name).is_dir() else []
        if not versions:
            sys.exit(f"botocore {botocore.__version__} has no service named {name}")
        plain = versions[-1] / "service-2.json"
        text = plain.read_bytes() if plain.exists() else gzip.decompress(
            (versions[-1] / "service-2.json.gz").read_bytes())
        src = json.loads(text)
        model = {"source": f"botocore {botocore.__version__}", "name": name,
                 "metadata": pick(src["metadata"], METADATA),
                 "operations": {n: operation(o) for n, o in sorted(src["operations"].items())},
                 "shapes": {n: shape(s) for n, s in sorted(src["shapes"].items())}}
        keep = reachable(model)
        model["shapes"] = {n: s for n, s in model["shapes"].items() if n in keep}
        dump(model, args.out / f"{name}.json")
        print(f"{name}: {len(model['operations'])} operations, {len(keep)} shapes")


if __name__ == "__main__":
    main()

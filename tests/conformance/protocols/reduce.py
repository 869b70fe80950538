#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reduces the protocol cases of the public botocore repository (Apache-2.0) to their facts.

    reduce.py SOURCE        SOURCE holds input/*.json and output/*.json

Kept of each case: its id, the operation and shapes it is about, and request and parameters or
response and result. Run it again when the source is renewed; README.md names the source.
"""
import importlib.util
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location(
    "models", HERE.parents[2] / "tools" / "modelgen" / "reduce.py")
models = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(models)

PROTOCOLS = ["json", "json_1_0", "json_1_0-query-compatible", "query", "rest-json",
             "rest-xml"]
CASE = ["id", "params", "serialized", "result", "response", "error", "errorCode", "errorMessage"]


def reduced(suite):
    cases = []
    for c in suite["cases"]:
        case = models.pick(c, CASE)
        case["given"] = {"name": c["given"]["name"], **models.operation(c["given"])}
        cases.append(case)
    return {"metadata": models.pick(suite["metadata"], models.METADATA),
            "shapes": {n: models.shape(s) for n, s in suite["shapes"].items()}, "cases": cases}


def main():
    source = pathlib.Path(sys.argv[1])
    for way in ("input", "output"):
        for protocol in PROTOCOLS:
            suites = json.loads((source / way / f"{protocol}.json").read_text(encoding="utf-8"))
            rows = [json.dumps(reduced(s), ensure_ascii=False) for s in suites]
            to = HERE / way / f"{protocol}.json"
            to.parent.mkdir(exist_ok=True)
            to.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The reduced cases, and the tables that the driver is built with: an API per suite.

    cases.py OUT        writes model.h, shapes.c, errors.h, errors.c and ops.c of all suites
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[2] / "tools" / "modelgen"))

import emit_ops  # noqa: E402
import emit_shapes  # noqa: E402
from gen import write  # noqa: E402
from model import Api  # noqa: E402
from names import vstr  # noqa: E402

WAYS = ["input", "output"]
PROTOCOLS = ["json", "json_1_0", "json_1_0-query-compatible", "query", "rest-json",
             "rest-xml"]
INCLUDE = "tests/conformance/protocols"


class Suite:
    """Cases that share shapes; `ops` are the distinct operations they name."""

    def __init__(self, way, protocol, index, raw):
        self.way, self.protocol, self.shapes, self.cases = way, protocol, raw["shapes"], raw["cases"]
        self.prefix = f"{way[0]}{PROTOCOLS.index(protocol)}x{index}"
        self.metadata = {"endpointPrefix": self.prefix, "signingName": self.prefix,
                         **raw["metadata"]}
        self.ops = []  # [given]
        for c in self.cases:
            if c["given"] not in self.ops:
                self.ops.append(c["given"])

    def api(self):
        ops = {}
        for i, given in enumerate(self.ops):
            ops[f"Op{i}"] = given
        raw = {"name": self.prefix, "source": "botocore's protocol cases", "metadata": self.metadata,
               "operations": ops, "shapes": self.shapes}
        return Api(raw, self.prefix, {}, {})


def load():
    """Every suite, in a fixed order."""
    out = []
    for way in WAYS:
        for protocol in PROTOCOLS:
            text = (HERE / way / f"{protocol}.json").read_text(encoding="utf-8")
            out += [Suite(way, protocol, i, s) for i, s in enumerate(json.loads(text))]
    return out


class Family:
    """What the emitters ask of a service."""

    name = "cases"
    limits = {}
    headers = []

    def __init__(self, apis):
        self.apis = apis


def ops_c(suites, apis):
    o = [f'#include "{INCLUDE}/errors.h"', f'#include "{INCLUDE}/driver.h"', ""]
    rows, errors = [], []
    for suite, api in zip(suites, apis):
        for i, op in enumerate(api.ops):
            o.append(emit_ops.http_binding(op, f"{suite.prefix}_http{i}"))
            rows.append(f"    {emit_ops.wire_op(op, f'{suite.prefix}_http{i}')},")
        errors += [f"    {{ {vstr(api.prefix)}, {vstr(s.name)}, &{api.error_symbol(s)} }},"
                   for s in api.errors]
    o += ["const struct vg_wire_op case_ops[] = {", *rows, "};",
          "const size_t n_case_ops = sizeof(case_ops) / sizeof(case_ops[0]);",
          "const struct case_error case_errors[] = {", *errors, "};",
          "const size_t n_case_errors = sizeof(case_errors) / sizeof(case_errors[0]);"]
    return o


def main():
    out = pathlib.Path(sys.argv[1])
    suites = load()
    apis = [s.api() for s in suites]
    family = Family(apis)
    write(out / "model.h", emit_shapes.model_h(family, INCLUDE))
    write(out / "shapes.c", emit_shapes.shapes_c(family, INCLUDE))
    write(out / "errors.h", emit_ops.errors_h(family, INCLUDE))
    write(out / "errors.c", emit_ops.errors_c(family, INCLUDE))
    write(out / "ops.c", ops_c(suites, apis))


if __name__ == "__main__":
    main()

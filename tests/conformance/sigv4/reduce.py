#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reduces AWS's SigV4 vectors to NAME.inc, or (--check) says whether NAME.inc has them all.

usage: reduce.py FOLDER [--check]     FOLDER holds one folder a vector (…/conformance/sigv4/v4);
                                      its name is NAME: v4 or v4a
"""

import json
import pathlib
import sys

FILES = [
    "request.txt",
    "header-canonical-request.txt",
    "header-string-to-sign.txt",
    "header-signature.txt",
    "header-signed-request.txt",
    "query-canonical-request.txt",
    "query-string-to-sign.txt",
    "query-signature.txt",
    "query-signed-request.txt",
]


def c_string(text):
    out = ""
    for byte in text.encode():
        c = chr(byte)
        if c == "\n":
            out += "\\n"
        elif c in '"\\':
            out += "\\" + c
        elif 32 <= byte < 127:
            out += c
        else:
            out += f"\\{byte:03o}"
    return '"' + out + '"'


def reduce(folder):
    out = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* AWS's SigV4 vectors (aws-c-auth, Apache-2.0), reduced by reduce.py: see README.md. */",
        "/* clang-format off */",
    ]
    for case in sorted(p for p in folder.iterdir() if p.is_dir()):
        if not (case / FILES[-1]).exists():
            continue  # a request that nobody signed
        ctx = json.loads((case / "context.json").read_text())
        cred = ctx["credentials"]
        text = {
            f: (case / f).read_bytes().decode().replace("\r\n", "\n")
            for f in FILES
            if (case / f).exists()
        }
        out.append("{")
        out.append(f"    .name = {c_string(case.name)},")
        out.append("    .secret = {},".format(c_string(cred["secret_access_key"])))
        if "token" in cred:
            out.append("    .token = {},".format(c_string(cred["token"])))
        out.append("    .normalize = {},".format(str(ctx["normalize"]).lower()))
        out.append(
            "    .omit_token = {},".format(
                str(ctx.get("omit_session_token", False)).lower()
            )
        )
        public = case / "public-key.json"
        if public.exists():
            point = json.loads(public.read_text())
            out.append(f"    .public_key = {c_string(point['X'] + point['Y'])},")
        for f in [f for f in FILES[1:] if f in text]:
            member = f.removesuffix(".txt").replace("-", "_")
            out.append(f"    .{member} = {c_string(text[f])},")
        out.append("},")
    return "\n".join(out) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    target = pathlib.Path(__file__).parent / f"{folder.resolve().name}.inc"
    text = reduce(folder)
    if "--check" not in sys.argv:
        target.write_text(text)
    elif target.read_text() != text:
        sys.exit(f"{target} is not what {folder} reduces to")


main()

# SPDX-License-Identifier: Apache-2.0
"""A reduced model with its overlay laid over it, in the terms of wire/shape.h."""
import sys

from names import ident, snake, unique, upper

SCALARS = {"string": "STR", "character": "STR", "blob": "BLOB", "boolean": "BOOL",
           "integer": "INT", "short": "INT", "byte": "INT", "long": "LONG", "bigInteger": "LONG",
           "float": "FLOAT", "double": "DOUBLE", "bigDecimal": "DOUBLE", "timestamp": "TIMESTAMP"}
ELEMENT = {"STR": "struct vg_str", "ENUM": "struct vg_enum", "BLOB": "struct vg_str",
           "BOOL": "bool", "INT": "int64_t", "LONG": "int64_t", "FLOAT": "double",
           "DOUBLE": "double", "TIMESTAMP": "int64_t", "DOCUMENT": "struct vg_str"}
MEMBER = {"STR": "struct vg_str", "ENUM": "struct vg_enum", "BLOB": "struct vg_str",
          "BOOL": "struct vg_opt_bool", "INT": "struct vg_opt_i64", "LONG": "struct vg_opt_i64",
          "FLOAT": "struct vg_opt_f64", "DOUBLE": "struct vg_opt_f64",
          "TIMESTAMP": "struct vg_opt_i64", "DOCUMENT": "struct vg_str"}
OP_FLAGS = {"readonly": "VG_OP_READONLY", "stream_in": "VG_OP_STREAM_IN",
            "stream_out": "VG_OP_STREAM_OUT", "noauth": "VG_OP_NOAUTH", "noiam": "VG_OP_NOIAM",
            "internal": "VG_OP_INTERNAL", "own_validation": "VG_OP_OWN_VALIDATION",
            "anonymous": "VG_OP_ANONYMOUS"}
OP_KEYS = {"status", "iam", "authz", "flags", "in_max_bytes", "in", "out", "note", "root", "unwrapped"}
SHAPE_KEYS = {"custom", "header", "decode", "encode", "min", "max", "pattern", "enum_text",
              "first"}
MODEL_KEYS = {"prefix", "iam_prefix", "error_namespace", "validation", "validation_error",
              "serialization_error", "error_style", "xml_namespace",
              "list_not_null", "modeled_names"}
ERROR_KEYS = {"status", "code", "members"}
OVERLAY_KEYS = {"service", "model", "limits", "op", "shape", "error", "record"}


def die(what):
    sys.exit("modelgen: " + what)


def check_keys(where, table, known):
    odd = sorted(set(table) - known)
    if odd:
        die(f"{where}: unknown {', '.join(odd)} (known: {', '.join(sorted(known))})")


class Shape:
    def __init__(self, api, name, raw, over):
        self.api, self.name, self.raw, self.over = api, name, raw, over
        check_keys(f"[shape.{name}]", over, SHAPE_KEYS)
        self.raw = {**raw, **{k: v for k, v in over.items() if k in ("min", "max", "pattern")}}
        self.custom = over.get("custom")
        self.members = []  # Member

    def link(self):
        raw = self.raw
        if self.custom:
            self.type = "CUSTOM"
        elif raw.get("document"):
            self.type = "DOCUMENT"
        elif raw["type"] == "structure":
            self.type = "STRUCT"
        elif raw["type"] in ("list", "map"):
            self.type = raw["type"].upper()
        elif raw["type"] == "string" and raw.get("enum"):
            self.type = "ENUM"
        else:
            self.type = SCALARS[raw["type"]]
        self.item = self.key = None
        if self.type == "LIST":
            self.item = self.api.shape(raw["member"]["shape"])
        if self.type == "MAP":
            self.item = self.api.shape(raw["value"]["shape"])
            self.key = self.api.shape(raw["key"]["shape"])
        if self.type == "STRUCT":
            names = unique(raw.get("members", {}), ident)
            required = set(raw.get("required", []))
            members, first = raw.get("members", {}), self.over.get("first", [])
            if odd := [n for n in first if n not in members]:
                die(f"[shape.{self.name}]: no member {', '.join(odd)}")
            self.members = [Member(self, n, members[n], names[n], n in required)
                            for n in [*first, *(m for m in members if m not in first)]]

    @property
    def symbol(self):
        return f"{self.api.prefix}_shape_{self.api.cname[self.name]}"

    @property
    def tag(self):
        """The struct of it: of a structure, a list or a map."""
        return f"struct {self.custom or self.api.prefix + '_' + self.api.cname[self.name]}"

    @property
    def element(self):
        return ELEMENT.get(self.type) or self.tag

    @property
    def items(self):
        """What a list or map points to."""
        return self.item.element if self.type == "LIST" else f"{self.tag}__entry"

    def below(self):
        if self.type == "STRUCT":
            return [m.shape for m in self.members]
        return [s for s in (self.item, self.key) if s]


class Member:
    def __init__(self, owner, name, raw, cname, required):
        self.owner, self.name, self.raw, self.required = owner, name, raw, required
        self.shape_name = raw["shape"]
        self.base = cname

    @property
    def shape(self):
        return self.owner.api.shape(self.shape_name)

    @property
    def cname(self):
        return self.base + "_ms" if self.shape.type == "TIMESTAMP" else self.base

    @property
    def ctype(self):
        s = self.shape
        if s.type in ("STRUCT", "CUSTOM"):
            return s.tag + " *"
        return (MEMBER.get(s.type) or s.tag) + " "


class Op:
    def __init__(self, api, name, raw, over):
        check_keys(f"[op.{name}]", over, OP_KEYS)
        self.api, self.name, self.raw, self.over = api, name, raw, over
        self.status = over.get("status", "absent")
        if self.status not in ("done", "partial", "absent"):
            die(f"[op.{name}] status must be done, partial or absent")
        self.internal = name.startswith("_")
        self.cname = snake(name)
        self.row = f"{api.prefix}_op_{self.cname}"
        self.handler = f"{api.prefix}_{self.cname}" if self.status != "absent" else None
        self.authz = f"{api.prefix}_authz_{self.cname}" if over.get("authz") else None
        iam = over.get("iam", {})
        check_keys(f"[op.{name}] iam", iam, {"action", "resource"})
        self.action = iam.get("action", None if self.internal else f"{api.iam_prefix}:{name}")
        self.resource = iam.get("resource", None if self.internal else "*")
        self.in_shape = api.shape(raw["input"]["shape"]) if "input" in raw else None
        self.out_shape = api.shape(raw["output"]["shape"]) if "output" in raw else None
        self.errors = raw.get("errors", [])
        self.flags = self._flags()

    def _flags(self):
        flags = set()
        for f in self.over.get("flags", []):
            if f not in OP_FLAGS:
                die(f"[op.{self.name}] unknown flag {f}")
            flags.add(OP_FLAGS[f])
        if self.internal:
            flags |= {"VG_OP_INTERNAL", "VG_OP_NOIAM"}
        if self.raw.get("authtype") == "none" or "smithy.api#noAuth" in self.raw.get("auth", []):
            flags.add("VG_OP_NOAUTH")
        if self.raw.get("readonly"):
            flags.add("VG_OP_READONLY")
        return sorted(flags)


INTERNAL_TYPES = {"str": {"type": "string"}, "blob": {"type": "blob"}, "bool": {"type": "boolean"},
                  "i64": {"type": "long"}, "f64": {"type": "double"},
                  "document": {"type": "structure", "document": True, "members": {}}}


class Api:
    """One model: what an AWS endpoint understands."""

    def __init__(self, raw, prefix, over, overlay):
        check_keys(f"[model.{raw['name']}]", over, MODEL_KEYS)
        self.raw, self.over = raw, over
        self.prefix = prefix
        meta = self.meta = raw["metadata"]
        self.iam_prefix = over.get("iam_prefix", meta.get("signingName", meta["endpointPrefix"]))
        shapes = dict(raw["shapes"])
        rows = dict(raw["operations"])
        for name, o in overlay.get("op", {}).items():
            if name.startswith("_"):
                rows[name] = self._internal(name, o, shapes)
            elif name not in rows:
                die(f"[op.{name}] is not in the model")
        for name, o in overlay.get("error", {}).items():
            shapes[name] = self._error(name, o, shapes)
        for name in overlay.get("shape", {}):
            if name not in shapes:
                die(f"[shape.{name}] is not in the model")
        self.shapes = {n: Shape(self, n, s, overlay.get("shape", {}).get(n, {}))
                       for n, s in shapes.items()}
        for s in self.shapes.values():
            s.link()
        self.cname = unique(sorted(self.shapes), snake)
        self.ops = [Op(self, n, o, overlay.get("op", {}).get(n, {})) for n, o in rows.items()]
        thrown = {e for o in rows.values() for e in o.get("errors", [])}
        self.errors = [s for n, s in self.shapes.items() if s.raw.get("exception") or n in thrown]
        self.used = self._reachable()

    def shape(self, name):
        return self.shapes[name]

    def _error(self, name, over, shapes):
        """An error that AWS documents and its model lacks, or of which the model says less."""
        check_keys(f"[error.{name}]", over, ERROR_KEYS)
        base = shapes.get(name, {"type": "structure", "exception": True, "members": {}})
        members = {m: {"shape": self._internal_type(t, shapes)}
                   for m, t in over.get("members", {}).items()}
        error = {**base.get("error", {}), "httpStatusCode": over["status"]}
        if "code" in over:
            error["code"] = over["code"]
        return {**base, "error": error, "members": {**base.get("members", {}), **members}}

    def _internal(self, name, over, shapes):
        row = {}
        for key, what in (("in", "input"), ("out", "output")):
            if key not in over:
                continue
            members = {m: {"shape": self._internal_type(t, shapes)} for m, t in over[key].items()}
            shape = name.strip("_") + what.capitalize()
            if shape in shapes:
                die(f"[op.{name}]: the model has a shape {shape} already")
            shapes[shape] = {"type": "structure", "members": members}
            row[what] = {"shape": shape}
        return row

    def _internal_type(self, t, shapes):
        if t.startswith("list<") and t.endswith(">"):
            inner = self._internal_type(t[5:-1], shapes)
            shapes.setdefault(f"{inner}_list_", {"type": "list", "member": {"shape": inner}})
            return f"{inner}_list_"
        if t in INTERNAL_TYPES:
            shapes.setdefault(f"internal_{t}_", INTERNAL_TYPES[t])
            return f"internal_{t}_"
        if t not in shapes:
            die(f"no type {t} ({', '.join(INTERNAL_TYPES)}, list<…> or a shape of the model)")
        return t

    def _reachable(self):
        todo = [s for o in self.ops for s in (o.in_shape, o.out_shape) if s] + list(self.errors)
        seen = {}
        while todo:
            s = todo.pop()
            if s.name in seen:
                continue
            seen[s.name] = s
            todo += s.below()
        return [seen[n] for n in sorted(seen)]

    @property
    def protocol(self):
        p = self.meta["protocol"]
        if p == "json":
            v = self.meta.get("jsonVersion", "1.1")
            return "VG_PROTO_JSON_1_0" if str(v) == "1.0" else "VG_PROTO_JSON_1_1"
        return {"query": "VG_PROTO_QUERY", "ec2": "VG_PROTO_EC2", "rest-json": "VG_PROTO_REST_JSON",
                "rest-xml": "VG_PROTO_REST_XML", "smithy-rpc-v2-cbor": "VG_PROTO_CBOR"}[p]

    def error_symbol(self, shape):
        return f"{self.prefix}_err_{self.cname[shape.name]}"


class Service:
    """A folder: one or more APIs, limits and records."""

    def __init__(self, name, overlay, raws):
        check_keys("service.toml", overlay, OVERLAY_KEYS)
        check_keys("[service]", overlay.get("service", {}), MODEL_KEYS | {"models"})
        self.name, self.overlay = name, overlay
        base = {k: v for k, v in overlay.get("service", {}).items() if k != "models"}
        self.apis = []
        for i, raw in enumerate(raws):
            over = {**base, **overlay.get("model", {}).get(raw["name"], {})}
            part = dict(overlay)
            if len(raws) > 1:  # an overlay row belongs to the model that has it
                part["op"] = {n: o for n, o in overlay.get("op", {}).items()
                              if n in raw["operations"] or (n.startswith("_") and i == 0)}
                part["shape"] = {n: o for n, o in overlay.get("shape", {}).items()
                                 if n in raw["shapes"]}
            self.apis.append(Api(raw, over.get("prefix", snake(raw["name"]).replace("_", "")),
                                 over, part))
        for n in overlay.get("op", {}):
            if not n.startswith("_") and not any(n in r["operations"] for r in raws):
                die(f"[op.{n}] is in no model of this service")
        self.limits = {upper(k): (v["value"] if isinstance(v, dict) else v)
                       for k, v in overlay.get("limits", {}).items()}

    @property
    def headers(self):
        return sorted({s.over["header"] for a in self.apis for s in a.used if s.custom
                       and "header" in s.over})

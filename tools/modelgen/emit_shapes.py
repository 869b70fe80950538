# SPDX-License-Identifier: Apache-2.0
"""model.h and shapes.c: the structs of the models and the tables that describe them."""
import math

from model import die
from names import cstr, unique, upper, vstr
from regex import pcre

LOCS = {None: "VG_LOC_BODY", "header": "VG_LOC_HEADER", "headers": "VG_LOC_HEADERS",
        "uri": "VG_LOC_URI", "querystring": "VG_LOC_QUERY", "statusCode": "VG_LOC_STATUS"}
TIMES = {None: "VG_TIME_DEFAULT", "unixTimestamp": "VG_TIME_UNIX", "iso8601": "VG_TIME_ISO",
         "rfc822": "VG_TIME_HTTP"}


def enum_constants(shape):
    return unique(shape.raw["enum"],
                  lambda v: f"{shape.api.prefix.upper()}_{upper(shape.name)}_{upper(v)}")


def model_h(svc, here):
    guard = f"VG_GEN_{svc.name.upper()}_MODEL_H"
    o = [f"#ifndef {guard}", f"#define {guard}", "", '#include "base/base.h"',
         '#include "base/str.h"', '#include "wire/shape.h"', ""]
    for h in svc.headers:
        o.append(f'#include "{h}"')
    for k, v in svc.limits.items():
        o.append(f"#define {svc.name.upper()}_LIMIT_{k} {v}")
    for api in svc.apis:
        o += _structs(api)
        o.append(f"extern const struct vg_model {api.prefix}_model;")
        o += [f"extern const struct vg_shape {s.symbol};" for s in api.used]
    o += ["", "#endif"]
    return o


def _structs(api):
    o = [""]
    for s in api.used:
        if s.type == "ENUM":
            p = f"{api.prefix.upper()}_{upper(s.name)}"
            o.append(f"enum {api.prefix}_{api.cname[s.name]} {{")
            o.append(f"    {p}__UNKNOWN = -1,")
            o.append(f"    {p}__UNSET = 0,")
            o += [f"    {c} = {i}," for i, c in enumerate(enum_constants(s).values(), 1)]
            o.append("};")
    for s in api.used:
        if s.type in ("STRUCT", "CUSTOM"):
            o.append(f"{s.tag};")
        if s.type == "MAP":
            o.append(f"{s.tag}__entry;")
    for s in api.used:
        if s.type in ("LIST", "MAP"):
            star = "" if s.items.endswith("*") else " *"
            o.append(f"{s.tag} {{ {s.items}{star}items; size_t len; bool set; }};")
    for s in api.used:
        if s.type == "STRUCT":
            o.append(f"{s.tag} {{")
            o += [f"    {m.ctype}{m.cname};" for m in s.members]
            if not s.members:
                o.append("    char unused__;")
            o.append("};")
    for s in api.used:
        if s.type == "MAP":
            o.append(f"{s.tag}__entry {{ struct vg_str key; {s.item.element} value; }};")
    return o


def _rules(s):
    r = s.raw
    lo, hi, pattern = r.get("min"), r.get("max"), r.get("pattern")
    if lo is None and hi is None and pattern is None:
        return None
    lo = None if lo is None else max(math.ceil(lo), -2**63)
    hi = None if hi is None else min(math.floor(hi), 2**63 - 1)

    def num(v):
        return "0" if v is None else "INT64_MIN" if v <= -2**63 else f"{v}"
    return (f"{{ {str(lo is not None).lower()}, {str(hi is not None).lower()}, {num(lo)}, "
            f"{num(hi)}, {cstr(pattern) if pattern is not None else 'NULL'}, "
            f"{cstr(pcre(pattern)) if pattern is not None else 'NULL'} }}")


def xml_ns(v):
    """A reference to a namespace of the models, or None: a compound literal of file scope."""
    if v is None:
        return None
    v = v if isinstance(v, dict) else {"uri": v}
    return f"&(const struct vg_xml_ns) {{ {vstr(v.get('prefix'))}, {vstr(v['uri'])} }}"


def _member(m, proto):
    s, raw = m.shape, m.raw
    flags = []
    if m.required:
        flags.append("VG_MEMBER_REQUIRED")
    for key, flag in (("idempotencyToken", "TOKEN"), ("streaming", "STREAMING"),
                      ("jsonvalue", "JSON"), ("xmlAttribute", "XML_ATTR"),
                      ("flattened", "FLATTENED")):
        if raw.get(key):
            flags.append("VG_MEMBER_" + flag)
    if s.raw.get("eventstream"):
        flags.append("VG_MEMBER_EVENT")
    loc = LOCS[raw.get("location")] if proto in ("VG_PROTO_REST_JSON", "VG_PROTO_REST_XML") \
        else "VG_LOC_BODY"
    if m.owner.raw.get("payload") == m.name and proto in ("VG_PROTO_REST_JSON",
                                                          "VG_PROTO_REST_XML"):
        loc = "VG_LOC_PAYLOAD"
    wire = raw.get("locationName", m.name)
    if s.raw.get("flattened") and s.type == "LIST" and proto == "VG_PROTO_QUERY":
        wire = s.raw["member"].get("locationName", wire)  # the item's name stands for the member's
    return (f"{{ {vstr(m.name)}, {vstr(wire)}, &{s.symbol}, "
            f"offsetof({m.owner.tag}, {m.cname}), {' | '.join(flags) or 0}, {loc}, "
            f"{TIMES[raw.get('timestampFormat')]}, {xml_ns(raw.get('xmlNamespace')) or 'NULL'} }},")


def _shape(s, n):
    raw = s.raw
    flags = [f for k, f in (("sensitive", "VG_SHAPE_SENSITIVE"),
                            ("flattened", "VG_SHAPE_FLATTENED"), ("union", "VG_SHAPE_UNION"),
                            ("eventstream", "VG_SHAPE_EVENTSTREAM")) if raw.get(k)]
    f = [f".name = {vstr(s.name)}", f".type = VG_T_{s.type}", f".size = sizeof({s.element})"]
    if flags:
        f.append(f".flags = {' | '.join(flags)}")
    if s.type == "TIMESTAMP" and "timestampFormat" in raw:
        f.append(f".time_fmt = {TIMES[raw['timestampFormat']]}")
    if s.type == "STRUCT" and s.members:
        f += [f".members = m{n}", f".n_members = {len(s.members)}"]
        names = [m.name for m in s.members]
        if raw.get("payload") in names:
            f.append(f".payload = {names.index(raw['payload']) + 1}")
    if s.type == "ENUM":
        f += [f".enums = e{n}", f".n_enums = {len(enum_constants(s))}"]
        if "enum_text" in s.over:
            f.append(f".enum_text = {cstr(s.over['enum_text'])}")
    if s.type == "LIST":
        f += [f".item = &{s.item.symbol}", f".entry_size = sizeof({s.items})",
              f".item_wire = {vstr(raw['member'].get('locationName', 'member'))}"]
    if s.type == "MAP":
        f += [f".item = &{s.item.symbol}", f".key = &{s.key.symbol}",
              f".entry_size = sizeof({s.items})",
              f".value_offset = offsetof({s.items}, value)",
              f".item_wire = {vstr(raw['value'].get('locationName', 'value'))}",
              f".key_wire = {vstr(raw['key'].get('locationName', 'key'))}"]
    if s.type == "STRUCT":
        f.append(f".xml_name = {vstr(raw.get('locationName', s.name))}")
    for field, ns in (("xml_ns", raw), ("item_ns", raw.get("member", raw.get("value", {}))),
                      ("key_ns", raw.get("key", {}))):
        if "xmlNamespace" in ns:
            f.append(f".{field} = {xml_ns(ns['xmlNamespace'])}")
    if s.type == "CUSTOM":
        f += [f".decode = d{n}", f".encode = w{n}"]
    if _rules(s):
        f.append(f".rules = &r{n}")
    return f"const struct vg_shape {s.symbol} = {{ {', '.join(f)} }};"


def _custom(s, n):
    dec = s.over.get("decode", f"{s.custom}_decode")
    enc = s.over.get("encode", f"{s.custom}_encode")
    return [f"static vg_rc d{n}(struct vg_json *js, int tok, void *to, struct vg_err *err)",
            f"{{ return {dec}(js, (enum vg_json_tok)tok, to, err); }}",
            f"static void w{n}(struct vg_json_out *w, const void *from)",
            f"{{ {enc}(w, from); }}"]


def _model(api):
    meta, over = api.meta, api.over
    flags = []
    if "awsQueryCompatible" in meta:
        flags.append("VG_MODEL_QUERY_COMPATIBLE")
    if over.get("validation") == "dynamodb":
        flags.append("VG_MODEL_DYNAMODB_TEXT")
    if over.get("list_not_null"):
        flags.append("VG_MODEL_LIST_NOT_NULL")
    if over.get("modeled_names"):
        flags.append("VG_MODEL_MODELED_NAMES")
    if over.get("error_style") == "s3":
        flags.append("VG_MODEL_S3_TEXT")
    elif "error_style" in over:
        die(f"error_style {over['error_style']} is none (known: s3)")
    rows = [("endpoint", api.prefix), ("host", meta["endpointPrefix"]),
            ("signing_name", meta.get("signingName", meta["endpointPrefix"])),
            ("iam_prefix", api.iam_prefix), ("service_id", meta.get("serviceId")),
            ("api_version", meta.get("apiVersion")), ("target_prefix", meta.get("targetPrefix")),
            ("xml_namespace", over.get("xml_namespace", _ns(meta.get("xmlNamespace")))),
            ("error_namespace", over.get("error_namespace")), ("source", api.raw["source"])]
    o = [f"const struct vg_model {api.prefix}_model = {{"]
    o += [f"    .{k} = {vstr(v)}," for k, v in rows if v is not None]
    if "validation_error" in over:
        o.append(f"    .validation = &{api.error_symbol(api.shape(over['validation_error']))},")
    if "serialization_error" in over:
        err = api.error_symbol(api.shape(over["serialization_error"]))
        o.append(f"    .serialization = &{err},")
    o += [f"    .protocol = {api.protocol},", f"    .flags = {' | '.join(flags) or 0},", "};"]
    return o


def _ns(v):
    return v["uri"] if isinstance(v, dict) else v


def shapes_c(svc, here):
    o = [f'#include "{here}/model.h"', f'#include "{here}/errors.h"', "",
         '#include "codec/json.h"', "", "#include <stddef.h>", ""]
    n = 0
    for api in svc.apis:
        for s in api.used:
            n += 1
            if s.type == "STRUCT" and s.members:
                o.append(f"static const struct vg_member m{n}[] = {{")
                o += ["    " + _member(m, api.protocol) for m in s.members]
                o.append("};")
            if s.type == "ENUM":
                o.append(f"static const struct vg_str e{n}[] = {{ "
                         + ", ".join(vstr(v) for v in enum_constants(s)) + " };")
            if s.type in ("LIST", "MAP"):
                o.append(f"_Static_assert(sizeof({s.tag}) == sizeof(struct vg_list) && "
                         f"offsetof({s.tag}, len) == offsetof(struct vg_list, len), \"list\");")
            if s.type == "CUSTOM":
                o += _custom(s, n)
            if _rules(s):
                o.append(f"static const struct vg_rules r{n} = {_rules(s)};")
            o.append(_shape(s, n))
        o += _model(api)
    return o

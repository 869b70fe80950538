# SPDX-License-Identifier: Apache-2.0
"""ops.h, ops.c, errors.h, errors.c and the coverage of a service."""
import json

from emit_shapes import xml_ns
from names import cstr, vstr


def _params(op):
    p = ["struct vg_req *rq"]
    if op.in_shape:
        p.append(f"const {op.in_shape.tag} *in")
    if op.out_shape:
        p.append(f"{op.out_shape.tag} *out")
    return ", ".join(p)


def _authz_params(op):
    return "struct vg_req *rq, " + (f"const {op.in_shape.tag} *in, " if op.in_shape else "") \
        + "struct vg_authz *az"


def ops_h(svc, here):
    guard = f"VG_GEN_{svc.name.upper()}_OPS_H"
    o = [f"#ifndef {guard}", f"#define {guard}", "", '#include "core/service.h"',
         f'#include "{here}/model.h"', ""]
    o.append(f"extern const struct vg_service {svc.name}_service; /* yours: {svc.name}.c */")
    o.append("/* Every row, of all endpoints; NULL-terminated. */")
    o.append(f"extern const struct vg_op *const {svc.name}_ops[];")
    for api in svc.apis:
        o.append("")
        for op in api.ops:
            o.append(f"extern const struct vg_op {op.row};")
            if op.handler:
                o.append(f"vg_rc {op.handler}({_params(op)}) VG_WAITS;")
            if op.authz:
                o.append(f"vg_rc {op.authz}({_authz_params(op)}) VG_WAITS;")
    o += ["", "#endif"]
    return o


def _args(op):
    a = ["rq"] + (["in"] if op.in_shape else []) + (["out"] if op.out_shape else [])
    unused = "".join(f"    (void){n};\n" for n, s in (("in", op.in_shape), ("out", op.out_shape))
                     if not s)
    return ", ".join(a), unused


def _root(op, out):
    """The overlay's word, else the output's; a shape that names itself comes between them."""
    named = op.out_shape and "locationName" in op.out_shape.raw
    return op.over.get("root", None if named else out.get("locationName"))


def http_binding(op, symbol):
    h, given, out = op.raw["http"], op.raw.get("input", {}), op.raw.get("output", {})
    f = [f".method = {vstr(h['method'])}", f".uri = {vstr(h['requestUri'])}",
         f".status = {h.get('responseCode', 200)}"]
    for field, text in (("wrapper", out.get("resultWrapper")), ("in_root", given.get("locationName")),
                        ("root", _root(op, out))):
        if text:
            f.append(f".{field} = {vstr(text)}")
    if "xmlNamespace" in out:
        f.append(f".root_ns = {xml_ns(out['xmlNamespace'])}")
    summed = op.raw.get("httpChecksum", {}).get("requestChecksumRequired")
    flags = [flag for flag, on in (("VG_HTTP_DEPRECATED", op.raw.get("deprecated")),
                                   ("VG_HTTP_UNWRAPPED", op.over.get("unwrapped")),
                                   ("VG_HTTP_CHECKSUM", summed),
                                   ("VG_HTTP_STREAM_IN", "VG_OP_STREAM_IN" in op.flags)) if on]
    if flags:
        f.append(f".flags = {' | '.join(flags)}")
    return f"static const struct vg_http_binding {symbol} = {{ {', '.join(f)} }};"


def _row(op):
    api = op.api
    o = []
    if op.handler:
        args, unused = _args(op)
        o.append(f"static vg_rc\n{op.cname}__run(struct vg_req *rq, const void *in, void *out)\n"
                 f"{{\n{unused}    return {op.handler}({args});\n}}")
    if op.authz:
        args = "rq, in, az" if op.in_shape else "rq, az"
        unused = "" if op.in_shape else "    (void)in;\n"
        o.append(f"static vg_rc\n{op.cname}__authz(struct vg_req *rq, const void *in, "
                 f"struct vg_authz *az)\n{{\n{unused}    return {op.authz}({args});\n}}")
    errors = "NULL"
    if op.errors:
        errors = f"{op.cname}__errors"
        o.append(f"static const struct vg_errdef *const {errors}[] = {{ "
                 + ", ".join("&" + api.error_symbol(api.shape(e)) for e in op.errors)
                 + ", NULL };")
    http = "NULL"
    if "http" in op.raw:
        http = f"&{op.cname}__http"
        o.append(http_binding(op, f"{op.cname}__http"))
    rows = [f".endpoint = {vstr(api.prefix)}", f".name = {vstr(op.name)}"]
    if op.in_shape:
        rows.append(f".in = &{op.in_shape.symbol}")
    if op.out_shape:
        rows.append(f".out = &{op.out_shape.symbol}")
    if op.errors:
        rows.append(f".errors = {errors}")
    if op.handler:
        rows.append(f".handler = {op.cname}__run")
    if op.authz:
        rows.append(f".authz = {op.cname}__authz")
    if op.action:
        rows.append(f".iam_action = {cstr(op.action)}")
    if op.resource:
        rows.append(f".iam_resource = {cstr(op.resource)}")
    if op.flags:
        rows.append(f".flags = {' | '.join(op.flags)}")
    if "in_max_bytes" in op.over:
        rows.append(f".in_max_bytes = {op.over['in_max_bytes']}")
    rows += [f".model = &{api.prefix}_model", f".http = {http}",
             f".service = &{api.service}_service"]
    o.append(f"const struct vg_op {op.row} = {{\n    " + ",\n    ".join(rows) + ",\n};")
    return o


def ops_c(svc, here):
    o = [f'#include "{here}/ops.h"', f'#include "{here}/errors.h"', ""]
    for api in svc.apis:
        api.service = svc.name
        for op in api.ops:
            o += _row(op)
    o.append(f"const struct vg_op *const {svc.name}_ops[] = {{")
    o += [f"    &{op.row}," for api in svc.apis for op in api.ops]
    o += ["    NULL,", "};"]
    return o


def wire_op(op, symbol):
    """What the wire knows of an operation; `symbol`: its binding."""
    def ref(shape):
        return f"&{shape.symbol}" if shape else "NULL"
    return (f"{{ .name = {vstr(op.raw.get('name', op.name))}, .model = &{op.api.prefix}_model, "
            f".http = &{symbol}, .in = {ref(op.in_shape)}, .out = {ref(op.out_shape)} }}")


def wire_ops_h(name):
    guard = f"VG_GEN_{name.upper()}_WIRE_OPS_H"
    return [f"#ifndef {guard}", f"#define {guard}", "", '#include "wire/wire.h"', "",
            f"extern const struct vg_wire_op {name}_wire_ops[];",
            f"extern const size_t {name}_n_wire_ops;", "", "#endif"]


def wire_ops_c(name, apis, here):
    """<name>_wire_ops[]: every operation that has a place in HTTP."""
    o = [f'#include "{here}/model.h"', f'#include "{here}/ops.h"', ""]
    ops = [op for api in apis for op in api.ops if "http" in op.raw]
    o += [http_binding(op, f"{op.api.prefix}_{op.cname}__http") for op in ops]
    o.append(f"const struct vg_wire_op {name}_wire_ops[] = {{")
    o += [f"    {wire_op(op, f'{op.api.prefix}_{op.cname}__http')}," for op in ops]
    o += ["};", f"const size_t {name}_n_wire_ops = {len(ops)};"]
    return o


def _is_plain(shape):
    return all(m.name.lower() == "message" for m in shape.members)


def errors_h(svc, here):
    guard = f"VG_GEN_{svc.name.upper()}_ERRORS_H"
    o = [f"#ifndef {guard}", f"#define {guard}", "", '#include "core/fail.h"',
         f'#include "{here}/model.h"', "",
         "/*",
         " * `return <p>_fail_<error>(rq, fmt, …);` sets rq->err and gives VG_FAIL; those that end in",
         " * _detail(rq, detail, fmt, …) also hand on the error's further members (arena).",
         " */"]
    for api in svc.apis:
        for s in api.errors:
            e, c = api.error_symbol(s), api.cname[s.name]
            o.append(f"extern const struct vg_errdef {e};")
            o.append(f"#define {api.prefix}_fail_{c}(rq, ...) vg_fail((rq), &{e}, __VA_ARGS__)")
            if not _is_plain(s):
                o.append(f"static inline {s.tag} *\n{api.prefix}__detail_{c}({s.tag} *detail)\n"
                         "{\n    return detail;\n}")
                o.append(f"#define {api.prefix}_fail_{c}_detail(rq, detail_, ...) \\\n"
                         f"    (vg_fail((rq), &{e}, __VA_ARGS__), \\\n"
                         f"     (rq)->err->detail = {api.prefix}__detail_{c}(detail_), VG_FAIL)")
    o += ["", "#endif"]
    return o


def errors_c(svc, here):
    o = [f'#include "{here}/errors.h"', ""]
    for api in svc.apis:
        compatible = "awsQueryCompatible" in api.meta
        is_query = api.meta["protocol"] in ("query", "ec2", "rest-xml")
        for s in api.errors:
            raw = s.raw
            err = raw.get("error", {})
            code = err.get("code", s.name) if is_query else s.name
            other = err.get("code") if compatible else None
            fault = bool(raw.get("fault"))
            status = err.get("httpStatusCode", 500 if fault else 400)
            sender = bool(err.get("senderFault", not fault and status < 500))
            f = [f".code = {vstr(code)}", f".http_status = {status}",
                 f".is_sender_fault = {str(sender).lower()}",
                 f".is_retryable = {str(bool(raw.get('retryable')) or status >= 500).lower()}",
                 f".shape = &{s.symbol}"]
            if other:
                f.append(f".query_code = {vstr(other)}")
            o.append(f"const struct vg_errdef {api.error_symbol(s)} = {{ {', '.join(f)} }};")
    return o


def coverage(svc):
    apis = []
    for api in svc.apis:
        ops = {op.name: {"status": op.status, "action": op.action, "resource": op.resource,
                         "authz": bool(op.authz), "note": op.over.get("note")}
               for op in api.ops if not op.internal}
        apis.append({"endpoint": api.prefix, "source": api.raw["source"],
                     "service_id": api.meta.get("serviceId"),
                     "version": api.meta.get("apiVersion"), "operations": ops})
    return json.dumps({"service": svc.name, "apis": apis}, indent=1).split("\n")


def coverage_md(svc):
    o = []
    for api in svc.apis:
        by = {s: [op for op in api.ops if op.status == s and not op.internal]
              for s in ("done", "partial", "absent")}
        n = sum(len(v) for v in by.values())
        o.append(f"### {api.meta.get('serviceId')} (`{api.prefix}`): {len(by['done'])} done, "
                 f"{len(by['partial'])} partial, of {n}")
        o.append("")
        for s in ("done", "partial", "absent"):
            if by[s]:
                names = [op.name + (f" ({op.over['note']})" if op.over.get("note") else "")
                         for op in by[s]]
                o += [f"**{s}**: " + ", ".join(names), ""]
    return o

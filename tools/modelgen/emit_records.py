# SPDX-License-Identifier: Apache-2.0
"""records.h and records.c: stored records from [record.X] tables (codec/record.h)."""
import re

from model import die
from names import cstr, ident

SCALARS = {"str": ("STR", "struct vg_str "), "blob": ("STR", "struct vg_str "),
           "bool": ("BOOL", "bool "), "u32": ("U32", "uint32_t "), "i64": ("I64", "int64_t "),
           "f64": ("F64", "double ")}
OPTIONAL = {"bool": ("OPT_BOOL", "struct vg_opt_bool "), "i64": ("OPT_I64", "struct vg_opt_i64 "),
            "f64": ("OPT_F64", "struct vg_opt_f64 ")}


class Field:
    def __init__(self, where, prefix, records, number, text):
        m = re.fullmatch(r"\s*([a-z][a-z0-9_]*)\s*:\s*([a-z0-9_<>]+\??)\s*", text)
        if not m or not number.isdigit() or not 0 < int(number) < 4096:
            die(f"{where}: {number} = {text!r}: want NUMBER = \"name: type\"")
        self.number, self.name, t = int(number), ident(m.group(1)), m.group(2)
        self.is_list = t.startswith("list<") and t.endswith(">")
        if self.is_list:
            t = t[5:-1]
        self.record = None
        if t.endswith("?"):
            if t[:-1] not in OPTIONAL or self.is_list:
                die(f"{where}: {t}: only bool, i64 and f64 may be optional (str is already)")
            self.kind, self.ctype = OPTIONAL[t[:-1]]
        elif t in SCALARS:
            self.kind, self.ctype = SCALARS[t]
        elif t in records:
            self.record, self.kind = t, "RECORD"
            self.ctype = f"struct {prefix}_rec_{t} " + ("" if self.is_list else "*")
        else:
            die(f"{where}: no type {t} (str, blob, bool, u32, i64, f64, bool?, i64?, f64?, "
                "a record of this file, list<…> of these)")

    def declare(self):
        return f"VG_VEC({self.ctype.strip()}) {self.name};" if self.is_list \
            else f"{self.ctype}{self.name};"


def fields_of(prefix, records):
    out = {}
    for name, rows in records.items():
        fs = [Field(f"[record.{name}]", prefix, records, k, v) for k, v in rows.items()]
        if len({f.name for f in fs}) != len(fs):
            die(f"[record.{name}]: a name is used twice")
        out[name] = sorted(fs, key=lambda f: f.number)
    return out


def records_h(prefix, records):
    guard = f"VG_GEN_{prefix.upper()}_RECORDS_H"
    o = [f"#ifndef {guard}", f"#define {guard}", "", '#include "codec/record.h"', ""]
    fields = fields_of(prefix, records)
    o += [f"struct {prefix}_rec_{n};" for n in fields]
    done, todo = set(), list(fields)

    def put(n):
        if n in done:
            return
        done.add(n)
        p = f"{prefix}_rec_{n}"
        o.append(f"struct {p} {{")
        o.extend(f"    {f.declare()}" for f in fields[n])
        o.append("    struct vg_str unknown__; /* fields of a newer version, kept */")
        o.append("};")
        o.append(f"extern const struct vg_record {p}__desc;")
        o.append(f"static inline void\n{p}_encode(const struct {p} *rec, struct vg_buf *to)\n"
                 f"{{\n    vg_record_encode(&{p}__desc, rec, to);\n}}")
        o.append(f"static inline vg_rc VG_MUST_USE\n{p}_decode(struct vg_arena *arena, struct vg_str bytes, "
                 f"struct {p} *ret, struct vg_err *err)\n"
                 f"{{\n    return vg_record_decode(&{p}__desc, arena, bytes, ret, err);\n}}")
    for n in todo:
        put(n)
    o += ["", "#endif"]
    return o


def records_c(prefix, records, include):
    o = [f'#include "{include}"', "", "#include <stddef.h>", ""]
    for n, fs in fields_of(prefix, records).items():
        p = f"{prefix}_rec_{n}"
        if fs:
            o.append(f"static const struct vg_record_field {n}__fields[] = {{")
            for f in fs:
                desc = f"&{prefix}_rec_{f.record}__desc" if f.record else "NULL"
                o.append(f"    {{ {f.number}, VG_REC_{f.kind}, {str(f.is_list).lower()}, "
                         f"offsetof(struct {p}, {f.name}), {cstr(f.name)}, {desc} }},")
            o.append("};")
        o.append(f"const struct vg_record {p}__desc = {{ {cstr(n)}, "
                 + (f"{n}__fields, {len(fs)}" if fs else "NULL, 0")
                 + f", sizeof(struct {p}), offsetof(struct {p}, unknown__) }};")
    return o

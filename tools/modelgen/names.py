# SPDX-License-Identifier: Apache-2.0
"""How names of the models become names of C."""
import re

KEYWORDS = set("""auto break case char const continue default do double else enum extern float for
goto if inline int long register restrict return short signed sizeof static struct switch typedef
union unsigned void volatile while bool true false asm typeof""".split())


def snake(name):
    s = re.sub(r"[^A-Za-z0-9]+", "_", name)
    s = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", s)
    # "ARNsOf" is arns_of, "URLConfig" is url_config
    s = re.sub(r"([A-Z]{2,})s(?=_|$|[A-Z])", lambda m: m.group(1) + "s_", s)
    s = re.sub(r"([A-Z]+)([A-Z][a-z])(?!_)", lambda m: m.group(0) if m.group(2)[1:] == "s"
               and m.end() == len(s) else m.group(1) + "_" + m.group(2), s)
    s = re.sub(r"_+", "_", s).strip("_").lower()
    return s or "empty"


def ident(name):
    s = snake(name)
    if s in KEYWORDS:
        s += "_"
    return "_" + s if s[0].isdigit() else s


def upper(name):
    return snake(name).upper()


def cstr(text):
    """The text as a C literal of ASCII bytes."""
    out = []
    for b in text.encode("utf-8"):
        c = chr(b)
        if c in '"\\':
            out.append("\\" + c)
        elif 32 <= b < 127 and c != "?":
            out.append(c)
        else:
            out.append(f"\\{b:03o}")  # three digits: nothing after can join it
    return '"' + "".join(out) + '"'


def vstr(text):
    """A static initialiser of a struct vg_str."""
    return "{ NULL, 0 }" if text is None else f"{{ {cstr(text)}, {len(text.encode('utf-8'))} }}"


def unique(names, render):
    """{name: rendered}, later ones of equal rendering numbered."""
    out, taken = {}, set()
    for n in names:
        r = base = render(n)
        i = 2
        while r in taken:
            r = f"{base}_{i}"
            i += 1
        taken.add(r)
        out[n] = r
    return out

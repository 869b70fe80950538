# SPDX-License-Identifier: Apache-2.0
"""The models' regular expressions are Java's; what PCRE2 writes otherwise is rewritten here."""
import re

# java.util.regex.Pattern, "POSIX character classes (US-ASCII only)"
POSIX = {"Lower": "lower", "Upper": "upper", "Alpha": "alpha", "Digit": "digit", "Alnum": "alnum",
         "Punct": "punct", "Graph": "graph", "Print": "print", "Blank": "blank", "Cntrl": "cntrl",
         "XDigit": "xdigit", "Space": "space", "ASCII": "ascii"}
OTHERS = {"all": r"\s\S", "IsAlphabetic": r"\p{L}", "IsWhitespace": r"\s"}
TOKEN = re.compile(r"\\u([Dd][89ABab]\w\w)\\u([Dd][C-Fc-f]\w\w)|\\u([0-9A-Fa-f]{4})|\\p\{(\w+)\}|\\."
                   r"|\[|\]|-|.", re.S)


def pcre(pattern):
    """The pattern for PCRE2; itself where both agree."""
    out, in_class, before = [], False, ""
    # some models write the surrogates' ranges instead of their pairs'
    pattern = pattern.replace(r"\uD800\uDBFF-\uDC00\uDFFF", r"\uD800\uDC00-\uDBFF\uDFFF")
    for m in TOKEN.finditer(pattern):
        t = kind = m.group(0)
        if m.group(1):  # a surrogate pair
            high, low = int(m.group(1), 16), int(m.group(2), 16)
            t = f"\\x{{{0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF):X}}}"
        elif m.group(3):
            t = f"\\x{{{int(m.group(3), 16):X}}}"
        elif m.group(4):
            kind = "class"
            if m.group(4) in POSIX:
                name = f"[:{POSIX[m.group(4)]}:]"
                t = name if in_class else f"[{name}]"
            elif m.group(4) in OTHERS:
                t = OTHERS[m.group(4)]
        elif t == "[" and not in_class:
            in_class = True
        elif t == "]" and in_class and before != "[":
            in_class = False
        elif t == "-" and in_class and before in (r"\w", r"\d", r"\s", r"\S", "class"):
            t = r"\-"  # no range can begin behind a class: Java takes the dash as it is
        before = kind
        out.append(t)
    return "".join(out)

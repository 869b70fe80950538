#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the JSON parser to Python's: run.py DRIVER [SEED]

Hand-made texts after the sections of RFC 8259, and some thousand mutations of them from a printed
seed. Python's json is made strict first (no NaN, no lone surrogates, UTF-8 only); then both must
give the same verdict, and what our writer makes of an accepted text must mean the same to Python.
Nesting deeper than VG_JSON_DEPTH_MAX (128) is refused by ours alone.
"""
import json
import random
import re
import subprocess
import sys
import time

GOOD = [
    b'{}', b'[]', b'[[]]', b'null', b'true', b'false', b'0', b'-0', b'1.5e-7', b'1E400',
    b'123456789012345678901', b'""', b'" "', b'\t[\n1 ,\r2 ]',
    b'{"a":{"b":[null,true,false,"x",-1.0e+2]},"a":2}', b'"\\u0000\\u001f\\u007f"',
    b'"\\ud83d\\ude00 \xf0\x9f\x98\x80 \xc3\xa9 \xef\xbf\xbf"', b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    b'{"":0}', b'[1,[2,[3,[4]]]]', b'"\xe2\x80\xa8\xe2\x80\xa9"', b'[0.1,0.01,1e5,1E+5,1e-5]',
    b'{"\\u0061":1}', b'"\x7f"',
]
BAD = [
    b'', b' ', b'\xef\xbb\xbf{}', b'[1,]', b'[,1]', b'[1 2]', b'{"a":1,}', b'{,}', b'{"a"}',
    b'{"a":}', b'{1:1}', b"{'a':1}", b'[1}', b'{"a":1]', b'[', b'{', b']', b'"', b'"\\',
    b'"\\u12', b'"\\x"', b'"\n"', b'"\x00"', b'nul', b'True', b'NaN', b'Infinity', b'-Infinity',
    b'+1', b'01', b'-01', b'1.', b'.1', b'1.e1', b'1e', b'1e+', b'0x1', b'--1', b'1 1', b'{}{}',
    b'[]x', b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\u0041"', b'"\xff"', b'"\xc0\xaf"',
    b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', b'\x0c[]', b'\xc2\xa0[]', b'[1]//',
    b'/**/1', b'\x00', b'1\x00', b'{"a":1 "b":2}', b'["a" "b"]', b'- 1',
]
PIECES = [b'{', b'}', b'[', b']', b',', b':', b'"', b'\\', b'\\u', b'd800', b'0', b'-', b'.', b'e', b'E+',
          b'null', b'true', b' ', b'\n', b'\x00', b'\xff', b'\xc3\xa9', b'"a":1', b'\xef\xbb\xbf']


def refuse(_):
    raise ValueError("not JSON")


def python_reads(text):
    """(True, value) or (False, None). Numbers stay text: their grammar is compared, not their size."""
    try:
        s = text.decode("utf-8")
        value = json.loads(s, parse_constant=refuse, parse_int=str, parse_float=str)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be encoded
        return not s.startswith("\ufeff"), value
    except (ValueError, RecursionError):
        return False, None


def is_deep(text):
    depth = deepest = 0
    for c in re.sub(rb'"(\\.|[^"\\])*"', b'', text):
        depth += (c in b'[{') - (c in b']}')
        deepest = max(deepest, depth)
    return deepest > 128


def mutate(rng, text):
    out = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at, to = sorted((rng.randint(0, len(out)), rng.randint(0, len(out))))
        kind = rng.randrange(4)
        if kind == 0:
            out[at:at] = rng.choice(PIECES)
        elif kind == 1:
            del out[at:to]
        elif kind == 2 and at < len(out):
            out[at] = rng.randrange(256)
        else:
            out[at:at] = out[at:to]
    return bytes(out)


def ours(driver, texts):
    sent = b"".join(b"%d\n%s" % (len(t), t) for t in texts)
    got = subprocess.run([driver], input=sent, capture_output=True, check=True).stdout
    out, at = [], 0
    while at < len(got):
        end = got.index(b"\n", at)
        head, at = got[at:end], end + 1
        if head == b"n":
            out.append((False, b""))
        else:
            n = int(head[1:])
            out.append((True, got[at:at + n]))
            at += n
    return out


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1000000007
    rng = random.Random(seed)
    sys.setrecursionlimit(20000)
    texts = GOOD + BAD + [b"[" * 128 + b"]" * 128]
    texts += [mutate(rng, rng.choice(GOOD if rng.random() < 0.8 else BAD)) for _ in range(20000)]
    failed = accepted = 0
    for i, (text, (is_ours, again)) in enumerate(zip(texts, ours(sys.argv[1], texts), strict=True)):
        is_python, value = python_reads(text)
        want = is_python and not is_deep(text)
        accepted += is_ours
        same = is_ours == want and (not is_ours or python_reads(again) == (True, value))
        if i < len(GOOD) + len(BAD) and want != (i < len(GOOD)):
            same = False  # the lists themselves: Python must agree with them
        if not same:
            failed += 1
            print(f"FAIL {text!r}: ours {is_ours} {again!r}, Python {is_python} {value!r}")
    print(f"{len(texts) - failed} passed, {failed} failed ({accepted} accepted, seed {seed})")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

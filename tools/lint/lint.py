#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/architecture.md and CONTRIBUTING.md that a program can check.

A line may be excused where the rule does not fit: a comment `lint: RULE: reason` on it or on the line before it.
Prints `file:line: rule: what`, exits 1 when there is any.
"""

import functools
import re
import subprocess
import sys
from pathlib import Path

import waits

ROOT = Path(__file__).resolve().parents[2]

# A folder includes only folders of lower rank; equal rank only itself and its listed neighbours.
LAYERS = [
    ["base"],
    ["os"],
    ["codec", "crypto"],
    ["store"],
    ["clock"],
    ["http"],
    ["wire"],
    ["auth"],
    ["events"],  # it runs operations through a callback, and so needs nothing of core/
    ["core"],
    ["sandbox"],
    ["front"],
    ["services"],
    ["apps"],
]
RANK = {name: i for i, names in enumerate(LAYERS) for name in names}
NEIGHBOURS = {("crypto", "codec"), ("codec", "crypto")}

# What may be called where: folder prefixes below src/; tests may call anything.
BANNED = [
    (r"time|gmtime|localtime|mktime|clock_gettime|gettimeofday|nanosleep|usleep|sleep", ("os/", "apps/")),
    (r"rand|srand|random|srandom|drand48|rand_r|getrandom|getentropy", ("os/",)),
    (r"getenv|secure_getenv|setenv|putenv|unsetenv", ("os/", "apps/")),
    (r"fork|vfork|clone|system|popen|exec[lv]p?e?|posix_spawnp?", ("os/", "apps/jail/")),
    (r"socket|bind|listen|accept4?|connect", ("os/", "apps/", "http/", "sandbox/")),
    (r"strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca", ()),
    (r"setjmp|longjmp|signal", ("os/", "apps/", "http/")),
    (
        r"malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf",
        ("base/", "os/", "store/", "crypto/", "codec/", "http/", "apps/"),
    ),
    (r"printf|puts|putchar", ("apps/",)),
]
BANNED = [(re.compile(r"(?<![\w.>])(" + names + r")\s*\("), allowed) for names, allowed in BANNED]

FUNCTION_LINES, FILE_LINES, HEADER_LINES = 100, 1500, 300
FUNCTION_AIM, FILE_AIM = 70, 1000
COMPLEXITY = 20
# McCabe's number, with a switch as one decision: a flat list of cases is easy to read, however long.
DECISION = re.compile(r"\b(?:if|for|while|switch)\b|&&|\|\||\?")

problems = []
notes = []


def strip(text):
    """The text with comments and the inside of literals blanked, line breaks kept."""
    out = []
    i, n = 0, len(text)
    while i < n:
        two = text[i : i + 2]
        if two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            out.append("".join(c if c == "\n" else " " for c in text[i:end]))
            i = end
        elif two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
            out.append(" " * (end - i))
            i = end
        elif text[i] in "\"'":
            quote, start = text[i], i
            i += 1
            while i < n and text[i] not in (quote, "\n"):
                i += 2 if text[i] == "\\" else 1
            i += 1
            out.append(quote + "".join(c if c == "\n" else " " for c in text[start + 1 : i - 1]) + quote)
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


class File:
    def __init__(self, rel, text=None):
        self.path, self.rel = ROOT / rel, rel
        self.text = self.path.read_text(encoding="utf-8", errors="replace") if text is None else text
        self.lines = self.text.split("\n")
        self.code = strip(self.text).split("\n")
        self.below = self.rel[4:] if self.rel.startswith("src/") else ""
        self.is_test = bool(re.search(r"(_test|_fuzz|_bench)\.c$|(^|/)tests?/|base/test\.h$", self.rel))

    def excused(self, rule, lineno):
        near = self.lines[max(0, lineno - 2) : lineno]
        return any(f"lint: {rule}:" in line for line in near)

    def problem(self, rule, lineno, what):
        if not self.excused(rule, lineno):
            problems.append((self.rel, lineno, rule, what))

    def functions(self):
        """(name, is_static, first line, last line) of each definition; clang-format gives them one form."""
        start = None
        for i, line in enumerate(self.code):
            if line == "{":
                start = i
            elif line == "}" and start is not None:
                first = start - 1
                while first >= 0 and not re.match(r"\w+\(", self.code[first]):
                    first -= 1
                name = re.match(r"(\w+)\(", self.code[first]) if first >= 0 else None
                head = self.code[first - 1] if first > 0 else ""
                if name:
                    yield name.group(1), bool(re.search(r"\bstatic\b", head)), first, i
                start = None


def check_spdx(f):
    if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(f.lines[:4]):
        f.problem("spdx", 1, "the first line names the licence")


def check_layers(f):
    if not f.below:
        return
    mine = f.below.split("/")[0]
    if mine not in RANK:
        f.problem("layers", 1, f"src/{mine} is not in the list of layers (tools/lint/lint.py)")
        return
    for i, line in enumerate(f.lines, 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not m or "/" not in m.group(1):
            continue
        parts = m.group(1).split("/")
        theirs = parts[0]
        if theirs not in RANK:
            continue  # generated
        if theirs == mine == "services":
            # The generated ones are allowed: the structs and rows that vg_call() takes.
            if parts[1] != f.below.split("/")[1] and parts[-1] not in ("model.h", "ops.h", "errors.h"):
                f.problem("layers", i, f"a service includes another one: {m.group(1)} (call it through the table)")
        elif theirs == mine == "apps":
            if parts[1] != f.below.split("/")[1]:
                f.problem("layers", i, f"a program includes another one: {m.group(1)}")
        elif theirs == mine or (mine, theirs) in NEIGHBOURS or f.is_test:
            continue
        elif RANK[theirs] >= RANK[mine]:
            f.problem("layers", i, f"{mine}/ includes {m.group(1)}, which is above it")
        elif f.below.startswith("apps/jail/") and theirs not in ("base", "sandbox"):
            f.problem("layers", i, f"virga-jail stands alone (base/ and the protocol only): {m.group(1)}")


def check_banned(f):
    if not f.below or f.is_test:
        return
    for i, line in enumerate(f.code, 1):
        if line.startswith("#"):
            continue
        for pattern, allowed in BANNED:
            for m in pattern.finditer(line):
                if not f.below.startswith(allowed or ("\0",)):
                    f.problem("banned", i, f"{m.group(1)}() is not for this folder")


def check_sizes(f):
    n = len(f.lines) - 1
    limit = HEADER_LINES if f.rel.endswith(".h") else FILE_LINES
    if n > limit:
        f.problem("size", 1, f"{n} lines, at most {limit}")
    elif f.rel.endswith(".c") and n > FILE_AIM:
        notes.append(f"{f.rel}: {n} lines, aim at {FILE_AIM}")
    for name, _, first, last in f.functions():
        length = last - first + 1
        if length > FUNCTION_LINES:
            f.problem("size", first + 1, f"{name}() has {length} lines, at most {FUNCTION_LINES}")
        elif length > FUNCTION_AIM and not f.is_test:
            notes.append(f"{f.rel}:{first + 1}: {name}() has {length} lines, aim at {FUNCTION_AIM}")


def check_complexity(f):
    if f.is_test:
        return
    for name, _, first, last in f.functions():
        code = [line for line in f.code[first:last] if not line.startswith("#")]
        number = 1 + sum(len(DECISION.findall(line)) for line in code)
        if number > COMPLEXITY:
            f.problem("complexity", first + 1, f"{name}() has a complexity of {number}, at most {COMPLEXITY}")


@functools.cache
def included_from_outside(folder):
    """Names of the headers of `folder` that files of other folders include."""
    here = folder.relative_to(ROOT / "src").as_posix()
    found = set()
    for path in (ROOT / "src").rglob("*.[ch]"):
        if path.parent != folder:
            found.update(re.findall(rf'#include "{here}/([^"/]+)"', path.read_text(encoding="utf-8")))
    return found


@functools.cache
def inner_declarations(folder):
    outer = included_from_outside(folder)
    return "".join(h.read_text(encoding="utf-8") for h in folder.glob("*.h") if h.name not in outer)


def check_names(f):
    if not f.below or f.is_test or f.below.startswith("apps/"):
        return
    parts = f.below.split("/")
    prefixes = ("vg_",)
    if parts[0] == "services":
        prefixes = ("vg_",) + SERVICE_PREFIXES.get(parts[1], (parts[1] + "_",))
    # What a folder shares only inside itself may have a shorter name.
    inner = inner_declarations(f.path.parent)
    for name, is_static, first, _ in f.functions():
        if not is_static and re.search(rf"\b{name}\(", inner):
            continue
        if is_static and name.startswith("vg_") and not f.rel.endswith(".h"):
            f.problem("names", first + 1, f"static {name}(): statics have plain names")
        if not is_static and not name.startswith(prefixes):
            f.problem("names", first + 1, f"{name}() begins with none of {', '.join(prefixes)}")


# A folder is a family; generated prefixes are its endpoints.
SERVICE_PREFIXES = {
    "dynamodb": ("dynamodb_", "dynamodbstreams_", "ddb_"),
    "apigateway": ("apigateway_", "apigatewayv2_", "apigw_"),
    "lambda": ("lambda_",),
}

STATE = re.compile(r"^(static\s+)?(?!const\b|inline\b|extern\b|typedef\b|struct \w+ \{|enum\b|union\b|return\b)"
                   r"(?:(?:unsigned|struct|_Atomic|atomic_\w+|volatile|_Thread_local|__thread|signed|long|\w+_t|int|char|bool|double|size_t|\w+)\s+)+"
                   r"\**\w+(\[[^\]]*\])*\s*(=[^=].*|;|,.*;)$")


def check_state(f):
    if not f.below or f.is_test or f.below.startswith("apps/") or f.rel.endswith(".h"):
        return
    opened = ""
    for i, line in enumerate(f.code, 1):
        if re.match(r"(static\s+)?(const\s+)?(struct|union|enum)\b.*\{$", line):
            opened = line
        if re.match(r"\} \w+(\[\w*\])?( = .*|;)$", line) and not re.search(r"\bconst\b", opened):
            f.problem("state", i, "file-scope mutable state")
        if re.match(r"(static\s+)?\w[\w ]*\(\*\w+\)\(.*\)( = .*)?;$", line):
            f.problem("state", i, "file-scope mutable state")
        if not line or line[0] in " \t}#{/" or "(" in line.split("=")[0] or line.endswith(":"):
            continue
        if re.search(r"\bconst\b", line.split("=")[0]):
            continue
        if "_Thread_local" in line and f.below.startswith("os/"):
            continue  # which loop a thread is
        if STATE.match(line):
            f.problem("state", i, "file-scope mutable state")


def sources():
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for rel in sorted(set(listed.stdout.split("\n"))):
        if rel and (ROOT / rel).is_file():
            yield rel


def main():
    c_files = []
    for rel in sources():
        if re.search(r"\.(c|h)$", rel):
            c_files.append(File(rel))
        elif re.search(r"\.(py|sh)$", rel) or rel in ("dev", ".ci/run"):
            check_spdx(File(rel))
    for f in c_files:
        for check in (check_spdx, check_layers, check_banned, check_sizes, check_complexity, check_names, check_state):
            check(f)
    waits.check(c_files)
    for rel, line, rule, what in problems:
        print(f"{rel}:{line}: {rule}: {what}")
    if "-v" in sys.argv:
        for note in notes:
            print(f"note: {note}")
    if problems:
        print(f"{len(problems)} problems in {len(c_files)} files", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What may wait: whoever calls it may wait too, and says so; a transaction does not wait.

A function that a header declares is marked there with VG_WAITS. Of a file's own functions the mark is found by
looking at what they call. A service's operations are declared by the generator, which marks them all. Calls
through pointers are not seen. A transaction is looked at from the call that opens it to the one that ends it, in
the order of the lines, and in every function that is handed one.
"""

import re

CALL = re.compile(r"(?<![\w.>])(\w+)\(")
HANDED = re.compile(r"\bstruct vg_tx \*(?!\*)\w+[,)]")
AUTO = re.compile(r"#define (\w+_auto_\w+) __attribute__\(\(cleanup\((\w+)\)\)\)")
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined"}


def marked(f):
    """The names that f marks: where the mark stands behind the parameters, or between type and name."""
    text = "\n".join("" if line.startswith("#") else line for line in f.code)
    names = set()
    for m in re.finditer(r"\bVG_WAITS\b", text):
        start = max(text.rfind(c, 0, m.start()) for c in ";{}")
        name = re.search(r"(\w+)\(", text[start + 1 : m.start()]) or re.match(r"[\s\w*]*?(\w+)\(", text[m.end() :])
        if name:
            names.add(name.group(1))
    return names


class Names:
    """Functions of one kind: those that others see, and each file's own."""

    def __init__(self, outer=()):
        self.outer, self.inner = set(outer), set()

    def has(self, f, name):
        return name in self.outer or (f.rel, name) in self.inner

    def add(self, function):
        """True when it was not known yet."""
        if self.has(function.file, function.name):
            return False
        if function.is_static and function.file.rel.endswith(".c"):
            self.inner.add((function.file.rel, function.name))
        else:
            self.outer.add(function.name)
        return True


class Function:
    def __init__(self, f, name, is_static, first, last):
        self.file, self.name, self.is_static, self.line = f, name, is_static, first + 1
        body = first
        while f.code[body] != "{":
            body += 1
        self.is_handed = bool(HANDED.search(" ".join(f.code[first:body])))
        self.waits_for = None
        self.steps = []  # (line, what): a name that is called or, of a declaration, used; "}" with its indentation
        for i in range(body + 1, last):
            text = f.code[i]
            if text.strip() == "}":
                self.steps.append((i + 1, text))
            elif not text.startswith("#"):
                self.steps += [(i + 1, m.group()) for m in re.finditer(r"^ +\w+_auto_\w+", text)]
                self.steps += [(i + 1, m.group(1)) for m in CALL.finditer(text) if m.group(1) not in KEYWORDS]


class Waits:
    def __init__(self, files):
        own = [f for f in files if f.below and not f.is_test]
        headers = [f for f in own if f.rel.endswith(".h")]
        self.waits = Names(name for f in headers for name in marked(f))
        # The second ends what it began only where it begins again.
        self.begins = Names({"vg_kv_begin", "logs_kv_edit"})
        self.ends = Names({"vg_tx_commit", "vg_tx_abort"})
        declared = {name for f in headers for line in f.code for name in re.findall(r"(\w+)\(", line)}
        self.functions = []
        for f in own:
            names = marked(f) if f.rel.endswith(".c") else ()
            for name, is_static, first, last in f.functions():
                function = Function(f, name, is_static, first, last)
                self.functions.append(function)
                is_generated = not is_static and name not in declared and f.below.startswith("services/")
                if name in names or is_generated:
                    self.waits.add(function)
        # Variables that end, with their block, the transaction they hold.
        autos = {macro: by for f in headers for line in f.code for macro, by in AUTO.findall(line)}
        for function in self.functions:
            if function.name in autos.values() and any(self.ends.has(function.file, n) for _, n in function.steps):
                self.ends.add(function)
        self.autos = {macro for macro, by in autos.items() if by in self.ends.outer}
        # In this order: what ends a transaction that it has not begun is known once all that begin one are.
        for learn in (self.learn_wait, self.learn_begin, self.learn_end):
            while any([learn(function) for function in self.functions]):
                pass

    # Each of these is true when something new is known of the function.

    def learn_wait(self, function):
        f = function.file
        for line, name in function.steps:
            if self.waits.has(f, name) and not f.excused("waits", line):
                if not self.waits.add(function):
                    return False
                function.waits_for = name
                return True
        return False

    def learn_begin(self, function):
        order = self.order(function)
        return bool(order) and order[-1] and self.begins.add(function)

    def learn_end(self, function):
        order = self.order(function)
        return bool(order) and not any(order) and self.ends.add(function)

    def order(self, function):
        """[True where one is begun, False where one is ended], if that is not a matter of the function alone."""
        f = function.file
        if function.is_handed or any(what.strip() in self.autos for _, what in function.steps):
            return []
        both = [(self.begins.has(f, name), self.ends.has(f, name)) for _, name in function.steps]
        return [begins for begins, ends in both if begins or ends]

    def check(self, function):
        f = function.file
        if function.waits_for and not function.is_static and not f.below.startswith("apps/"):
            f.problem("waits", function.line, f"{function.name}() calls {function.waits_for}() and so is VG_WAITS too")
        is_open, block = function.is_handed, 0
        for line, what in function.steps:
            indent = len(what) - len(what.lstrip())
            if what.strip() in self.autos:
                block = indent
            elif what.strip() == "}" and indent < block:
                is_open, block = function.is_handed, 0
            elif self.begins.has(f, what):
                is_open = True
            elif self.ends.has(f, what):
                is_open = False
            elif is_open and self.waits.has(f, what):
                f.problem("waits", line, f"{function.name}() calls {what}(), which may wait, inside a transaction")


def check(files):
    known = Waits(files)
    for function in known.functions:
        known.check(function)

# SPDX-License-Identifier: Apache-2.0
"""bench/RESULTS.md as text: what was measured now, beside what earlier runs left in it, also on other machines."""

import re

TARGETS = "## Against the targets"
HEAD = (
    "By `./dev bench` on {}. Each peer ran on the same machine right before or after Virga,"
    " the load generator beside both. What the peers are: docs/dependencies.md."
)


def parts(text):
    """The parts of a report by their headings, each with its heading, in their order."""
    found = {}
    for one in re.split(r"^(?=## )", text, flags=re.M)[1:]:
        found[one.split("\n", 1)[0]] = one.strip()
    return found


def machine_of(text):
    found = re.search(r"^By `\./dev bench` on (.*?)\. Each peer", text, flags=re.M)
    return found.group(1) if found else None


def say_where(part, machine):
    """A part that was measured on another machine than the report's names that."""
    return re.sub(r"^<sub>measured (?!.* on )(.*)</sub>$", rf"<sub>measured \1 on {machine}</sub>", part, flags=re.M)


def row(what, target, measured="", verdict="not measured"):
    return f"| {what} | {target} | {measured} | {verdict} |"


def targets(old, rows):
    """`rows`: (what, target, what was measured and the verdict, or None). Without them the old row stays as it is."""
    lines = [TARGETS, "", "| | target | measured | |", "| --- | --- | ---: | --- |"]
    for what, target, new in rows:
        kept = next((x for x in old.splitlines() if x.startswith(f"| {what} | {target} |")), None)
        if new is not None:
            lines.append(row(what, target, *new))
        else:
            lines.append(kept or row(what, target))
    return "\n".join(lines)


def merge(old, machine, rows, sections, notes):
    """The new report. `sections` take the places of those in `old` that have their headings, or come behind them."""
    had, new = parts(old), parts("\n".join(sections))
    kept_targets = had.pop(TARGETS, "")
    for heading in parts(notes):
        had.pop(heading, None)
    where = machine_of(old)
    if where not in (None, machine):
        had = {heading: say_where(part, where) for heading, part in had.items()}
    blocks = ["# Measurements", HEAD.format(machine), targets(kept_targets, rows), *(had | new).values(), notes.strip()]
    return "\n\n".join(b for b in blocks if b) + "\n"

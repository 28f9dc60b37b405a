# SPDX-License-Identifier: GPL-2.0
"""The lists of what no test reaches: mutants.txt and coverage.txt."""


def read_kept(path):
    """Return names, each with the reason that is indented below it."""
    kept, name = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("fixup_"):
            name = line
            kept[name] = ""
        elif line.startswith("\t") and name:
            kept[name] += line.strip() + " "
        elif line:
            name = None
    return kept

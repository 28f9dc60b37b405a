#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge what lcov has counted: coverage.py INFO KEPT

Prints a table, and each line that was not run and each branch that was not taken. The
kept file names them by file and text of the line, each with a reason indented below it.
Fails if one is not there, or if less than 95 % of the branches were taken.
"""

import pathlib
import sys

from kept import read_kept

BRANCHES = 95


def percent(part, whole):
    return f"{part:4d} of {whole:4d}  {100 * part / max(whole, 1):5.1f} %"


def main(info, kept_path):
    files, left = {}, []
    for line in pathlib.Path(info).read_text().splitlines():
        what, _, rest = line.partition(":")
        fields = rest.split(",")
        if what == "SF":
            source = pathlib.Path(rest)
            text = source.read_text().splitlines()
            count = files.setdefault(source.name, [0, 0, 0, 0])
        elif what == "DA":
            count[1] += 1
            count[0] += fields[1] != "0"
            if fields[1] == "0":
                left.append((source.name, int(fields[0]), "line", text[int(fields[0]) - 1]))
        elif what == "BRDA":
            count[3] += 1
            count[2] += fields[3] not in {"0", "-"}
            if fields[3] in {"0", "-"}:
                left.append((source.name, int(fields[0]), "branch", text[int(fields[0]) - 1]))

    print(f"{'file':16}  {'lines':>20}  {'branches':>21}")
    total = [sum(column) for column in zip(*files.values())]
    for name, (lines, all_lines, branches, all_branches) in [*files.items(), ("all", total)]:
        print(f"{name:16}  {percent(lines, all_lines)}  {percent(branches, all_branches)}")

    status = 0
    kept = read_kept(pathlib.Path(kept_path))
    seen = set()
    for name, number, what, text in left:
        key = f"{name}: {what}: {text.strip()}"
        seen.add(key)
        print(f"not run: {name}:{number}: {what}: {text.strip()}: "
              f"{kept.get(key) or 'and nothing says why'}")
        status |= not kept.get(key)
    for key in kept.keys() - seen:
        print(f"was run, but the kept file has it: {key}")
        status = 1
    if total[2] * 100 < BRANCHES * total[3]:
        print(f"fewer than {BRANCHES} % of the branches were taken")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge what lcov has counted: coverage.py INFO KEPT

Prints each line that was not run and each branch that was not taken. The kept file names
them by file and text of the line, each with a reason indented below it. Fails if one is
not there, or if less than 95 % of the branches were taken.
"""

import pathlib
import sys

from kept import read_kept

BRANCHES = 95
KINDS = {"DA": "line", "BRDA": "branch"}


def main(info, kept_path):
    kept, status = read_kept(pathlib.Path(kept_path)), 0
    stale, taken = set(kept), []
    for record in pathlib.Path(info).read_text().splitlines():
        what, _, rest = record.partition(":")
        if what == "SF":
            source = pathlib.Path(rest)
            text = source.read_text().splitlines()
        if what not in KINDS:
            continue
        number, *_, count = rest.split(",")
        run = count not in {"0", "-"}
        if what == "BRDA":
            taken.append(run)
        if not run:
            line = f"{KINDS[what]}: {text[int(number) - 1].strip()}"
            reason = kept.get(f"{source.name}: {line}")
            stale.discard(f"{source.name}: {line}")
            print(f"not run: {source.name}:{number}: {line}: {reason or 'and nothing says why'}")
            status |= not reason

    for key in sorted(stale):
        print(f"was run, but the kept file has it: {key}")
        status = 1
    if sum(taken) * 100 < BRANCHES * len(taken):
        print(f"fewer than {BRANCHES} % of the branches were taken")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

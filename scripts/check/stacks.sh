#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make stacks: write the guide's table of stacks, Documentation/admin-guide/stacks.txt, from
# the results of the last make check or check-all.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

[ -n "$(find "$BUILD/check" -name stack 2>/dev/null)" ] ||
	die "there are no results of a dom0 in $BUILD/check: run make check-all first"

# rows: NAME|Xen|Linux|QEMU, which each job leaves in its file "stack", |PART|PASSED|FAILED
rows() {
	local stack part passed failed
	for stack in "$BUILD"/check/*/stack; do
		[ -s "$stack" ] || continue	# still running
		part=${stack%/stack}
		passed=$(cat "$part"/*.tap | grep -c '^ok ') || :
		failed=$(cat "$part"/*.tap | grep -c '^not ok ') || :
		echo "$(head -n 1 "$stack")|${part##*/}|$passed|$failed"
	done | sort
}

{
	cat <<'END'
.. SPDX-License-Identifier: GPL-2.0
.. Made by "make stacks" from the results of "make check-all": do not edit.

.. list-table::
   :header-rows: 1

   * - Stack
     - Xen
     - dom0's Linux
     - QEMU
     - What was run: tests passed, failed
END
	rows | awk -F '|' '
		{
			row = "   * - " $1 "\n     - " $2 "\n     - " $3 "\n     - " $4 "\n     - "
			printf "%s%s: %s, %s", row == last ? "; " : end row, $5, $6, $7
			last = row
			end = "\n"
		}
		END { print "" }'
} >"$TOP/Documentation/admin-guide/stacks.txt"
say "written: Documentation/admin-guide/stacks.txt"

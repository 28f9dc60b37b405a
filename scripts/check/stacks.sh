#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make stacks: the guide's table of what was run on which stack, from the results of the
# last make check or check-all in build/check, into Documentation/admin-guide/stacks.txt.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

[ -n "$(find "$BUILD/check" -name stack 2>/dev/null)" ] ||
	die "there are no results of dom0s in $BUILD/check: run make check-all first"

# Each job leaves a file "stack": NAME|Xen|Linux|QEMU. A row is for one dom0.
rows() {
	local stack part passed failed
	for stack in "$BUILD"/check/*/stack; do
		[ -s "$stack" ] || continue	# it is being run
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
		function show() { if (row != "") print row "\n     - " what }
		{
			key = $1 "|" $2 "|" $3 "|" $4
			if (key != last) {
				show()
				row = "   * - " $1 "\n     - " $2 "\n     - " $3 "\n     - " $4
				what = ""
			}
			last = key
			what = what (what == "" ? "" : "; ") $5 ": " $6 ", " $7
		}
		END { show() }'
} >"$TOP/Documentation/admin-guide/stacks.txt"
say "written: Documentation/admin-guide/stacks.txt"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make demo: what real guests see of a passed-through endpoint, with the
# overlay off and on. Exits 0 only if every row is as it must be.
#   demo.sh [JOB]
. "$(dirname "$0")/boot.sh"

series=${KERNEL:-latest}
need "${RIG_PACKAGES[@]}"
mkdir -p "$BUILD"
status=0
# errexit is off in a condition, but not in a process of its own.
(job "$series" "${1:-four-guests}") >"$BUILD/demo.tap" || status=1
say "done"
[ -s "$BUILD/demo.tap" ] || exit 1

# Each test is a row: "ok NUMBER - GUEST OVERLAY REGISTER VERDICT NAME"
awk '
	function row(a, b, c, d, e, f) { printf "%-5s  %-7s  %-8s  %-37s  %-13s  %s\n", a, b, c, d, e, f }
	BEGIN { print ""; row("Guest", "Overlay", "Register", "Guest'"'"'s kernel calls it", "Windows'"'"' rule", "As it must be") }
	/^# it is / { sub(/.*but must be /, ""); want = $0 }
	/ - (PV|HVM) / {
		good = /^ok/ ? "yes" : "NO, but: " want
		sub(/.* - /, "")
		name = $5
		for (i = 6; i <= NF; i++) name = name " " $i
		row($1, $2, $3, name, $4, good)
	}
	/^ok .* - hvm-/ { sub(/.* - /, ""); also = also $0 "\n" }
	END { print ""; if (also) print also }' "$BUILD/demo.tap"
if [ $status = 0 ]; then
	echo "By the rule that Windows is known to apply, a guest with a PCIe-aware chipset (Q35) would"
	echo "reject the device as it is (Code 10), and accept it with the overlay on. No Windows was run."
else
	grep '^not ok' "$BUILD/demo.tap" || :
fi
exit $status

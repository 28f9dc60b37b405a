#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check, check-all, check-stress: run the parts that parts.mk lists for it, two at a
# time, and judge their results.
#   check.sh check|check-all|check-stress
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

need perl procps	# prove and pkill
wait_lock "$BUILD/check.lock" "the folder $BUILD/check"
out=$BUILD/check
rm -rf "$out"
for part in $(make -s -f "$CHECKS/parts.mk" names SET="$1"); do
	mkdir -p "$out/$part"
	# part.sh replaces this result at its end.
	(ktap_test_fail "was not run to its end"; ktap_finished) >"$out/$part/end.tap" || :
done
[ -d "$out" ] || die "parts.mk has no parts for $1"

# The parts run in a session of their own, which end_parts ends. A process group is not
# enough: timeout creates its own.
setsid "${MAKE:-make}" --no-print-directory -k -j2 -f "$CHECKS/parts.mk" "$1" &
parts=$!
# More than once: a part may be starting processes.
end_parts() {
	local signal
	for signal in TERM TERM TERM TERM TERM KILL; do
		pkill -$signal -s $parts || break
		sleep 1
	done
}
trap end_parts EXIT
trap 'exit 1' INT TERM HUP
status=0
wait $parts || status=$?
[ $status = 0 ] || echo "error: not all parts were run: make ended with status $status" >&2
"$CHECKS/judge.sh" "$out" && exit $status

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-gates: what judges the tests must fail when it should. Each gate is given
# something broken. Prints a line "ok - NAME" or "not ok - NAME" for each.
. "$(dirname "$0")/machine.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

fails() { # NAME COMMAND...: passes if the command fails
	local name=$1
	shift
	if ("$@") >"$tmp/out" 2>&1; then
		sed 's/^/# /' "$tmp/out"
		echo "not ok - $name"
		bad=1
	else
		echo "ok - $name"
	fi
}

passes() { # NAME COMMAND...
	local name=$1
	shift
	if ("$@") >"$tmp/out" 2>&1; then
		echo "ok - $name"
	else
		sed 's/^/# /' "$tmp/out"
		echo "not ok - $name"
		bad=1
	fi
}

# The logs of Xen and dom0
printf '%s\n' 'a line' 'another' >"$tmp/good"
: >"$tmp/empty"
echo 'WARNING: CPU: 0 PID: 1 at kernel/x.c:1' >"$tmp/splat"
passes "clean_log: a clean log" clean_log "$tmp/good"
fails "clean_log: a missing file" clean_log "$tmp/none"
fails "clean_log: an empty file" clean_log "$tmp/empty"
fails "clean_log: a warning" clean_log "$tmp/splat"

# A test's plan, as dom0 judges it
plan() { (. "$QEMU_DIR/dom0/lib.sh"; kept_its_plan "$1"); }
printf '%s\n' '1..2' 'ok 1 - a' 'ok 2 - b' '# Totals: pass:2' >"$tmp/kept"
printf '%s\n' '1..3' 'ok 1 - a' 'ok 2 - b' '# Totals: pass:2' >"$tmp/fewer"
printf '%s\n' '1..2' 'ok 1 - a' 'ok 2 - b' >"$tmp/died"
printf '%s\n' '1..2' 'ok 1 - a' 'ok 2 - b # SKIP no' '# Totals: pass:1' >"$tmp/skipped"
printf '%s\n' '1..0 # SKIP no device' >"$tmp/all-skipped"
passes "a test that runs what it plans" plan "$tmp/kept"
fails "a test that plans 3 and runs 2" plan "$tmp/fewer"
fails "a test that dies after its last line" plan "$tmp/died"
fails "a test that skips" plan "$tmp/skipped"
fails "a test that skips all" plan "$tmp/all-skipped"

# The cost table: a figure for each name that it asks for
table() { awk -v short=yes -f "$QEMU_DIR/../bench/table.awk" "$1"; }
for name in dom0-{flags,vendor,neighbour,other-bus}-{without,on} dom0-flags-off; do
	echo "$name 5000"
done >"$tmp/values"
for name in bus-{changed,passed}{,-256-functions,-64-buses} write-1 write-0 bytes-bus; do
	echo "$name 20"
done >>"$tmp/values"
echo "bus-other-bus 0.00" >>"$tmp/values"
passes "cost: all figures in their bounds" table "$tmp/values"
grep -v dom0-vendor-on "$tmp/values" >"$tmp/missing"
fails "cost: a figure is missing" table "$tmp/missing"
sed 's/^write-1 .*/write-1 /' "$tmp/values" >"$tmp/blank"
fails "cost: a figure is empty" table "$tmp/blank"
sed 's/^dom0-vendor-on .*/dom0-vendor-on 6000/' "$tmp/values" >"$tmp/high"
fails "cost: a figure out of its bound" table "$tmp/high"

# KUnit, by the kernel's own parser
kunit() { python3 "$(build_source 6.12)/tools/testing/kunit/kunit.py" parse "$1"; }
suite() { # LINE...: the log of a kernel with one suite
	printf '%s\n' 'KTAP version 1' '1..1' '    KTAP version 1' '    # Subtest: s' \
		'    1..1' "$@"
}
suite '    ok 1 a' 'ok 1 s' >"$tmp/kunit-good"
suite '    not ok 1 a' 'not ok 1 s' >"$tmp/kunit-bad"
suite >"$tmp/kunit-none"
passes "kunit: a case that passes" kunit "$tmp/kunit-good"
fails "kunit: a case that fails" kunit "$tmp/kunit-bad"
fails "kunit: no case" kunit "$tmp/kunit-none"
fails "kunit: no log of it" kunit "$tmp/good"

# check.sh: a queue that dies is noticed, and ends with check.sh. Its parts here sleep.
queue() {
	sed -e '/^"\$QEMU_DIR\/deps.sh"/d' -e '/^# What several parts use/,/^build_source/d' \
		-e 's|^\tpart \([a-z0-9.-]*\) .*|\tpart \1 sleep 97531|' \
		-e '/^for series in/,/^done/d' "$QEMU_DIR/check.sh" >"$QEMU_DIR/.gates-check.sh"
	BUILD=$tmp bash "$QEMU_DIR/.gates-check.sh" >"$tmp/queue" 2>&1 &
	check=$!
	for _ in {1..50}; do pgrep -f 'sleep 97531' >/dev/null && break; sleep 0.2; done
}
no_part_left() { for _ in {1..50}; do pgrep -f 'sleep 97531' >/dev/null || return 0; sleep 0.2; done; return 1; }
ends_within() { for ((n = 0; n < $2 * 5; n++)); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.2; done; return 1; }

queue
kill -TERM $check
passes "check.sh: SIGTERM ends it" ends_within $check 10
passes "check.sh: ... and its parts" no_part_left
queue
pkill -f -P $check gates-check.sh
passes "check.sh: it does not wait for a queue that died" ends_within $check 60
passes "check.sh: ... and says so" grep -q "the queue is gone" "$tmp/queue"
pkill -f 'sleep 97531' || :
rm -f "$QEMU_DIR/.gates-check.sh"
exit $bad

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-stress: the long forms of the tests that look for faults: KUnit with
# KASAN, the fuzzer, and dom0s with Debian's kernel and with the debug kernel.
. "$(dirname "$0")/machine.sh"

out=$BUILD/stress
rm -rf "$out"
mkdir -p "$out"
"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" \
	"linux-headers-$(kver 6.12)"

dom0() { CPUS=2 job "$1" stress; } # SERIES

# part NAME COMMAND...: run it, its results into a file
part() {
	local name=$1 status=0
	shift
	("$@") >"$out/$name" 2> >(sed -u "s/^/$name: /" >&2) || status=1
	[ $status = 0 ] || echo "not ok - $name" >>"$out/$name"
}

{
	part kunit env TOGGLES=100000 "$QEMU_DIR/kunit.sh"
	part dom0-debug dom0 debug
} &
{
	part dom0-6.12 dom0 6.12
	part fuzz "$QEMU_DIR/fuzz.sh"
} &
trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
wait

for name in kunit fuzz dom0-6.12 dom0-debug; do
	grep -E '^(not )?ok |^# .*(times|reads|writes|cycles|allocations|inputs|toggles|bytes|the guest)' \
		"$out/$name" | grep -v '^# .*echo' | sed "s/^\(# \|ok - \|not ok - \)/\1$name: /"
done
passed=$(cat "$out"/* | grep '^ok ' | grep -vc '# SKIP') || :
failed=$(cat "$out"/* | grep -c '^not ok ') || :
skipped=$(cat "$out"/* | grep -c "# SKIP") || :
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$skipped" = 0 ]

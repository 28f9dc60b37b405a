#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench: count what the module costs in dom0 and on a simulated bus, in instructions.
# QEMU's -icount makes the machines' clocks count them, so the figures are the same on
# every machine and in every run. Fails if a figure is out of its bound.
#   bench.sh         prints a table, which is kept in build/bench/cost.txt
#   bench.sh --tap   prints TAP, for make check
. "$(dirname "$0")/../../../tools/testing/selftests/pciback_fixup/rig/boot.sh"

cost=$CHECKS/cost
out=$BUILD/bench
rm -rf "$out"
mkdir -p "$out"
need "${RIG_PACKAGES[@]}"
MORE_ARGS=(-icount "shift=0,sleep=off")

simulated_bus() {
	local kernel modules dir=$out/bus
	kernel=$(build_kernel latest)
	modules=$(build_bus_modules "$(cat "$kernel/kver")")
	mkdir -p "$dir"
	bare_initrd "$dir" "$cost/init" "$modules"/*.ko
	say "reading on a simulated bus"
	boot_bare "$kernel" "$dir" 120 "" -m 512 "${MORE_ARGS[@]}"
	grep -q "bench: end 0" "$dir/console.log" || die "nothing was counted; see $dir/console.log"
	tr -d '\r' <"$dir/console.log" | sed -n 's/^\[[ 0-9.]*\] bench: \([a-z].*\)/bus-\1/p'
}

run_job latest count-reads >"$out/dom0"
{ simulated_bus; sed -n 's/^bench //p' "$out/dom0"; } >"$out/values"
awk -f "$cost/table.awk" "$out/values" >"$out/table" || failed=1
if [ "${1-}" = --tap ]; then
	while read -r verdict what; do
		"ktap_test_$verdict" "$what"
	done < <(awk -F '\t' 'NR > 1 { print ($6 == "yes" ? "pass " : "fail ") $1 ": " $4 ", at most " $5 }' "$out/table"
		sed -nE 's/^test ok [0-9]+ - /pass /p; s/^test not ok [0-9]+ - /fail /p' "$out/dom0")
	ktap_finished
fi
column -t -s $'\t' -o '  ' "$out/table" | sed 's| *$||' | tee "$out/cost.txt"
exit "${failed:-0}"

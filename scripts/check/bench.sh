#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench: what the module costs, in instructions. QEMU's -icount makes the
# machines' clocks count them, so the figures are the same on every machine and
# in every run, but for some thousandths in guests. Prints a table, and draws it;
# fails if a figure is out of its bound.
#   bench.sh          all of it; the results are in build/bench
#   bench.sh --short  what needs no guest, as TAP for make check
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/boot.sh"

cost=$RIG/cost
out=$BUILD/bench
short=
[ "${1-}" != --short ] || short=yes
rm -rf "$out"
mkdir -p "$out"
need "${RIG_PACKAGES[@]}"
[ -n "$short" ] || need gnuplot-nox
COUNTED=(-icount "shift=0,sleep=off")

# The simulated bus: our file and the counting in a module, in Debian's kernel
BENCH_FILES=("$cost"/{simulated_bus.c,Makefile} "$MODULE_DIR"/fixup_bus.[ch]
	"$MODULE_DIR/fixup_overlay.h")
fill_bench_module() { # KVER ROOT DIR
	cp "${BENCH_FILES[@]}" "$3/"
	run_logged "$BUILD/log/bench-module.log" make_module "$2" "$1" "$3"
	find "$3" -mindepth 1 -not -name fixup_bench.ko -delete
}

# simulated_bus QEMU_ARGUMENT...: run it
simulated_bus() {
	local kernel compiler kver module dir=$out/bus
	kernel=$(build_kernel latest)
	compiler=$(build_compiler)
	kver=$(cat "$kernel/kver")
	module=$(KEY=$(cat "${BENCH_FILES[@]}") cached "bench-$kver" \
		fill_bench_module "$kver" "$compiler/root")
	mkdir -p "$dir"
	bare_initrd "$dir" "$cost/init" "$module/fixup_bench.ko"
	say "reading on a simulated bus"
	boot_bare "$kernel" "$dir" 120 "" -m 512 "$@"
	grep -q "bench: end 0" "$dir/console.log" || die "nothing was counted; see $dir/console.log"
	tr -d '\r' <"$dir/console.log" | sed -n 's/^\[[ 0-9.]*\] bench: \([a-z].*\)/bus-\1/p'
}

# real_bus [GUEST+...]: in dom0 and in guests
real_bus() {
	MORE_ARGS=("${COUNTED[@]}")
	# Or Xen leaves each of the two domains running for a millisecond.
	XEN_ARGS="sched_ratelimit_us=0"
	DOM0_ARGS="rig.guests=${1-}"
	run_job latest count-reads | sed -n 's/^bench //p'
}

simulated_bus "${COUNTED[@]}" >"$out/values"
if [ -n "$short" ]; then
	real_bus >>"$out/values"
else
	real_bus pv+hvm >>"$out/values"
	# In time, not in instructions: QEMU counts those on one CPU after the other.
	simulated_bus -smp 2 >>"$out/values"
fi

awk -v short="$short" -f "$cost/table.awk" "$out/values" >"$out/table" || failed=1
if [ -n "$short" ]; then
	while read -r status what; do
		result "$status" "$what"
	done < <(awk -F '\t' 'NR > 1 { printf "%d %s: %s, at most %s\n", $6 != "yes", $1, $4, $5 }' "$out/table")
	finish
fi
column -t -s $'\t' -o '  ' "$out/table" | sed 's| *$||' | tee "$out/cost.txt"
gnuplot -e "table='$out/table'; out='$out/cost.svg'" "$cost/plot.gp"
say "the table and its picture are in $out: cost.txt and cost.svg"
exit "${failed:-0}"

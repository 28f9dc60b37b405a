#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench: what the module costs, in instructions. QEMU's -icount makes the
# machines' clocks count them, so the figures are the same on every machine and
# in every run, but for some thousandths in guests. Prints a table, and draws it;
# fails if a figure is out of its bound.
#   bench.sh          all of it; the results are in build/bench
#   bench.sh --short  what needs no guest, as "ok - NAME" lines for make check
. "$(dirname "$0")/machine.sh"

bench=$QEMU_DIR/../bench
out=$BUILD/bench
short=
[ "${1-}" != --short ] || short=yes
rm -rf "$out"
mkdir -p "$out"
"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}"
kver=$(kver 6.12)
"$QEMU_DIR/deps.sh" "linux-headers-$kver"
[ -n "$short" ] || "$QEMU_DIR/deps.sh" gnuplot-nox
COUNTED=(-icount "shift=0,sleep=off")

# The simulated bus: our file and the counting in a module, in Debian's kernel
BENCH_FILES=("$bench"/{bench.c,Makefile} "$MODULE_DIR"/fixup_bus.[ch]
	"$MODULE_DIR/fixup_overlay.h")
fill_bench_module() {
	local dir=$2
	cp "${BENCH_FILES[@]}" "$dir/"
	run_logged "$BUILD/log/bench-module.log" make -C "/lib/modules/$1/build" M="$dir" modules
	find "$dir" -mindepth 1 -not -name fixup_bench.ko -delete
}

# simulated_bus QEMU_ARGUMENT...: run it
simulated_bus() {
	local kernel busybox module dir=$out/bus
	kernel=$(build_kernel 6.12)
	busybox=$(build_busybox)
	module=$(cached "bench-$kver" "$(key "${BENCH_FILES[@]}")" \
		fill_bench_module "$kver")
	mkdir -p "$dir"/{bin,dev,proc,sys}
	cp "$busybox/busybox" "$dir/bin/"
	cp "$module/fixup_bench.ko" "$dir/"
	printf '%s\n' '#!/bin/busybox sh' '/bin/busybox insmod /fixup_bench.ko' \
		'/bin/busybox reboot -f' >"$dir/init"
	chmod +x "$dir/init"
	cpio_of "$dir" >"$out/bus.gz"
	say "reading on a simulated bus"
	timeout 120 qemu-system-x86_64 -machine q35,accel=tcg -cpu qemu64 \
		"$@" -m 512 -display none -no-reboot -nic none \
		-kernel "$kernel/vmlinuz" -initrd "$out/bus.gz" \
		-append "console=ttyS0 panic=-1" -serial "file:$out/bus.log" \
		</dev/null >"$out/qemu.log" 2>&1 || :
	grep -q "bench: end 0" "$out/bus.log" || die "nothing was counted; see $out/bus.log"
	tr -d '\r' <"$out/bus.log" | sed -n 's/^\[[ 0-9.]*\] bench: \([a-z].*\)/bus-\1/p'
}

# real_bus [GUEST+...]: in dom0 and in guests
real_bus() {
	MORE_ARGS=("${COUNTED[@]}")
	# Or Xen leaves each of the two domains running for a millisecond.
	XEN_ARGS="sched_ratelimit_us=0"
	DOM0_ARGS="rig.guests=${1-}"
	run_job 6.12 bench | sed -n 's/^bench //p'
}

simulated_bus "${COUNTED[@]}" >"$out/values"
if [ -n "$short" ]; then
	real_bus >>"$out/values"
else
	real_bus pv+hvm >>"$out/values"
	# In time, not in instructions: QEMU counts those on one CPU after the other.
	simulated_bus -smp 2 >>"$out/values"
fi

awk -v short="$short" -f "$bench/table.awk" "$out/values" >"$out/table" || status=1
if [ -n "$short" ]; then
	awk -F '\t' 'NR > 1 { printf "%s - %s: %s, at most %s\n", $6 == "yes" ? "ok" : "not ok", $1, $4, $5 }' "$out/table"
	exit "${status:-0}"
fi
column -t -s $'\t' -o '  ' "$out/table" | sed 's| *$||' | tee "$out/cost.txt"
gnuplot -e "table='$out/table'; out='$out/cost.svg'" "$bench/plot.gp"
say "the table and its picture are in $out: cost.txt and cost.svg"
exit "${status:-0}"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the KUnit suites in a debug kernel, booted bare: a Xen dom0 cannot have
# KASAN. Prints a line "ok - NAME" or "not ok - NAME" for each case.
#   kunit.sh kasan   out-of-bounds, use-after-free, locks, leaks (the default)
#   kunit.sh kcsan   data races
#   TOGGLES=N        how often the overlay is switched while it is read (10000)
. "$(dirname "$0")/machine.sh"
sanitizer=${1:-kasan}
toggles=${TOGGLES:-10000}
limit=$((240 + toggles / 100))

"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"
kernel=$(build_debug_kernel kunit "$sanitizer")
busybox=$(build_busybox)
dir=$BUILD/run/kunit-$sanitizer
rm -rf "$dir"
mkdir -p "$dir/tree"/{bin,dev,proc,sys}
cp "$busybox/busybox" "$dir/tree/bin/"
cp "$QEMU_DIR/kunit/init" "$dir/tree/"
cpio_of "$dir/tree" >"$dir/initrd.gz"
rm -rf "$dir/tree"

say "booting the debug kernel"
# One CPU a socket: without ACPI, Linux finds them in the MP table.
timeout "$limit" qemu-system-x86_64 -machine q35,accel=tcg -cpu qemu64 \
	-smp 2,sockets=2 -m 384 -display none -no-reboot -nic none \
	-kernel "$kernel/vmlinuz" -initrd "$dir/initrd.gz" \
	-append "console=ttyS0 panic=-1 xen_pciback_fixup.toggles=$toggles" \
	-serial "file:$dir/console.log" </dev/null >"$dir/qemu.log" 2>&1 || :
grep -q "rig: done" "$dir/console.log" ||
	give_up "$dir" "the debug kernel did not come to its end in $limit s"

# Cases are KTAP, one level below their suites.
log=$dir/kernel.log
tr -d '\r' <"$dir/console.log" | sed 's/^\[[ 0-9.]*\] //' >"$log"
sed -nE 's/^    (not )?ok [0-9]+ ([a-z].*)/\1ok - \2/p; s/^ *# [a-z_]+: ([0-9]+ toggles)/# \1/p' "$log"

# The kernel's own parser judges: a case that failed, a plan that was not kept, and no
# case at all are failures.
run_logged "$dir/kunit.py.log" python3 "$(build_source 6.12)/tools/testing/kunit/kunit.py" \
	parse "$log"
[ "$(grep -cE '^ok [0-9]+ pciback-fixup-' "$log")" = \
	"$(grep -c '^static struct kunit_suite' "$MODULE_DIR/fixup_test.c")" ] ||
	die "not all suites were run, see $log"

# split_races: print the reports of data races that name our functions, and how
# many others there are; all else of the log goes to standard error. Reports are
# between lines of "=". Not ours is that the PCI core stores bus->ops under a lock
# which its readers, and ours in their place, do not take.
split_races() {
	awk '
		/^=+$/ && !report { report = $0; next }
		/^=+$/ {
			if (report ~ /data-race in pci_bus_set_ops \/ toggle_reader/) ops++
			else if (report ~ /fixup_/) { print report; ours++ }
			else others++
			report = ""
			next
		}
		report { report = report "\n" $0; next }
		{ print >"/dev/stderr" }
		END {
			printf "# data races: %d of readers of bus->ops, %d others of the kernel, %d with our functions\n",
				ops, others, ours
			exit ours > 0
		}'
}

if [ "$sanitizer" = kcsan ]; then
	grep -q "kcsan: enabled" "$log" || die "KCSAN was not enabled"
	split_races <"$log" 2>"$log.rest" || die "there are data races"
	echo "ok - no data race with our functions"
	log=$log.rest
fi
clean_log "$log"
echo "ok - no splat, no leak in the log"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the KUnit suites in a kernel with KASAN, lockdep and kmemleak, booted bare:
# a Xen dom0 cannot have KASAN. Prints a line "ok - NAME" or "not ok - NAME" for
# each case.
. "$(dirname "$0")/machine.sh"

"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"
kernel=$(build_debug_kernel kunit-kasan)
busybox=$(build_busybox)
dir=$BUILD/run/kunit
rm -rf "$dir"
mkdir -p "$dir/tree"/{bin,dev,proc,sys}
cp "$busybox/busybox" "$dir/tree/bin/"
cp "$QEMU_DIR/kunit/init" "$dir/tree/"
cpio_of "$dir/tree" >"$dir/initrd.gz"
rm -rf "$dir/tree"

say "booting the debug kernel"
# One CPU a socket: without ACPI, Linux finds them in the MP table.
timeout 240 qemu-system-x86_64 -machine q35,accel=tcg -cpu qemu64 \
	-smp 2,sockets=2 -m 384 -display none -no-reboot -nic none \
	-kernel "$kernel/vmlinuz" -initrd "$dir/initrd.gz" \
	-append "console=ttyS0 panic=-1" -serial "file:$dir/console.log" \
	</dev/null >"$dir/qemu.log" 2>&1 || :
grep -q "rig: done" "$dir/console.log" ||
	give_up "$dir" "the debug kernel did not come to its end in 240 s"

# Cases are KTAP, one level below their suites.
tr -d '\r' <"$dir/console.log" | sed 's/^\[[ 0-9.]*\] //' |
	sed -nE 's/^    (not )?ok [0-9]+ ([a-z].*)/\1ok - \2/p'
clean_log "$dir/console.log"
echo "ok - no splat, no leak in the log"

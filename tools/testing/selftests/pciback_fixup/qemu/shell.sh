#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make shell: the test machine's dom0, interactively.
. "$(dirname "$0")/machine.sh"

series=${KERNEL:-6.12}
"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}"
"$QEMU_DIR/deps.sh" "linux-headers-$(kver "$series")"
boot_args "$series" shell "$BUILD/run/shell"
say "booting; leave with exit, or end the machine with ctrl-a x"
cd "$BUILD/run/shell"
exec qemu-system-x86_64 "${QEMU_ARGS[@]}" -serial mon:stdio 2>qemu.log

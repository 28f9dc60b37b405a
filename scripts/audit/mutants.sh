#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make mutants: mutate the module in many small ways, and see that a KUnit case notices
# each. mutants.txt lists those that no test can notice, with the reasons.
#   ONLY=REGEX   mutations whose names match
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" "${COMPILER_PACKAGES[@]}"
kernel=$(build_debug_kernel kunit kasan mutants)
out=$BUILD/run/$STACK/mutants
wait_lock "$out.lock" "$out"
rm -rf "$out"
mkdir -p "$out/logs" "$out/tree"/{bin,dev,modules,proc,sys,tmp}
cp "$(build_root)/busybox" "$out/tree/bin/"
cp "$AUDITS/init" "$out/tree/init"
python3 -B "$AUDITS/mutants.py" "$MODULE_DIR" "$kernel" "$out/tree" "$out" "${ONLY-}" |
	tee "$out/table"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make mutants: mutate the module in many small ways, and see that a KUnit case notices
# each. What survives stands in Documentation/mutants.txt, with the reason.
#   ONLY=REGEX    mutations whose names match
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"
kernel=$(build_debug_kernel kunit kasan mutants)
busybox=$(build_busybox)
out=$BUILD/run/mutants
rm -rf "$out"
mkdir -p "$out/tree"/{bin,dev,proc,sys}
cp "$busybox/busybox" "$out/tree/bin/"
cp "$CHECKS/mutants-init" "$out/tree/init"
python3 -B "$(dirname "$0")/mutants.py" --driver "$MODULE_DIR" --kernel "$kernel" \
	--initrd-tree "$out/tree" --out "$out" --kept "$TOP/Documentation/mutants.txt" \
	--only "${ONLY-}" | tee "$out/table"

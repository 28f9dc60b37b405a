#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make mutants: mutate the module in many small ways, and see that a test notices each:
# the KUnit cases, and for what survives those, the selftests in a real dom0. What no
# test can notice stands in scripts/check/mutants.txt, with the reason.
#   ONLY=REGEX    mutations whose names match
#   DOM0=         leave dom0 out
#   MACHINES=N    machines at a time (4)
# What KUnit said is kept in build/mutants.results: run again, it goes on from there.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" "${COMPILER_PACKAGES[@]}"
kernel=$(build_debug_kernel kunit kasan mutants)
out=$BUILD/run/$STACK/mutants
wait_lock "$out.lock" "$out"
rm -rf "$out"
mkdir -p "$out/tree"/{bin,dev,proc,sys}
cp "$(build_root)/busybox" "$out/tree/bin/"
cp "$CHECKS/mutants-init" "$out/tree/init"
dom0=()
if [ "${DOM0-yes}" ]; then
	dom0=(--dom0-kernel "$(build_debug_kernel xen)" --dom0-run "$CHECKS/mutants-dom0.sh")
fi
python3 -B "$CHECKS/mutants.py" --driver "$MODULE_DIR" --kernel "$kernel" \
	--initrd-tree "$out/tree" --out "$out" --kept "$CHECKS/mutants.txt" \
	--results "$BUILD/mutants.results" --only "${ONLY-}" --jobs "$(nproc)" \
	--machines "${MACHINES:-4}" "${dom0[@]}" | tee "$out/table"

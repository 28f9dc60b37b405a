#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-stress: the long forms of the tests that look for faults: KUnit with
# KASAN, the debug kernel as dom0, and the fuzzer. Takes more than an hour.
. "$(dirname "$0")/machine.sh"

out=$BUILD/stress
rm -rf "$out"
mkdir -p "$out"
"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"

dom0() { CPUS=2 run_job debug stress && clean_log "$BUILD/run/stress-debug/console.log"; }

# Side by side, as they take one core and a half between them
dom0 >"$out/dom0" &
dom0=$!
trap 'kill $dom0 2>/dev/null || :' EXIT
status=0
TOGGLES=100000 "$QEMU_DIR/kunit.sh" | tee "$out/kunit" || status=1
"$QEMU_DIR/fuzz.sh" | tee "$out/fuzz" || status=1
wait $dom0 || status=1
cat "$out/dom0"
! grep -h '^not ok' "$out"/{dom0,kunit,fuzz} || status=1
echo "$(cat "$out"/{dom0,kunit,fuzz} | grep -c '^ok') passed, $(cat "$out"/{dom0,kunit,fuzz} | grep -c '^not ok') failed"
exit $status

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the KUnit suites in a debug kernel without Xen: KASAN does not start in a dom0.
# Prints TAP, a test for each case.
#   kunit.sh kasan   out-of-bounds, use-after-free, locks, leaks (the default)
#   kunit.sh kcsan   data races
#   kunit.sh rt      the same kernel with PREEMPT_RT, without sanitizers
#   TOGGLES=N        how often the overlay is switched while it is read (10000)
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/boot.sh"
sanitizer=${1:-kasan}
toggles=${TOGGLES:-10000}

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"
kernel=$(build_debug_kernel kunit "$sanitizer")
dir=$BUILD/run/$STACK/kunit-$sanitizer
wait_lock "$dir.lock" "$dir"
rm -rf "$dir"
mkdir -p "$dir"
bare_initrd "$dir" "$RIG/kernel/kunit-init"

say "booting the debug kernel"
# One CPU a socket, so that Linux finds both in the MP table: it has no ACPI.
boot_bare "$kernel" "$dir" $((240 + toggles / 100)) \
	"kunit.autorun=1 xen_pciback_fixup.toggles=$toggles" -smp 2,sockets=2 -m 384

# Cases are KTAP, one level below their suites.
log=$dir/kernel.log
tr -d '\r' <"$dir/console.log" | sed 's/^\[[ 0-9.]*\] //' >"$log"
sed -nE 's/^ *# [a-z_]+: ([0-9]+ toggles)/# \1/p' "$log"
while read -r ok _ case; do
	case $ok in ok) ktap_test_pass "$case" ;; not) ktap_test_fail "${case#* }" ;; esac
done < <(sed -nE 's/^    ((not )?ok [0-9]+ [a-z].*)/\1/p' "$log")

# The kernel's own parser judges too, and is seen to fail when it should.
parse() { python3 "$(build_source latest)/tools/testing/kunit/kunit.py" parse "$1"; }
suite() { # LINE...: the log of a kernel with one suite
	printf '%s\n' 'KTAP version 1' '1..1' '    KTAP version 1' '    # Subtest: s' '    1..1' "$@" |
		parse /dev/stdin
}
succeeds "kunit.py finds no failure in the log" parse "$log"
succeeds "kunit.py: a case that passes" suite '    ok 1 a' 'ok 1 s'
fails "kunit.py: a case that fails" suite '    not ok 1 a' 'not ok 1 s'
fails "kunit.py: no case" suite
fails "kunit.py: no log of it" parse "$TOP/README.md"
succeeds "all suites were run" is "$(grep -cE '^ok [0-9]+ pciback-fixup-' "$log")" \
	"$(cat "$MODULE_DIR"/fixup_*kunit.c | grep -c '^static struct kunit_suite')"

if [ "$sanitizer" = kcsan ]; then
	succeeds "KCSAN was enabled" grep -q "kcsan: enabled" "$log"
	awk -f "$CHECKS/races.awk" "$log" 2>"$log.rest" | tee "$dir/races"
	succeeds "no data race with our functions" grep -q " 0 with our functions" "$dir/races"
	log=$log.rest
fi
succeeds "no splat, no leak in the log" clean_log "$log"
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make coverage: the lines and branches of the module that its tests run, counted by
# GCOV: in the KUnit suites, in a machine without Xen, and in the selftests in a dom0.
# Prints a table and the lines and branches that were not run. Fails if
# scripts/audit/coverage.txt does not name them, or if too few branches were taken. HTML:
# build/coverage/html.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/boot.sh"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" "${COMPILER_PACKAGES[@]}" lcov
out=$BUILD/coverage
wait_lock "$out.lock" "$out"
rm -rf "$out"
mkdir -p "$out"
counting_kernel=$(build_debug_kernel xen coverage)

# build_counting NAME [ARGUMENT...]: the module with counters
build_counting() {
	local dir=$out/$1
	mkdir "$dir"
	cp "$MODULE_DIR"/{fixup_*.[ch],Makefile*} "$dir/"
	run_logged "$dir/build.log" make -C "$counting_kernel" M="$dir" GCOV_PROFILE=y \
		"${@:2}" modules
}

with_branches() { run_logged "$out/lcov.log" lcov --rc lcov_branch_coverage=1 "$@"; }

# capture NAME: have lcov read the counters of that module
capture() {
	with_branches --capture --include '*/fixup_*' --exclude '*/fixup_*kunit*' \
		--directory "$out/$1" --output-file "$out/$1.all"
	sed -E "s|^SF:.*/(fixup_[^/]*)$|SF:$MODULE_DIR/\1|" "$out/$1.all" >"$out/$1.info"
}

# The same code twice, for the counters of two machines
kunit=CONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST
build_counting dom0
build_counting kunit $kunit=y KCFLAGS="-D$kunit=1 -include $AUDITS/dom0.h"

cp "$out/kunit/xen-pciback-fixup.ko" "$out/module.ko"
bare_initrd "$out" "$AUDITS/init" "$out/module.ko"
say "running the KUnit suites"
boot_bare "$counting_kernel" "$out" 600 kunit.enable=1 -smp 2 -m 512 \
	-chardev "file,id=counters,path=$out/counters" \
	-device isa-serial,index=1,chardev=counters
if grep -aE 'not ok|rig: (insmod|rmmod)' "$out/console.log" >&2 ||
	! grep -aq 'ok .* pciback-fixup-bus' "$out/console.log"; then
	die "the KUnit suites fail"
fi
tr -d '\r' <"$out/counters" | base64 -d | tar -x -C "$out/kunit"
capture kunit

kernel_of() { echo "$counting_kernel"; }
module_of() { echo "$out/dom0/xen-pciback-fixup.ko"; }
# Other tests look for leaks: here xen-pciback, which has some, is a module.
DOM0_ARGS=kmemleak=off CPUS=2 run_job debug coverage >"$out/dom0/results" || die "the job in dom0 fails"
! grep '^not ok' "$out/dom0/results" >&2 || die "tests in dom0 fail"
cp "$BUILD/run/$STACK"/coverage-debug/guests/counters/*.gcda "$out/dom0/"
capture dom0

with_branches -a "$out/kunit.info" -a "$out/dom0.info" --output-file "$out/module.info"
run_logged "$out/lcov.log" genhtml --branch-coverage --title xen-pciback-fixup \
	--output-directory "$out/html" "$out/module.info"
lcov --rc lcov_branch_coverage=1 --list "$out/module.info"
"$AUDITS/coverage.py" "$out/module.info" "$AUDITS/coverage.txt"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the driver in the source of each kernel series, as a module and built in, and with
# the first of the patches; run its selftests with the kernel's harness. Prints TAP.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" git rsync
driver=drivers/xen/xen-pciback
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# fill_configured DIR SOURCE: a build folder, configured and prepared
fill_configured() {
	cp "$RIG/kernel/common.config" "$1/fragment"
	make_kernel "$2" "$1" KCONFIG_ALLCONFIG="$1/fragment" allnoconfig
	make_kernel "$2" "$1" prepare
}

# builds SOURCE FOLDER y|m e|d: the driver builds without warnings in our files, with the
# KUnit test enabled or disabled
builds() {
	local source=$1 dir=$2
	"$source/scripts/config" --file "$dir/.config" -e KUNIT \
		--set-val XEN_PCIDEV_BACKEND_FIXUP "$3" \
		"-$4" XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST
	make_kernel "$source" "$dir" olddefconfig
	is "$(grep ^CONFIG_XEN_PCIDEV_BACKEND_FIXUP= "$dir/.config")" \
		"CONFIG_XEN_PCIDEV_BACKEND_FIXUP=$3"
	rm -f "$dir/$driver"/*fixup*
	make_kernel "$source" "$dir" W=1 "$driver/"
	[ -e "$dir/$driver/fixup_main.o" ]
	! grep -E 'fixup_[a-z_]+\.[ch]:.*(warning|error):' "$dir/make.log"
}

# This test changes a copy of the source: debug kernels may be building from the other.
fill_copy() { cp -a "$2/." "$1"; }

for series in $(series); do
	source=$(build_source "$series")
	source=$(cached "in-tree-source-$series" fill_copy "$source")
	"$TOP/scripts/in-tree.sh" "$source"
	dir=$(KEY=$(cat "$RIG/kernel/common.config") cached "in-tree-$series" \
		fill_configured "$source")
	# cached() has moved the build folder.
	make_kernel "$source" "$dir" prepare
	for kind in m y; do
		succeeds "$series: builds in the kernel tree as =$kind, with the KUnit test" \
			builds "$source" "$dir" $kind e
	done
done

# git may have no identity here.
succeeds "a series of patches can be written" \
	env GIT_{AUTHOR,COMMITTER}_{NAME=test,EMAIL=test@localhost} \
	"$TOP/scripts/patches.sh" "$source" "$tmp/patches"
for patch in "$tmp"/patches/000[1-9]-*.patch; do
	# MAINTAINERS comes in the last step; a Kconfig has to name another; some lines of
	# shell cannot be broken, and "off off" is two arguments.
	succeeds "checkpatch: $(basename "$patch")" \
		"$source/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary \
		--ignore FILE_PATH_CHANGES,EMBEDDED_FILENAME,LONG_LINE,LONG_LINE_STRING,LONG_LINE_COMMENT,REPEATED_WORD \
		"$patch"
done
# Step 1 is the driver without its KUnit test. No code changes after step 2.
git init -q "$tmp/step1"
git -C "$tmp/step1" apply --include="$driver/Kconfig" \
	--include="$driver/Makefile.fixup" --include="$driver/fixup_main.c" \
	"$tmp"/patches/0001-*.patch
cp "$tmp/step1/$driver"/{Kconfig,Makefile.fixup,fixup_main.c} "$source/$driver/"
succeeds "the first step of the series builds by itself" builds "$source" "$dir" m d
"$TOP/scripts/in-tree.sh" "$source"

succeeds "kunit.py configures a kernel by our .kunitconfig" \
	"$source/tools/testing/kunit/kunit.py" config --arch=x86_64 --kunitconfig="$source/$driver" \
	--build_dir="$tmp/kunit"

# Each test skips itself outside a dom0.
skipped() {
	make -s -C "$source/tools/testing/selftests" TARGETS=pciback_fixup run_tests 2>&1 | tee "$tmp/log"
	is "$(grep -c '^ok .* selftests: pciback_fixup: .* # SKIP' "$tmp/log")" \
		"$(find "$SELFTESTS" -maxdepth 1 -name '*.sh' -not -name lib.sh -not -name ktap_helpers.sh | wc -l)"
}
succeeds "the kernel's kselftest harness runs the tests, which skip outside a dom0" skipped
ktap_finished

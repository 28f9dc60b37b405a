#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Write a series of patches, with a cover letter, that adds to a kernel source tree what
# in-tree.sh does. The tree itself is not changed.
# usage: patches.sh KERNEL_SOURCE_DIR [OUTPUT_DIR]
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
ksrc=${1:?usage: patches.sh KERNEL_SOURCE_DIR [OUTPUT_DIR]}
out=$(realpath -m "${2:-$top/build/patches}")
driver=drivers/xen/xen-pciback
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

git() { command git -C "$tree" -c commit.gpgsign=false "$@"; }

# The kernel's files that the series changes, and one that in-tree.sh looks for
for file in $driver/{Makefile,pci_stub.c} drivers/xen/Kconfig tools/testing/selftests/Makefile \
	MAINTAINERS Documentation/admin-guide/index.rst; do
	install -D -m 644 "$ksrc/$file" "$tree/$file"
	# The tree may have the driver already.
	sed -i '/Makefile\.fixup\|xen-pciback\/Kconfig\|+= pciback_fixup\|xen-pciback-fixup/d' "$tree/$file"
done
sed -i '/^XEN PCIBACK FIXUP$/,/^$/d' "$tree/MAINTAINERS"
command git init -q -b series "$tree"
# Take the identity that git has for the project. Without one, git says what to do.
{ command git -C "$top" config --get-regexp '^user\.' || :; } | while read -r key value; do
	git config "$key" "$value"
done
git add -A
git commit -q -m "the kernel"

"$top/scripts/in-tree.sh" "$tree"

# step MESSAGE FILE...: commit these files
step() {
	git add "${@:2}"
	git commit -q -s -F "$top/scripts/in-tree/$1"
}

# The first step has no KUnit test: the second adds it.
(cd "$tree/$driver" && sed -i '/KUNIT_TEST/,$d' Kconfig Makefile.fixup fixup_main.c &&
	sed -i '${/^$/d}' Kconfig fixup_main.c)
step 1-driver $driver/{Kconfig,Makefile,Makefile.fixup} drivers/xen/Kconfig \
	$driver/fixup_{bus,main}.c $driver/fixup_{bus,devlist,overlay}.h
install -m 644 "$top/$driver"/{Kconfig,Makefile.fixup,fixup_main.c} "$tree/$driver/"
step 2-kunit $driver/{Kconfig,Makefile.fixup,fixup_main.c,.kunitconfig,fixup_*kunit*}
step 3-selftests tools/testing/selftests
step 4-documents Documentation MAINTAINERS

! git status --porcelain | sed 's/^/error: no step of the series has /' | grep . >&2 || exit 1

rm -f "$out"/*.patch
git config branch.series.description "$(<"$top/scripts/in-tree/0-cover-letter")"
git format-patch -q --cover-letter --cover-from-description=subject -o "$out" HEAD~4
ls "$out"

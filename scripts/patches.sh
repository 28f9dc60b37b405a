#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Write what in-tree.sh puts into a kernel source tree as a series of patches
# with a cover letter. The tree itself is not changed.
# usage: patches.sh KERNEL_SOURCE_DIR OUTPUT_DIR
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
ksrc=$(cd "${1:?usage: patches.sh KERNEL_SOURCE_DIR OUTPUT_DIR}" && pwd)
out=$(mkdir -p "${2:?usage: patches.sh KERNEL_SOURCE_DIR OUTPUT_DIR}" && cd "$2" && pwd)
driver=drivers/xen/xen-pciback
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

git() { command git -C "$tree" -c commit.gpgsign=false "$@"; }

# What the series changes, as the kernel has it; all else is new.
changed="$driver/Makefile drivers/xen/Kconfig tools/testing/selftests/Makefile
	MAINTAINERS Documentation/admin-guide/index.rst $driver/pci_stub.c"
for file in $changed; do
	install -D -m 644 "$ksrc/$file" "$tree/$file"
	# The tree may have the driver in it already.
	sed -i '/Makefile\.fixup\|xen-pciback\/Kconfig\|+= pciback_fixup\|xen-pciback-fixup/d' "$tree/$file"
done
sed -i '/^XEN PCIBACK FIXUP$/,/^$/d' "$tree/MAINTAINERS"
command git init -q "$tree"
git config user.name "$(command git -C "$top" config user.name)"
git config user.email "$(command git -C "$top" config user.email)"
git add -A
git commit -q -m "the kernel"

"$top/scripts/in-tree.sh" "$tree"

# The driver without its KUnit test, which comes in a step of its own
without_kunit() {
	sed -i '/KUNIT_TEST/,$d' "$tree/$driver/Kconfig" "$tree/$driver/fixup_main.c"
	sed -i '${/^$/d}' "$tree/$driver/Kconfig" "$tree/$driver/fixup_main.c"
}

# step FILE... : commit them with the message on standard input
step() {
	git add "$@"
	git commit -q -s -F -
}

without_kunit
step $driver/{Kconfig,Makefile,Makefile.fixup} drivers/xen/Kconfig \
	$driver/fixup_{bus,main}.c $driver/fixup_{bus,devlist,overlay}.h <<'EOF'
xen/pciback: show endpoints to guests as RCiEP

Windows' pci.sys rejects a PCI Express endpoint on bus 0 that has no port
above it, which is where a passed-through device of a guest with a
PCIe-aware chipset is. It accepts a Root Complex Integrated Endpoint.

Add a driver that changes the Device/Port Type in reads of PCI_EXP_FLAGS,
one device at a time, switched through sysfs or by a module parameter. It
stands in for the ops of the device's bus, where the reads of QEMU, through
sysfs, and those of pcifront, through xen-pciback, meet.
EOF

install -m 644 "$top/$driver"/{Kconfig,fixup_main.c} "$tree/$driver/"
step $driver/{Kconfig,fixup_main.c,fixup_test*} <<'EOF'
xen/pciback: test the endpoint fixup with KUnit

The overlay at every offset, size and type, the syntax of device lists,
and standing in for the ops of buses below a simulated host bridge, with
ops of other modules above and below.
EOF

step tools/testing/selftests <<'EOF'
selftests: pciback_fixup: test the endpoint fixup in a dom0

What the sysfs files take and say, every read of a config space with
the overlay on, which functions are changed, what is remembered, that
dom0's own kernel sees the hardware, hot-plug, and aer_inject above and
below.
EOF

step Documentation MAINTAINERS <<'EOF'
Documentation: xen-pciback-fixup

The ABI of its sysfs files, a guide for administrators, and the design:
why it sits where it does, and what can go wrong when the ops of a bus
are replaced.
EOF

[ -z "$(git status --porcelain)" ] || {
	echo "error: no step of the series has these:" >&2
	git status --porcelain >&2
	exit 1
}

rm -f "$out"/*.patch
git format-patch -q --cover-letter -o "$out" HEAD~4
sed -i -e 's/\*\*\* SUBJECT HERE \*\*\*/xen\/pciback: let Windows accept passed-through endpoints/' \
	-e "/\*\*\* BLURB HERE \*\*\*/{
r $top/scripts/cover-letter
d
}" "$out"/0000-*.patch
ls "$out"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the driver, its tests and its documents into a kernel source tree.
# usage: in-tree.sh KERNEL_SOURCE_DIR
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
ksrc=${1:?usage: in-tree.sh KERNEL_SOURCE_DIR}
driver=drivers/xen/xen-pciback
tests=tools/testing/selftests/pciback_fixup

die() { printf 'error: %s\n' "$*" >&2; exit 1; }

[ -e "$ksrc/$driver/pci_stub.c" ] ||
	die "$ksrc has no $driver/pci_stub.c: not a kernel source tree?"

# add_line FILE LINE PLACE: add LINE once, at this place of sed's
add_line() {
	grep -qxF -- "$2" "$1" || sed -i "$3\\$2" "$1"
	grep -qxF -- "$2" "$1" || die "no place in $1 for: $2"
}

# The kernel has its own Makefile. -C: unchanged files are not built again.
install -C -m 644 "$top/$driver"/fixup_*.[ch] \
	"$top/$driver"/{Makefile.fixup,Kconfig,.kunitconfig} "$ksrc/$driver/"
# shellcheck disable=SC2016 # for make and sed
add_line "$ksrc/$driver/Makefile" \
	'include $(srctree)/drivers/xen/xen-pciback/Makefile.fixup' '$a'
add_line "$ksrc/drivers/xen/Kconfig" \
	'source "drivers/xen/xen-pciback/Kconfig"' '/^endmenu$/i'

mkdir -p "$ksrc/$tests"
find "$top/$tests" -maxdepth 1 -type f -not -name README -exec cp -p -t "$ksrc/$tests" {} +
cp -rp "$top/$tests/helpers" "$ksrc/$tests/"
add_line "$ksrc/tools/testing/selftests/Makefile" \
	'TARGETS += pciback_fixup' '/^TARGETS += pidfd$/i'

docs=$ksrc/Documentation
install -D -C -m 644 "$top/Documentation/ABI/testing/sysfs-driver-pciback-fixup" \
	"$docs/ABI/testing/sysfs-driver-pciback-fixup"
install -D -C -m 644 -t "$docs/admin-guide/xen-pciback-fixup" \
	"$top"/Documentation/{admin-guide/*.{rst,txt},design.rst} "$top/scripts/in-tree/index.rst"
# All pages are in one folder here.
sed -i -E 's,:doc:`(\.\.|admin-guide)/,:doc:`,g' "$docs"/admin-guide/xen-pciback-fixup/*.rst
add_line "$docs/admin-guide/index.rst" '   xen-pciback-fixup/index' '/^   xfs$/i'
grep -qx 'XEN PCIBACK FIXUP' "$ksrc/MAINTAINERS" ||
	sed -i "/^XEN PCI SUBSYSTEM/e cat '$top/scripts/in-tree/MAINTAINERS'" "$ksrc/MAINTAINERS"

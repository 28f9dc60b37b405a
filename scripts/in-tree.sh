#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the driver, its tests and its documents into a kernel source tree.
# usage: in-tree.sh KERNEL_SOURCE_DIR
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
ksrc=${1:?usage: in-tree.sh KERNEL_SOURCE_DIR}
driver=drivers/xen/xen-pciback
tests=tools/testing/selftests/pciback_fixup

[ -e "$ksrc/$driver/pci_stub.c" ] || {
	echo "error: $ksrc has no $driver/pci_stub.c: not a kernel source tree?" >&2
	exit 1
}

# add_line FILE LINE [BEFORE]: once; at the end, or before the line BEFORE
add_line() {
	grep -qxF -- "$2" "$1" && return
	if [ $# = 3 ]; then
		awk -v line="$2" -v before="$3" \
			'$0 == before { print line } { print }' "$1" >"$1.new"
		mv "$1.new" "$1"
	else
		printf '%s\n' "$2" >>"$1"
	fi
	grep -qxF -- "$2" "$1" || {
		echo "error: no place in $1 for: $2" >&2
		exit 1
	}
}

# Makefile stays behind: the kernel has its own there.
# -C: what did not change is not built again.
install -C -m 644 "$top/$driver"/fixup_*.[ch] \
	"$top/$driver"/{Makefile.fixup,Kconfig} "$ksrc/$driver/"
# shellcheck disable=SC2016 # make expands it
add_line "$ksrc/$driver/Makefile" \
	'include $(srctree)/drivers/xen/xen-pciback/Makefile.fixup'
add_line "$ksrc/drivers/xen/Kconfig" \
	'source "drivers/xen/xen-pciback/Kconfig"' endmenu

mkdir -p "$ksrc/$tests"
find "$top/$tests" -maxdepth 1 -type f -exec cp -p -t "$ksrc/$tests" {} +
add_line "$ksrc/tools/testing/selftests/Makefile" \
	'TARGETS += pciback_fixup' 'TARGETS += pidfd'

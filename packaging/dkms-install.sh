#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make dkms-install: install the module from this source tree with DKMS, for the
# running kernel or for KVER, and again for those that had an earlier one.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
name=xen-pciback-fixup
version=$(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' \
	"$top/drivers/xen/xen-pciback/fixup_main.c")
kver=${KVER:-$(uname -r)}

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "only root can do this: sudo make dkms-install"
command -v dkms >/dev/null || die "there is no dkms: install the package dkms"
[ -d "/lib/modules/$kver/build" ] ||
	die "no headers for kernel $kver: install the package linux-headers-$kver, or give KVER="
if dpkg-query -W -f '${Status}' "$name-dkms" 2>/dev/null | grep -q ' installed$' ||
	rpm -q "$name-dkms" >/dev/null 2>&1; then
	die "the package $name-dkms is installed and does this; remove it first"
fi

# installed SED_EXPRESSION: a part of each line of dkms status, such as
# xen-pciback-fixup/0.1.0, 6.1.0-9-amd64, x86_64: installed
installed() { dkms status -m "$name" | sed -nE "$1" | sort -u; }

kernels=$( (installed 's/^[^,]*, ([^,]*), [^,]*: installed.*/\1/p'; echo "$kver") | sort -u)
for old in $(installed 's|^[^/]*/([^,: ]*).*|\1|p'); do
	say "removing $name $old from DKMS, and /usr/src/$name-$old"
	dkms remove -m "$name" -v "$old" --all
	rm -rf "/usr/src/$name-$old"
done

say "copying the source to /usr/src/$name-$version"
rm -rf "/usr/src/$name-$version"
mkdir -p "/usr/src/$name-$version"
install -m 644 -t "/usr/src/$name-$version" \
	"$top"/drivers/xen/xen-pciback/{Makefile*,fixup_*.[ch]}
sed "s/#MODULE_VERSION#/$version/" "$top/dkms.conf" \
	>"/usr/src/$name-$version/dkms.conf"

dkms add -m "$name" -v "$version"
for kernel in $kernels; do
	say "building and installing it for kernel $kernel"
	dkms install -m "$name" -v "$version" -k "$kernel" || {
		tail -n 20 "/var/lib/dkms/$name/$version/build/make.log" >&2 || :
		die "the module could not be installed for kernel $kernel"
	}
done
say "done; to remove it: dkms remove $name/$version --all && rm -r /usr/src/$name-$version"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make dkms-install: install the module from this source tree with DKMS for the running
# kernel or KVER, and for the kernels that DKMS had installed an earlier one for.
. "$(dirname "$0")/common.sh"

kver=${KVER:-$(uname -r)}

[ "$(id -u)" = 0 ] || die "only root can do this: sudo make dkms-install"
command -v dkms >/dev/null || die "there is no dkms: install the package dkms"
[ -d "/lib/modules/$kver/build" ] ||
	die "no headers for kernel $kver: install the package linux-headers-$kver, or give KVER="
if dpkg -S "/usr/src/$NAME-*/dkms.conf" >/dev/null 2>&1 || rpm -q "$NAME-dkms" >/dev/null 2>&1; then
	die "the package $NAME-dkms is installed and does this; remove it first"
fi

# installed SED_EXPRESSION: a part of each line of dkms status, such as
# xen-pciback-fixup/0.1.0, 6.1.0-9-amd64, x86_64: installed
installed() { dkms status -m "$NAME" | sed -nE "$1" | sort -u; }

targets=$( (installed 's/^[^,]*, ([^,]*), [^,]*: installed.*/\1/p'; echo "$kver") | sort -u)
for old in $(installed 's|^[^/]*/([^,: ]*).*|\1|p'); do
	say "removing $NAME $old from DKMS, and /usr/src/$NAME-$old"
	dkms remove -m "$NAME" -v "$old" --all
	rm -rf "/usr/src/$NAME-$old"
done

say "copying the source to /usr/src/$NAME-$VERSION"
rm -rf "/usr/src/$NAME-$VERSION"
make -s -C "$TOP" dkms-source DESTDIR= VERSION="$VERSION"

dkms add -m "$NAME" -v "$VERSION"
for kernel in $targets; do
	say "building and installing it for kernel $kernel"
	dkms install -m "$NAME" -v "$VERSION" -k "$kernel" || {
		tail -n 20 "/var/lib/dkms/$NAME/$VERSION/build/make.log" >&2 || :
		die "the module could not be installed for kernel $kernel"
	}
done
say "done; to remove it: dkms remove $NAME/$VERSION --all && rm -r /usr/src/$NAME-$VERSION"

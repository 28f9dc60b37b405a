#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the Debian packages in one root of a Debian release; install, use, upgrade and
# remove them in another. Prints TAP.
#   test-deb.sh [bookworm|trixie]
. "$(dirname "$0")/root.sh"

EARLIER=0.1.9
# The administrator's own file
CONF=/etc/modprobe.d/local-pciback-fixup.conf

# install_debs VERSION: both packages, and their dependencies
install_debs() { root sh -c "apt-get -y install /tmp/packages/*_$1_*.deb"; }

completes() {
	prints '^enable$' root bash -c '
		. /usr/share/bash-completion/bash_completion
		_completion_loader pciback-fixup
		COMP_WORDS=(pciback-fixup en) COMP_CWORD=1
		COMP_LINE="pciback-fixup en" COMP_POINT=16
		_pciback_fixup
		printf "%s\n" "${COMPREPLY[@]}"'
}

# modprobe reads the example from where its text says that it belongs.
example() {
	root cp "/usr/share/doc/pciback-fixup/examples/$NAME.conf" "$CONF"
	prints '^options xen_pciback_fixup devices=\(' root modprobe -c
}

autoinstall() {
	root dkms unbuild "$NAME/$VERSION" --all
	silent root sh -c "find /lib/modules -name '$NAME.ko*'"
	local kver
	for kver in "${kvers[@]}"; do root dkms autoinstall -k "$kver"; done
}

# not_built KVER HEADERS: DKMS reports, also by its status, that the module is not for this
# kernel
not_built() {
	root mkdir -p "/lib/modules/$1"
	prints BUILD_EXCLUSIVE root sh -c \
		"dkms build $NAME/$VERSION -k $1 --kernelsourcedir $2; [ \$? = 77 ]"
	root rmdir "/lib/modules/$1"
}

# not_built_for_config LINES: for a kernel with this configuration
not_built_for_config() {
	root mkdir -p /tmp/config
	echo "$1" | $SUDO tee "$ROOT/tmp/config/.config" >/dev/null
	not_built 6.99.0-test /tmp/config
}

# What the postinst scripts of a kernel's headers and of the module run
postinst() {
	prints "^$NAME is for Linux 6.1 to 7.3: skipped for 7.4.0-test" \
		root run-parts --report --exit-on-error --arg=7.4.0-test /etc/kernel/header_postinst.d
	root apt-get -y install --reinstall "/tmp/packages/$NAME-dkms_${VERSION}_all.deb"
	silent root dpkg --audit
}

# The targets of the top Makefile, in the root
in_source() { root make -C /tmp/packages/source "$@"; }

# make, a compiler and headers are enough; W=1 needs more. Debian 13 has only perl-base.
builds_plainly() {
	prints '^-C [^ ]* M=[^ ]* modules$' in_source module MAKE=echo KVER="$1"
	prints '^note: without the command pciback-fixup' in_source KVER="$1"
	is "$(root modinfo -F vermagic "/tmp/packages/source/drivers/xen/xen-pciback/$NAME.ko" |
		cut -d ' ' -f 1)" "$1"
	in_source clean
}

# The source is the same again: make has built in a copy of it.
cleaned() {
	in_source clean KDIR=/nonexistent
	$SUDO diff -r "$source" "$ROOT/tmp/packages/source"
}

# build_debs VERSION [REVISION]: in the root that has only the build dependencies
build_debs() {
	local tree=$work/$NAME-$1
	copy_source "$tree"
	other_version "$tree" "$@"
	# The first version's package was for amd64.
	[ "$1" != "$EARLIER" ] ||
		sed -i 's/^Architecture: all/Architecture: amd64/' "$tree/debian/control"
	[ -z "${2-}" ] || tar -C "$work" --exclude=debian -czf "$work/${NAME}_$1.orig.tar.gz" "$NAME-$1"
	chrooted "$builder" env -C "${tree#"$builder"}" DEB_BUILD_OPTIONS=noautodbgsym \
		dpkg-buildpackage -us -uc
	$SUDO mv "$work"/*.deb "$ROOT/tmp/packages/"
}

# --- the run ------------------------------------------------------------------

need mmdebstrap rsync
make_root "${1:-bookworm}" "$DEB/root-${1:-bookworm}"
builder=$(build_release packages-builder "build-dep /tmp" dpkg-dev)/root
work=$(mktemp -d -p "$builder/tmp")
made+=("$work")
source=$work/source
copy_source "$source"
$SUDO cp -r "$source" "$ROOT/tmp/packages/source"

say "building, with no more than is needed"
for kver in "${kvers[@]}"; do
	succeeds "make, without the command's libraries, for $kver" builds_plainly "$kver"
done
succeeds "the packages" build_debs "$VERSION"
succeeds "an earlier version's, $EARLIER" build_debs "$EARLIER"
succeeds "a later one's, in a distribution's form, $NEXT-1" build_debs "$NEXT" 1

say "installing"
succeeds "both packages of $EARLIER install" install_debs $EARLIER
check_modules "DKMS built the module" $EARLIER
succeeds "both packages can be upgraded to $VERSION" install_debs "$VERSION"
check_modules "DKMS built the module" "$VERSION"
succeeds "command, packages and module have one version" \
	same_versions "$VERSION" dpkg-query -W -f '${Version} '
succeeds "pciback-fixup --help" prints '^[Uu]sage: ' root pciback-fixup --help
succeeds "the manual is found, and has no warning" silent root sh -c \
	'man --warnings pciback-fixup 2>&1 >/dev/null; man -w pciback-fixup >/dev/null'
succeeds "bash completes its commands" completes
succeeds "the documents and the ABI are there" documents "$source" "$ROOT/usr/share/doc/pciback-fixup"
succeeds "modprobe reads the example" example

say "building again"
succeeds "dkms autoinstall runs after the module was taken away" autoinstall
check_modules "dkms autoinstall built the module again" "$VERSION"
for kver in 5.10.0-test 6.0.0-test 7.4.0-test 7.10.0-test 8.0.0-test; do
	succeeds "not built for Linux $kver" not_built $kver "/lib/modules/${kvers[0]}/build"
done
succeeds "not built without xen-pciback" not_built_for_config \
	'# CONFIG_XEN_PCIDEV_BACKEND is not set'
succeeds "not built for a kernel that has the driver" not_built_for_config \
	$'CONFIG_XEN_PCIDEV_BACKEND=y\nCONFIG_XEN_PCIDEV_BACKEND_FIXUP=y'
succeeds "Linux 7.4 is skipped, and no postinst fails" later_kernel postinst

say "upgrading"
succeeds "make dkms-install leaves the package alone" refuses \
	"error: the package $NAME-dkms is installed" in_source dkms-install KVER="${kvers[0]}"
succeeds "both packages can be upgraded to $NEXT-1" install_debs "$NEXT-1"
check_modules "the upgrade built the module again" "$NEXT"
succeeds "nothing is left of the earlier version" only_version "$NEXT"

say "removing"
succeeds "the command writes its files" written
succeeds "both packages can be removed" root apt-get -y remove $NAME-dkms pciback-fixup
succeeds "what the command wrote is left" still_written
# dpkg keeps these two for the purge.
succeeds "nothing else is left but the administrator's file" nothing_left $CONF "${WRITTEN[@]}" \
	/var/lib/dpkg/info/pciback-fixup.{list,postrm}
succeeds "both packages install again" install_debs "$VERSION"
succeeds "both packages can be purged" root apt-get -y purge $NAME-dkms pciback-fixup
succeeds "a purge leaves the administrator's file only" nothing_left $CONF
succeeds "dpkg knows nothing of them" silent root sh -c \
	"dpkg-query -W '*pciback-fixup*' 2>/dev/null || :"

say "make install"
succeeds "make install-module needs the kernel's headers" refuses \
	'install the package linux-headers-6.99.0-test' in_source install-module KVER=6.99.0-test
succeeds "make install-module for ${kvers[0]}" in_source install-module KVER="${kvers[0]}"
succeeds "modprobe finds it" prints "^/lib/modules/[^/]*/updates/$NAME.ko(.xz)?\$" \
	root modinfo -k "${kvers[0]}" -n "$NAME"
succeeds "make uninstall-module" in_source uninstall-module KVER="${kvers[0]}"
succeeds "nothing is left but the administrator's file" nothing_left $CONF
succeeds "make clean, without the kernel's headers" cleaned

say "make dkms-install"
succeeds "make dkms-install needs root" refuses '^error: only root' \
	root setpriv --reuid=65534 --clear-groups make -C /tmp/packages/source dkms-install
succeeds "make dkms-install needs the kernel's headers" refuses \
	'^error: no headers for kernel 6.99.0-test' in_source dkms-install KVER=6.99.0-test
for kver in "${kvers[@]}"; do
	succeeds "make dkms-install for $kver" in_source dkms-install KVER="$kver"
	succeeds "make dkms-install built the module, for $kver" has_module "$kver" "$VERSION"
done
check_modules "the module is still there" "$VERSION"
succeeds "the command that make dkms-install prints removes it" root sh -c \
	"dkms remove $NAME/$VERSION --all && rm -r /usr/src/$NAME-$VERSION"
succeeds "nothing is left but the administrator's file" nothing_left $CONF

ktap_finished

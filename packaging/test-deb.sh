#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-deb: build the packages in a root of a Debian release made for it, and
# install, use, upgrade and remove them in another, which has the headers of each of its
# kernels. Prints TAP.
#   test-deb.sh [bookworm|trixie]
. "$(dirname "$0")/root.sh"

EARLIER=0.1.9
NEXT=$VERSION.1
# The administrator's own file
CONF=/etc/modprobe.d/local-pciback-fixup.conf

# apt COMMAND [PACKAGE...]
apt() { root apt-get -y "$@"; }

# install_debs VERSION [ARCHITECTURE]: both packages, and what they depend on
install_debs() {
	apt install "/tmp/packages/$NAME-dkms_$1_${2-all}.deb" \
		"/tmp/packages/pciback-fixup_$1_amd64.deb"
}

same_versions() {
	is "$(root pciback-fixup --version)" "pciback-fixup $VERSION"
	is "$(root dpkg-query -W -f '${Version} ' pciback-fixup "$NAME-dkms")" \
		"$VERSION $VERSION "
	only_version "$VERSION"
}

completes() {
	prints '^enable$' root bash -c '
		. /usr/share/bash-completion/bash_completion
		_completion_loader pciback-fixup
		COMP_WORDS=(pciback-fixup en) COMP_CWORD=1
		COMP_LINE="pciback-fixup en" COMP_POINT=16
		_pciback_fixup
		printf "%s\n" "${COMPREPLY[@]}"'
}

# Each page, none of them compressed, and the ABI
documents() {
	local doc=$ROOT/usr/share/doc/pciback-fixup file
	cmp "$source/README.md" "$doc/README.md"
	(cd "$source" && find Documentation -name '*.rst' -o -path '*/ABI/*/*') |
		while read -r file; do cmp "$source/$file" "$doc/$file"; done
}

# modprobe understands the example, where its text says that it belongs.
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

# DKMS has an exit status for kernels that a module says it is not for, and a text.
not_built() {
	root mkdir -p "/lib/modules/$1"
	exits 77 root dkms build "$NAME/$VERSION" -k "$1" --kernelsourcedir "$2"
	prints 'BUILD_EXCLUSIVE' root sh -c \
		'dkms build "$@" 2>&1 || :' sh "$NAME/$VERSION" -k "$1" --kernelsourcedir "$2"
	root rmdir "/lib/modules/$1"
}

# not_built_for_config LINE: for a kernel whose configuration has this line only
not_built_for_config() {
	root mkdir -p /tmp/config
	echo "$1" | $SUDO tee "$ROOT/tmp/config/.config" >/dev/null
	not_built 6.99.0-test /tmp/config
}

# Headers as a package of apt's, of a kernel that is too new: it is installed, DKMS says
# that it skips the module, and apt has nothing left to do.
later_kernel() {
	local kver=7.4.0-test dir
	dir=$ROOT/tmp/headers
	$SUDO mkdir -p "$dir/DEBIAN" "$dir/lib/modules/$kver" "$dir/usr/src/headers-$kver"
	# In the root, for "build" is a link from its top.
	root cp -a "/lib/modules/${kvers[0]}/build/." "/tmp/headers/usr/src/headers-$kver/"
	$SUDO ln -s "/usr/src/headers-$kver" "$dir/lib/modules/$kver/build"
	printf '%s\n' "Package: linux-headers-$kver" 'Version: 1' 'Architecture: amd64' \
		'Maintainer: nobody <nobody@localhost>' 'Description: a test' |
		$SUDO tee "$dir/DEBIAN/control" >/dev/null
	printf '%s\n' '#!/bin/sh' 'set -e' \
		"run-parts --report --exit-on-error --arg=$kver /etc/kernel/header_postinst.d" |
		$SUDO tee "$dir/DEBIAN/postinst" >/dev/null
	$SUDO chmod 755 "$dir/DEBIAN/postinst"
	root dpkg-deb -b /tmp/headers "/tmp/linux-headers-$kver.deb"
	prints "^$NAME is for Linux 6.1 to 7.3: skipped for $kver" \
		apt install "/tmp/linux-headers-$kver.deb"
	silent root dpkg --audit
	silent root find "/lib/modules/$kver" -name '*.ko*'
	# The module is not in the way of what comes later.
	apt install --reinstall "/tmp/packages/$NAME-dkms_${VERSION}_all.deb"
	silent root dpkg --audit
	apt purge "linux-headers-$kver"
	$SUDO rm -rf "$dir" "$ROOT/lib/modules/$kver" "$ROOT/usr/src/headers-$kver"
}

# The targets of the top Makefile, in the root
in_source() { root make -C /tmp/packages/source "$@"; }
dkms_install() { in_source dkms-install "$@"; }

installed_by_hand() {
	local file
	file=$(root modinfo -k "$1" -n "$NAME")
	is "${file%.xz}" "/lib/modules/$1/updates/$NAME.ko"
}

# With make, a compiler and headers, and no W=1, whose checks want more; on Debian 13, there
# is no more of Perl than perl-base.
builds_plainly() {
	prints '^-C [^ ]* M=[^ ]* modules$' in_source module MAKE=echo KVER="$1"
	prints '^note: without the command pciback-fixup' in_source KVER="$1"
	is "$(root modinfo -F vermagic "/tmp/packages/source/drivers/xen/xen-pciback/$NAME.ko" |
		cut -d ' ' -f 1)" "$1"
	in_source clean
}

# The source is as it was: a copy of it has been built in.
cleaned() {
	in_source clean KDIR=/nonexistent
	$SUDO diff -r "$source" "$ROOT/tmp/packages/source"
}

# --- the packages -----------------------------------------------------------------

# build_debs VERSION [REVISION]: in the root where debian/control names all that is there
build_debs() {
	local tree=$work/$NAME-$1
	copy_source "$tree"
	other_version "$tree" "$@"
	# It was so in the first version.
	[ "$1" != "$EARLIER" ] ||
		sed -i 's/^Architecture: all/Architecture: amd64/' "$tree/debian/control"
	[ -z "${2-}" ] || tarball "$tree" "$work/${NAME}_$1.orig.tar.gz" --exclude="$NAME-$1/debian"
	chrooted "$builder" sh -ec 'cd "$0"
		DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc' "${tree#"$builder"}"
	$SUDO mv "$work"/*.deb "$ROOT/tmp/packages/"
}

# --- the run ------------------------------------------------------------------

need mmdebstrap git
make_root "${1:-bookworm}" "$DEB/root-${1:-bookworm}"
builder=$(build_release packages-builder "build-dep /tmp" dpkg-dev)/root
work=$(mktemp -d -p "$builder/tmp")
made+=("$work")
source=$work/source
copy_source "$source"
$SUDO mkdir -p "$ROOT/tmp/packages"
$SUDO cp -r "$source" "$ROOT/tmp/packages/source"

say "building, with no more than is needed"
for kver in "${kvers[@]}"; do
	succeeds "make, without the command's libraries, for $kver" builds_plainly "$kver"
done
succeeds "the packages" build_debs "$VERSION"
succeeds "an earlier version's, $EARLIER" build_debs "$EARLIER"
succeeds "a later one's, in a distribution's form, $NEXT-1" build_debs "$NEXT" 1

say "installing"
succeeds "both packages of $EARLIER install" install_debs $EARLIER amd64
check_modules "DKMS built the module" $EARLIER
succeeds "both packages can be upgraded to $VERSION" install_debs "$VERSION"
check_modules "DKMS built the module" "$VERSION"
succeeds "command, packages and module have one version" same_versions
succeeds "pciback-fixup --help" prints '^[Uu]sage: ' root pciback-fixup --help
succeeds "the manual is found, and has no warning" silent root sh -c \
	'man --warnings pciback-fixup 2>&1 >/dev/null; man -w pciback-fixup >/dev/null'
succeeds "bash completes its commands" completes
succeeds "the documents and the ABI are there" documents
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
succeeds "the headers of Linux 7.4 can be installed and purged" later_kernel

say "upgrading"
succeeds "make dkms-install leaves the package alone" fails \
	"error: the package $NAME-dkms is installed" dkms_install KVER="${kvers[0]}"
succeeds "both packages can be upgraded to $NEXT-1" install_debs "$NEXT-1"
check_modules "the upgrade built the module again" "$NEXT"
succeeds "nothing is left of the earlier version" only_version "$NEXT"

say "removing"
succeeds "the command writes its files" written
succeeds "both packages can be removed" apt remove $NAME-dkms pciback-fixup
succeeds "what the command wrote is left" still_written
# dpkg keeps these two for the purge.
# shellcheck disable=SC2086 # two words
succeeds "nothing else is left but the administrator's file" nothing_left $CONF $WRITTEN \
	/var/lib/dpkg/info/pciback-fixup.{list,postrm}
succeeds "both packages install again" install_debs "$VERSION"
succeeds "both packages can be purged" apt purge $NAME-dkms pciback-fixup
succeeds "a purge leaves the administrator's file only" nothing_left $CONF
succeeds "dpkg knows nothing of them" silent root sh -c \
	"dpkg-query -W '*pciback-fixup*' 2>/dev/null || :"

say "make install"
succeeds "make install-module needs the kernel's headers" fails \
	'install the package linux-headers-6.99.0-test' in_source install-module KVER=6.99.0-test
succeeds "make install-module for ${kvers[0]}" in_source install-module KVER="${kvers[0]}"
succeeds "modprobe finds it" installed_by_hand "${kvers[0]}"
succeeds "make uninstall-module" in_source uninstall-module KVER="${kvers[0]}"
succeeds "nothing is left but the administrator's file" nothing_left $CONF
succeeds "make clean, without the kernel's headers" cleaned

say "make dkms-install"
succeeds "make dkms-install needs root" fails '^error: only root' \
	root setpriv --reuid=65534 --clear-groups make -C /tmp/packages/source dkms-install
succeeds "make dkms-install needs the kernel's headers" fails \
	'^error: no headers for kernel 6.99.0-test' dkms_install KVER=6.99.0-test
succeeds "make dkms-install for ${kvers[0]}" dkms_install KVER="${kvers[0]}"
succeeds "make dkms-install built the module, for ${kvers[0]}" \
	has_module "${kvers[0]}" "$VERSION"
for kver in "${kvers[@]:1}"; do
	succeeds "make dkms-install for $kver as well" dkms_install KVER="$kver"
done
check_modules "make dkms-install built the module again" "$VERSION"
succeeds "the command that make dkms-install prints removes it" root sh -c \
	"dkms remove $NAME/$VERSION --all && rm -r /usr/src/$NAME-$VERSION"
succeeds "nothing is left but the administrator's file" nothing_left $CONF

ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-deb: build the packages, and install, use, upgrade and remove them in
# a Debian 12 made for it, which has the headers of both kernel series. Prints TAP.
. "$(dirname "$0")/root.sh"

EARLIER=0.1.9
NEXT=$VERSION.1
# The administrator's own file, and those that are the command's.
CONF=/etc/modprobe.d/local-pciback-fixup.conf
WRITTEN="/etc/modprobe.d/$NAME.conf /etc/modules-load.d/$NAME.conf"

# apt COMMAND [PACKAGE...]
apt() { root apt-get -y --no-install-recommends "$@"; }

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

# Each page and picture, none of them compressed, and the ABI
documents() {
	local doc=$ROOT/usr/share/doc/pciback-fixup source=$DEB/$NAME-$VERSION file
	cmp "$source/README.md" "$doc/README.md"
	(cd "$source" && find Documentation -name '*.rst' -o -name '*.svg' -o -path '*/ABI/*/*') |
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

# config LINE: a folder with a kernel configuration of this line only
config() {
	root mkdir -p /tmp/config
	echo "$1" | $SUDO tee "$ROOT/tmp/config/.config" >/dev/null
}

not_built_for_config() {
	config "$1"
	not_built 6.99.0-test /tmp/config
}

# Headers as a package of apt's, of a kernel that is too new: it is installed, DKMS says
# that it skips the module, and apt has nothing left to do.
later_kernel() {
	local kver=7.4.0-test dir
	dir=$ROOT/tmp/headers
	$SUDO mkdir -p "$dir/DEBIAN" "$dir/lib/modules/$kver" "$dir/usr/src/headers-$kver"
	$SUDO cp -a "$ROOT/lib/modules/${kvers[0]}/build/." "$dir/usr/src/headers-$kver/"
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

# The command's own files, as it begins them
written() {
	local file
	for file in $WRITTEN; do
		$SUDO mkdir -p "$(dirname "$ROOT$file")"
		echo '# Written by pciback-fixup.' | $SUDO tee "$ROOT$file" >/dev/null
	done
}

still_written() {
	local file
	for file in $WRITTEN; do root test -e "$file"; done
}

# Of the module, the command and what DKMS made. The administrator's file stays, and
# until a purge the files named.
nothing_left() {
	is "$(status)" ''
	is "$(root find / -xdev \( -path /tmp/packages -o -path /var/cache/man \) -prune \
		-o -name '*pciback*fixup*' -print | LC_ALL=C sort | xargs)" "$*"
	silent root sh -c "grep -ls $NAME /lib/modules/*/modules.* || :"
}

# The targets of the top Makefile, in the root
in_source() { root make -C /tmp/packages/source "$@"; }
dkms_install() { in_source dkms-install "$@"; }

installed_by_hand() {
	is "$(root modinfo -k "$1" -n "$NAME")" "/lib/modules/$1/updates/$NAME.ko"
}

# W=1 runs checks of the kernel's that need more than a compiler; lint asks for them.
builds_plainly() {
	local out
	out=$(make -C "$DEB/source" module MAKE=echo \
		KDIR="$ROOT/usr/src/linux-headers-${kvers[0]}")
	grep -q '^-C .* modules$' <<<"$out"
	[[ $out != *W=* ]]
}

# The source is as it was: a copy of it has been built in.
cleaned() {
	in_source clean KDIR=/nonexistent
	$SUDO diff -r "$DEB/source" "$ROOT/tmp/packages/source"
}

# Here, where its libraries are
install_command() {
	local dir
	dir=$(mktemp -d)
	make -C "$DEB/source" install-command DESTDIR="$dir" PREFIX=/usr
	[ -x "$dir/usr/sbin/pciback-fixup" ]
	make -C "$DEB/source" uninstall-command DESTDIR="$dir" PREFIX=/usr
	silent find "$dir" -not -type d
	make -C "$DEB/source" clean
	rm -rf "$dir"
}

# --- the sources ------------------------------------------------------------------

# A tarball that somebody else unpacked: root can make packages of it.
deb_from_tarball() {
	local tree=$DEB/earlier/$NAME-$VERSION
	rm -rf "$DEB/earlier"
	mkdir -p "$DEB/earlier"
	tarball "$DEB/$NAME-$VERSION" "$DEB/earlier/source.tar.gz"
	tar -C "$DEB/earlier" -xzf "$DEB/earlier/source.tar.gz"
	other_version "$tree" "$EARLIER"
	# It was so in the first version.
	sed -i 's/^Architecture: all/Architecture: amd64/' "$tree/debian/control"
	$SUDO chown -R nobody: "$tree"
	$SUDO env -u BUILD make -C "$tree" deb
	cp "$tree/build/deb"/*.deb "$DEB/earlier/"
}

# A clone that is somebody else's, and what was built in it
copy_of_a_clone() {
	local dir
	dir=$(mktemp -d)
	copy_source "$dir/ours"
	copy_source "$dir/clone"
	git init -q "$dir/clone"
	touch "$dir/clone/drivers/xen/xen-pciback/$NAME.ko"
	$SUDO chown -R nobody: "$dir/clone"
	$SUDO env -u BUILD bash -c '. "$1/packaging/common.sh"; copy_source "$2"' \
		bash "$dir/clone" "$dir/copy"
	diff -r "$dir/ours" "$dir/copy"
	is "$(stat -c %U "$dir/copy/README.md")" root
	$SUDO rm -rf "$dir"
}

# --- the run ------------------------------------------------------------------

"$(dirname "$0")/deb.sh" >/dev/null
need mmdebstrap graphviz
make_root "$DEB/root"

say "building an earlier version, $EARLIER, from a tarball, and a later one, $NEXT-1"
check "make deb, from a tarball, as root and not its owner" deb_from_tarball
check "a clone's owner may be another" copy_of_a_clone
check "the documents' pictures are what their sources say" make -C "$TOP" check-drawings
check "make deb sees another version in debian/changelog" fails_of_version \
	'1s/(.*)/(9.9)/' debian/changelog deb
next=$DEB/next/$NAME-$NEXT
$SUDO rm -rf "$DEB/next"
copy_source "$next"
other_version "$next" "$NEXT" 1
tarball "$next" "$DEB/next/${NAME}_$NEXT.orig.tar.gz" --exclude="$NAME-$NEXT/debian"
build_debs "$next"

$SUDO mkdir -p "$ROOT/tmp/packages"
$SUDO cp "$DEB"/*.deb "$DEB"/{earlier,next}/*.deb "$ROOT/tmp/packages/"
copy_source "$DEB/source"
$SUDO cp -r "$DEB/source" "$ROOT/tmp/packages/source"

say "installing"
check "both packages of $EARLIER install" install_debs $EARLIER amd64
check_modules "DKMS built the module" $EARLIER
check "both packages can be upgraded to $VERSION" install_debs "$VERSION"
check_modules "DKMS built the module" "$VERSION"
check "command, packages and module have one version" same_versions
check "pciback-fixup --help" prints '^[Uu]sage: ' root pciback-fixup --help
check "the manual is found, and has no warning" silent root sh -c \
	'man --warnings pciback-fixup 2>&1 >/dev/null; man -w pciback-fixup >/dev/null'
check "bash completes its commands" completes
check "the documents and the ABI are there" documents
check "modprobe reads the example" example

say "building again"
check "dkms autoinstall runs after the module was taken away" autoinstall
check_modules "dkms autoinstall built the module again" "$VERSION"
for kver in 5.10.0-test 6.0.0-test 7.4.0-test 7.10.0-test 8.0.0-test; do
	check "not built for Linux $kver" not_built $kver "/lib/modules/${kvers[0]}/build"
done
check "not built without xen-pciback" not_built_for_config \
	'# CONFIG_XEN_PCIDEV_BACKEND is not set'
check "not built for a kernel that has the driver" not_built_for_config \
	$'CONFIG_XEN_PCIDEV_BACKEND=y\nCONFIG_XEN_PCIDEV_BACKEND_FIXUP=y'
check "the headers of Linux 7.4 can be installed and purged" later_kernel

say "upgrading"
check "make dkms-install leaves the package alone" fails \
	"error: the package $NAME-dkms is installed" dkms_install KVER="${kvers[0]}"
check "both packages can be upgraded to $NEXT-1" install_debs "$NEXT-1"
check_modules "the upgrade built the module again" "$NEXT"
check "nothing is left of the earlier version" only_version "$NEXT"

say "removing"
check "the command writes its files" written
check "both packages can be removed" apt remove $NAME-dkms pciback-fixup
check "what the command wrote is left" still_written
# dpkg keeps these two for the purge.
# shellcheck disable=SC2086 # two words
check "nothing else is left but the administrator's file" nothing_left $CONF $WRITTEN \
	/var/lib/dpkg/info/pciback-fixup.{list,postrm}
check "both packages install again" install_debs "$VERSION"
check "both packages can be purged" apt purge $NAME-dkms pciback-fixup
check "a purge leaves the administrator's file only" nothing_left $CONF
check "dpkg knows nothing of them" silent root sh -c \
	"dpkg-query -W '*pciback-fixup*' 2>/dev/null || :"

say "make install"
check "make install-module needs the kernel's headers" fails \
	'install the package linux-headers-6.99.0-test' in_source install-module KVER=6.99.0-test
check "make does not ask for W=1" builds_plainly
check "make install-module for ${kvers[0]}" in_source install-module KVER="${kvers[0]}"
check "modprobe finds it" installed_by_hand "${kvers[0]}"
check "make uninstall-module" in_source uninstall-module KVER="${kvers[0]}"
check "nothing is left but the administrator's file" nothing_left $CONF
check "make clean, without the kernel's headers" cleaned
check "make install-command and uninstall-command" install_command
for target in in-tree patches; do
	check "make $target says that it needs KSRC=" fails \
		"^$target needs a kernel source tree: make $target KSRC=" in_source $target
done

say "make dkms-install"
check "make dkms-install needs root" fails '^error: only root' \
	root setpriv --reuid=65534 --clear-groups make -C /tmp/packages/source dkms-install
check "make dkms-install needs the kernel's headers" fails \
	'^error: no headers for kernel 6.99.0-test' dkms_install KVER=6.99.0-test
check "make dkms-install for ${kvers[0]}" dkms_install KVER="${kvers[0]}"
check "make dkms-install built the module, for ${kvers[0]}" \
	has_module "${kvers[0]}" "$VERSION"
check "make dkms-install for ${kvers[1]} as well" dkms_install KVER="${kvers[1]}"
check_modules "make dkms-install built the module again" "$VERSION"
check "the command that make dkms-install prints removes it" root sh -c \
	"dkms remove $NAME/$VERSION --all && rm -r /usr/src/$NAME-$VERSION"
check "nothing is left but the administrator's file" nothing_left $CONF

finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Test the targets of the top Makefile that build and install on this machine: in another
# user's folder, and with versions that differ. Prints TAP.
. "$(dirname "$0")/root.sh"

# root can build packages from a tarball that another user unpacked.
deb_from_tarball() {
	copy_source "$dir/tarball"
	$SUDO chown -R nobody: "$dir/tarball"
	$SUDO env -u BUILD make -C "$dir/tarball" deb
	ls "$dir/tarball/build/deb/pciback-fixup_${VERSION}_amd64.deb"
}

# A clone of another user, with a module that was built in it
copy_of_a_clone() {
	copy_source "$dir/clone"
	git init -q "$dir/clone"
	touch "$dir/clone/drivers/xen/xen-pciback/$NAME.ko"
	$SUDO chown -R nobody: "$dir/clone"
	$SUDO env -u BUILD bash -c '. "$1/packaging/common.sh"; copy_source "$2"' \
		bash "$dir/clone" "$dir/copy"
	diff -r "$dir/ours" "$dir/copy"
	is "$(stat -c %U "$dir/copy/README.md")" root
}

# fails_of_version SED_EXPRESSION FILE TARGET: make TARGET fails if FILE names another
fails_of_version() {
	copy_source "$dir/version"
	sed -i "$1" "$dir/version/$2"
	refuses "^error: $2 has version .*, MODULE_VERSION in fixup_main.c is" \
		env -u BUILD make -C "$dir/version" "$3"
}

install_command() {
	make -C "$dir/ours" install-command DESTDIR="$dir/root" PREFIX=/usr
	[ -x "$dir/root/usr/sbin/pciback-fixup" ]
	make -C "$dir/ours" uninstall-command DESTDIR="$dir/root" PREFIX=/usr
	silent find "$dir/root" -not -type d
}

need git rsync
dir=$(mktemp -d)
trap '$SUDO rm -rf "$dir"' EXIT
copy_source "$dir/ours"

succeeds "a clone's owner may be another" copy_of_a_clone
succeeds "make deb, from a tarball, as root and not its owner" deb_from_tarball
succeeds "make deb sees another version in debian/changelog" fails_of_version \
	'1s/(.*)/(9.9)/' debian/changelog deb
succeeds "make rpm sees another version in the spec" fails_of_version \
	's/^Version: .*/Version: 9.9/' "packaging/$NAME.spec" rpm
succeeds "make install-command and uninstall-command" install_command
for target in in-tree patches; do
	succeeds "make $target says that it needs KSRC=" refuses \
		"^$target needs a kernel source tree: make $target KSRC=" make -C "$TOP" $target
done

ktap_finished

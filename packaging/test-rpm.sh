#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-rpm: build the RPM packages, and install, upgrade and remove them in a root
# of this machine's Debian, where rpm has a database of its own with nothing in it, so
# --nodeps. Their scripts run, and DKMS builds the module. Prints TAP.
. "$(dirname "$0")/root.sh"

NEXT=$VERSION.1

# packages VERSION: fills files with the paths of both packages in the root
packages() {
	files=("/tmp/packages/$NAME-dkms-$1-1.noarch.rpm"
		"/tmp/packages/pciback-fixup-$1-1.x86_64.rpm")
}

# rpm_with VERSION OPTION...
rpm_with() {
	local files
	packages "$1"
	shift
	root rpm --nodeps "$@" "${files[@]}"
}

# An installation that finds no kernel to build for
without_headers() {
	local files
	packages "$VERSION"
	prints "^no kernel's headers: install kernel-devel" chrooted "$ROOT" sh -c '
		mount -t tmpfs tmpfs /lib/modules && rpm --nodeps -i "$@"' sh "${files[@]}"
}

# A kernel that is too new is skipped, with a message; the others are not.
later_kernel() {
	local kver=7.4.0-test
	root mkdir -p "/lib/modules/$kver"
	root ln -s "$(root readlink -f "/lib/modules/${kvers[0]}/build")" \
		"/lib/modules/$kver/build"
	prints 'BUILD_EXCLUSIVE' rpm_with "$VERSION" -U --replacepkgs
	silent root find "/lib/modules/$kver" -name '*.ko*'
	root rm -r "/lib/modules/$kver"
}

same_versions() {
	is "$(root pciback-fixup --version)" "pciback-fixup $1"
	is "$(root rpm -qa --qf '%{name} %{version}\n' | sort | xargs)" \
		"pciback-fixup $1 $NAME-dkms $1"
	only_version "$1"
}

# rpm has found out itself which libraries the command needs.
requires() {
	local library
	root ldd /usr/sbin/pciback-fixup | awk '/=>/ { print $1 }' | grep -v '^libc\.' |
		while read -r library; do
			# Those that other libraries bring are not the command's.
			root grep -q "$library" /usr/sbin/pciback-fixup || continue
			prints "^$library" root rpm -q --requires pciback-fixup
		done
	prints '^dkms >= ' root rpm -q --requires "$NAME-dkms"
}

documents() {
	local file
	for file in README.md index.rst sysfs-driver-pciback-fixup xen-pciback-fixup.rst; do
		prints "/doc/.*/$file\$" root rpm -qd pciback-fixup
	done
	silent root rpm -V --nodeps "$NAME-dkms"
}

# --- the run ------------------------------------------------------------------

"$(dirname "$0")/rpm.sh" >/dev/null
need mmdebstrap
make_root "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$RPM/root"
run_logged "$RPM/apt.log" root apt-get install -y "${DEPENDS[@]}"
$SUDO mkdir -p "$ROOT/tmp/packages"
$SUDO cp "$RPM"/RPMS/*/*.rpm "$ROOT/tmp/packages/"

say "building a later version, $NEXT"
copy_source "$RPM/$NAME-$NEXT"
other_version "$RPM/$NAME-$NEXT" "$NEXT"
tarball "$RPM/$NAME-$NEXT" "$RPM/$NAME-$NEXT.tar.gz"
build_rpms "$RPM/$NAME-$NEXT.tar.gz"
$SUDO cp "$RPM"/RPMS/*/*"-$NEXT-"*.rpm "$ROOT/tmp/packages/"

say "installing"
succeeds "both packages install where no kernel's headers are" without_headers
succeeds "both packages can be installed again" rpm_with "$VERSION" -U --replacepkgs
check_modules "DKMS built the module" "$VERSION"
succeeds "command, packages and module have one version" same_versions "$VERSION"
succeeds "rpm knows what they need" requires
succeeds "the manual is found" silent root sh -c 'man -w pciback-fixup >/dev/null'
succeeds "the documents are there, and all files are as in the package" documents

say "installing again"
succeeds "Linux 7.4 is skipped, with a message" later_kernel
check_modules "the module is still there" "$VERSION"

say "upgrading"
succeeds "the command writes its files" written
succeeds "both packages can be upgraded" rpm_with "$NEXT" -U
check_modules "the upgrade built the module again" "$NEXT"
succeeds "nothing is left of the earlier version" same_versions "$NEXT"
succeeds "what the command wrote is left" still_written

say "removing"
succeeds "both packages can be removed" root rpm -e pciback-fixup $NAME-dkms
succeeds "rpm knows nothing of them" silent root rpm -qa
succeeds "nothing is left" nothing_left

ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the RPM packages, and install, upgrade and remove them in a root of this machine's
# Debian. rpm's database is empty there, which is why --nodeps is given; the packages'
# scripts run, and DKMS builds the module. Prints TAP.
. "$(dirname "$0")/root.sh"

query=(rpm -q --qf '%{version} ')

# rpm_with VERSION "OPTION ..."
rpm_with() { root sh -c "rpm --nodeps $2 /tmp/packages/*-$1-1.*.rpm"; }

without_headers() {
	prints "^no kernel's headers: install kernel-devel" \
		root sh -c "mount -t tmpfs tmpfs /lib/modules && rpm --nodeps -i /tmp/packages/*-$VERSION-1.*.rpm"
}

# rpm finds the command's libraries by itself.
requires() {
	local library
	for library in kmod pci smartcols xenstore; do
		prints "^lib$library\.so" root rpm -q --requires pciback-fixup
	done
	prints '^dkms >= ' root rpm -q --requires "$NAME-dkms"
}

as_packaged() {
	local readme
	readme=$(root rpm -qd pciback-fixup | grep '/README\.md$')
	documents "$RPM/$NAME-$VERSION" "$ROOT${readme%/*}"
	silent root rpm -V --nodeps pciback-fixup "$NAME-dkms"
}

# --- the run ------------------------------------------------------------------

"$(dirname "$0")/rpm.sh" >/dev/null
need mmdebstrap
make_root "$(release VERSION_CODENAME)" "$RPM/root"
run_logged "$RPM/apt.log" root apt-get install -y "${DEPENDS[@]}"

say "building a later version, $NEXT"
copy_source "$RPM/$NAME-$NEXT"
other_version "$RPM/$NAME-$NEXT" "$NEXT"
build_rpms "$RPM/$NAME-$NEXT"
$SUDO cp "$RPM"/RPMS/*/*.rpm "$ROOT/tmp/packages/"

say "installing"
succeeds "both packages install where no kernel's headers are" without_headers
succeeds "both packages can be installed again" rpm_with "$VERSION" "-U --replacepkgs"
check_modules "DKMS built the module" "$VERSION"
succeeds "command, packages and module have one version" same_versions "$VERSION" "${query[@]}"
succeeds "rpm knows what they need" requires
succeeds "the manual is found" silent root sh -c 'man -w pciback-fixup >/dev/null'
succeeds "the documents are there, and all files are as in the package" as_packaged

say "installing again"
succeeds "Linux 7.4 is skipped, with a message" later_kernel \
	prints BUILD_EXCLUSIVE rpm_with "$VERSION" "-U --replacepkgs"
check_modules "the module is still there" "$VERSION"

say "upgrading"
succeeds "the command writes its files" written
succeeds "both packages can be upgraded" rpm_with "$NEXT" -U
check_modules "the upgrade built the module again" "$NEXT"
succeeds "nothing is left of the earlier version" same_versions "$NEXT" "${query[@]}"
succeeds "what the command wrote is left" still_written

say "removing"
succeeds "both packages can be removed" root rpm -e pciback-fixup $NAME-dkms
succeeds "rpm knows nothing of them" silent root rpm -qa
succeeds "nothing is left" nothing_left

ktap_finished

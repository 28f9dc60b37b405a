# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the scripts that build, install and test the packages.

. "$(dirname "${BASH_SOURCE[0]}")/../tools/testing/selftests/pciback_fixup/rig/image.sh"

NAME=xen-pciback-fixup
DEB=$BUILD/deb
RPM=$BUILD/rpm

VERSION=$(version_of "$TOP") || die "fixup_main.c has no MODULE_VERSION"

# same_version FILE VERSION: fail if FILE names another version than the module
same_version() {
	[ "$2" = "$VERSION" ] ||
		die "$1 has version ${2:-(none)}, MODULE_VERSION in fixup_main.c is $VERSION"
}

# copy_source DIR: copy the source tree without the files that .gitignore names
copy_source() {
	rm -rf "$1"
	mkdir -p "$1"
	rsync -a --no-owner --no-group --chmod=u+w,go=rX --exclude=.git \
		--filter=':- .gitignore' "$TOP/" "$1"
}

# build_rpms DIR: pack DIR into DIR.tar.gz, and build the source package in $RPM/SRPMS and
# the binary packages in $RPM/RPMS.
# --nodeps: Debian's packages are not in rpm's database, and have other names.
# brp-compress needs bash. Stripping is up to each distribution: here the linker does it.
build_rpms() {
	tar -C "$(dirname "$1")" --owner=0 --group=0 -czf "$1.tar.gz" "$(basename "$1")"
	run_logged "$RPM/build.log" rpmbuild -ta --nodeps --define "_topdir $RPM" \
		--define '__brp_compress bash %{_rpmconfigdir}/brp-compress /usr' \
		--define 'build_ldflags -s' "$1.tar.gz"
}

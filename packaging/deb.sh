#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make deb: build the Debian packages in build/deb, and have lintian look at them.
. "$(dirname "$0")/build-debs.sh"

"$QEMU_DIR/deps.sh" build-essential debhelper dh-dkms libpci-dev lintian python3 git

changelog=$(dpkg-parsechangelog -l "$TOP/debian/changelog" -S Version)
[ "$changelog" = "$VERSION" ] ||
	die "debian/changelog has version $changelog, tools/pciback-fixup/VERSION has $VERSION"

say "building the packages, version $VERSION"
rm -f "$DEB"/*.{deb,dsc,tar.*,buildinfo,changes}
copy_source "$DEB/xen-pciback-fixup-$VERSION"
build_debs "$DEB/xen-pciback-fixup-$VERSION"

say "lintian:"
lintian --allow-root --fail-on error "$DEB"/*.changes >&2 ||
	die "lintian found errors, see above"
say "lintian has no error; the packages:"
ls "$DEB"/*.deb

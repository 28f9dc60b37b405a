#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make deb: build the Debian packages in build/deb, and check them with lintian.
. "$(dirname "$0")/common.sh"

need build-essential bash-completion debhelper dh-dkms libkmod-dev libpci-dev \
	libsmartcols-dev libxen-dev pkgconf lintian python3 rsync

same_version debian/changelog \
	"$(dpkg-parsechangelog -l "$TOP/debian/changelog" -S Version)"

say "building the packages, version $VERSION"
rm -f "$DEB"/*.{deb,dsc,tar.*,buildinfo,changes}
copy_source "$DEB/$NAME-$VERSION"
run_logged "$DEB/build.log" env -C "$DEB/$NAME-$VERSION" DEB_BUILD_OPTIONS=noautodbgsym \
	dpkg-buildpackage -us -uc

say "lintian:"
# debian/control names the policy of Debian 13, which lintian of Debian 12 does not know.
lintian --allow-root --fail-on error,warning --suppress-tags newer-standards-version \
	"$DEB"/*.changes >&2 ||
	die "lintian found errors or warnings, see above"
say "lintian found no errors or warnings; the packages:"
ls "$DEB"/*.deb

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make deb: build the Debian packages in build/deb, and have lintian look at them.
. "$(dirname "$0")/common.sh"

need build-essential bash-completion debhelper dh-dkms libkmod-dev libpci-dev \
	libsmartcols-dev libxen-dev pkgconf lintian python3 git

same_version debian/changelog \
	"$(dpkg-parsechangelog -l "$TOP/debian/changelog" -S Version)"

say "building the packages, version $VERSION"
rm -f "$DEB"/*.{deb,dsc,tar.*,buildinfo,changes}
copy_source "$DEB/$NAME-$VERSION"
(
	cd "$DEB/$NAME-$VERSION"
	run_logged "$DEB/build.log" env DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc
)

say "lintian:"
# Debian 12's does not know the policy of Debian 13, which debian/control names.
lintian --allow-root --fail-on error,warning --suppress-tags newer-standards-version \
	"$DEB"/*.changes >&2 ||
	die "lintian found errors or warnings, see above"
say "lintian has no error and no warning; the packages:"
ls "$DEB"/*.deb

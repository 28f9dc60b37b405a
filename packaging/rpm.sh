#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make rpm: build the RPM packages in build/rpm, and check them with rpmlint.
. "$(dirname "$0")/common.sh"

need build-essential bash-completion debugedit libkmod-dev libpci-dev libsmartcols-dev \
	libxen-dev pkgconf python3 rpm rpmlint rsync

same_version "packaging/$NAME.spec" \
	"$(sed -n 's/^Version: *//p' "$TOP/packaging/$NAME.spec")"

say "building the packages, version $VERSION"
rm -rf "$RPM"/{BUILD,BUILDROOT,RPMS,SRPMS,SOURCES,SPECS} "${RPM:?}/$NAME"*
copy_source "$RPM/$NAME-$VERSION"
build_rpms "$RPM/$NAME-$VERSION"

say "rpmlint:"
rpmlint --strict --config "$TOP/packaging/rpmlint.toml" "$RPM"/SRPMS/*.rpm "$RPM"/RPMS/*/*.rpm >&2 ||
	die "rpmlint found errors or warnings, see above"
say "rpmlint found no errors or warnings; the packages:"
ls "$RPM"/RPMS/*/*.rpm

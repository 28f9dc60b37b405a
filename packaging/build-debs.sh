# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What building the packages and testing them share.

. "$(dirname "${BASH_SOURCE[0]}")/../tools/testing/selftests/pciback_fixup/qemu/build.sh"

DEB=$BUILD/deb
VERSION=$(cat "$TOP/tools/pciback-fixup/VERSION")

# copy_source DIR: the tree as git would commit it now, without what was built in it
copy_source() {
	rm -rf "$1"
	mkdir -p "$1"
	(
		cd "$TOP"
		git ls-files -z --cached --others --exclude-standard |
			while IFS= read -rd '' file; do
				# What was deleted, but not in git yet, is listed too.
				[ ! -e "$file" ] || printf '%s\0' "$file"
			done | tar -c --null -T -
	) | tar -x -C "$1"
}

# build_debs SOURCE: they come to lie beside it
build_debs() {
	(
		cd "$1"
		run_logged "$DEB/build.log" env DEB_BUILD_OPTIONS=noautodbgsym \
			dpkg-buildpackage -us -uc
	)
}

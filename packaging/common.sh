# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What building the packages and testing them share.

. "$(dirname "${BASH_SOURCE[0]}")/../tools/testing/selftests/pciback_fixup/rig/image.sh"

NAME=xen-pciback-fixup
DEB=$BUILD/deb
RPM=$BUILD/rpm

VERSION=$(version_of "$TOP") || die "fixup_main.c has no MODULE_VERSION"

# same_version FILE VERSION: a file that has to name it by itself does
same_version() {
	[ "$2" = "$VERSION" ] ||
		die "$1 has version ${2:-(none)}, MODULE_VERSION in fixup_main.c is $VERSION"
}

# copy_source DIR: the tree without what .gitignore names. Git is asked through a
# repository made for it, for this may be an unpacked tarball, or somebody else's clone.
copy_source() {
	local repo
	repo=$(mktemp -d)
	rm -rf "$1"
	mkdir -p "$1"
	git init -q --bare "$repo"
	(
		cd "$TOP"
		git --git-dir="$repo" --work-tree=. ls-files -z --others --exclude-standard |
			tar -c --null -T - --owner=0 --group=0 --mode=u+w,go=rX
	) | tar -x --no-same-owner -C "$1"
	rm -rf "$repo"
}

# tarball DIR FILE: of the tree in DIR, whose name and version are its folder's
tarball() {
	tar -C "$(dirname "$1")" --sort=name --owner=0 --group=0 --numeric-owner \
		"${@:3}" -czf "$2" "$(basename "$1")"
}

# build_rpms TARBALL: the source package and the binary ones, in $RPM/SRPMS and $RPM/RPMS.
# What the spec needs has other names on Debian, and is not in rpm's database: --nodeps.
# What compresses manuals needs bash there; and a distribution strips in its own way.
build_rpms() {
	run_logged "$RPM/build.log" rpmbuild -ta --nodeps --define "_topdir $RPM" \
		--define '__brp_compress bash %{_rpmconfigdir}/brp-compress /usr' \
		--define 'build_ldflags -s' "$1"
}

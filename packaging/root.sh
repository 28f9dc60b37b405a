# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the tests of the packages: a root of a Debian release with the headers of each
# of its kernels, in which the packages are installed, and functions for the tests.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The version to upgrade to, and files that the command writes
NEXT=$VERSION.1
WRITTEN=("/etc/modprobe.d/$NAME.conf" "/etc/modules-load.d/$NAME.conf")

# The root has TOOLS installed. DEPENDS, the packages' dependencies and rpm, are only
# downloaded: apt has to install them with the packages.
TOOLS=(man-db bash-completion make findutils)
DEPENDS=(dkms libkmod2 libpci3 libsmartcols1 libxenstore4 rpm)

# chrooted DIR COMMAND...: run COMMAND in DIR, with namespaces of its own: when it ends,
# its processes and mounts go. The command's tests need a terminal.
chrooted() {
	timeout -k 10 900 $SUDO unshare --mount --pid --fork --kill-child --root="$1" --mount-proc \
		/usr/bin/env -i LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c 'mount -t devpts devpts /dev/pts && exec "$@"' sh "${@:2}" </dev/null
}

root() { chrooted "$ROOT" "$@"; }

# kernels: the newest of each series in the release and its backports
kernels() {
	for STACK in "$SUITE" "$SUITE-backports"; do kvers amd64; done |
		sort -rV | sort -u -t . -k 1,2V
}

# fill_release DIR "APT-GET COMMAND" PACKAGE,...: make DIR/root with the packages, and run
# apt-get in it. Its /tmp has debian/control, for build-dep.
fill_release() {
	local apt=$BUILD/apt/$SUITE-backports
	run_logged "$BUILD/log/mmdebstrap-packages-$SUITE.log" $SUDO mmdebstrap --mode=root \
		--variant=minbase --include="$3" --skip=cleanup/apt,cleanup/tmp \
		--aptopt="$(grep ^Acquire "$apt/apt.conf")" \
		--aptopt='APT::Install-Recommends "false"' \
		--customize-hook="copy-in $TOP/debian /tmp" \
		--customize-hook="chroot \"\$1\" apt-get -y $2" \
		"" "$1/root" "$apt/sources.list"
}

# build_release NAME "APT-GET COMMAND" PACKAGE...
build_release() {
	local KEY
	KEY=$(STACK=$SUITE-backports versions dpkg "${@:3}" "${DEPENDS[@]}")
	[[ $2 != build-dep* ]] || KEY+=$(<"$TOP/debian/control")
	cached "$1-$SUITE" fill_release "$2" "$(IFS=,; echo "${*:3}")"
}

# make_root SUITE DIR: make a root in DIR, which is removed when the test ends; fill kvers
make_root() {
	local base
	SUITE=$1 ROOT=$2 made=("$2")
	kvers=$(kernels)
	mapfile -t kvers <<<"$kvers"
	base=$(build_release packages-root "install --download-only ${DEPENDS[*]}" \
		"${TOOLS[@]}" "${kvers[@]/#/linux-headers-}")
	say "copying the root of $SUITE, with the headers of ${kvers[*]}"
	$SUDO rm -rf --one-file-system "$ROOT"
	mkdir -p "$(dirname "$ROOT")"
	$SUDO cp -a "$base/root" "$ROOT"
	$SUDO mkdir -p "$ROOT/tmp/packages"
	trap '$SUDO rm -rf --one-file-system "${made[@]}"' EXIT
}

# --- tests ----------------------------------------------------------------------

# prints PATTERN COMMAND...: COMMAND succeeds, and a line of its output matches
prints() {
	local out
	out=$("${@:2}" 2>&1) && grep -E -- "$1" <<<"$out" && return
	echo "$out"
	return 1
}

# refuses PATTERN COMMAND...: COMMAND fails, and a line of its output matches
refuses() { prints "$1" not "${@:2}"; }

# documents SOURCE DIR: the documents in DIR are those in SOURCE
documents() {
	cmp "$1/README.md" "$2/README.md"
	diff -r "$1/Documentation" "$2/Documentation"
}

# Without the messages of readelf, which dkms runs on kernels
status() { root dkms status -m "$NAME" "$@" 2>/dev/null; }

# has_module KVER VERSION: DKMS built the module for that kernel, and modprobe finds it.
# DKMS 3.2 makes no modules.dep if only the headers of a kernel are installed.
has_module() {
	local file
	is "$(status -k "$1")" "$NAME/$2, $1, x86_64: installed"
	file=$(root find "/lib/modules/$1/updates/dkms" -name "$NAME.ko*")
	is "$(root modinfo -F vermagic "$file" | cut -d ' ' -f 1)" "$1"
	is "$(root modinfo -F version "$file")" "$2"
	[ ! -e "$ROOT/lib/modules/$1/modules.dep" ] ||
		is "$(root modinfo -k "$1" -n "$NAME")" "$file"
}

check_modules() {
	local kver
	for kver in "${kvers[@]}"; do
		succeeds "$1, for $kver" has_module "$kver" "$2"
	done
}

# later_kernel COMMAND...: run COMMAND while there are headers of a kernel that is too new.
# DKMS builds nothing for it.
later_kernel() {
	local dir=/lib/modules/7.4.0-test
	root mkdir -p "$dir"
	root ln -s "$(root readlink -f "/lib/modules/${kvers[0]}/build")" "$dir/build"
	"$@"
	silent root find "$dir" -name '*.ko*'
	root rm -r "$dir"
}

# nothing_left [FILE...]: nothing is left of the packages but these files
nothing_left() {
	is "$(status)" ''
	is "$(root find / -xdev \( -path /tmp -o -path /var/cache/man \) -prune \
		-o -name '*pciback*fixup*' -print | sort | xargs)" "$*"
	silent root sh -c "grep -ls $NAME /lib/modules/*/modules.* || :"
}

only_version() {
	is "$(status | sed 's/,.*//' | sort -u)" "$NAME/$1"
	is "$(root sh -c "ls -d /usr/src/$NAME-*")" "/usr/src/$NAME-$1"
}

# same_versions VERSION QUERY...: of the command, the module, and both packages by QUERY
same_versions() {
	is "$(root pciback-fixup --version)" "pciback-fixup $1"
	is "$(root "${@:2}" pciback-fixup "$NAME-dkms")" "$1 $1 "
	only_version "$1"
}

# Files with the first line that the command writes
written() {
	root mkdir -p /etc/modprobe.d /etc/modules-load.d
	echo '# Written by pciback-fixup.' | (cd "$ROOT" && $SUDO tee "${WRITTEN[@]/#/.}")
}

still_written() { silent root grep -Lx '# Written by pciback-fixup.' "${WRITTEN[@]}"; }

# other_version TREE VERSION [REVISION]: change the version of TREE as a release does; with
# a REVISION, as a distribution's package of it
other_version() {
	sed -i "s/^MODULE_VERSION(.*/MODULE_VERSION(\"$2\");/" \
		"$1/drivers/xen/xen-pciback/fixup_main.c"
	sed -i "1s/(.*)/($2${3+-$3})/" "$1/debian/changelog"
	[ -z "${3-}" ] || echo '3.0 (quilt)' >"$1/debian/source/format"
	sed -i "s/^\(Version: *\).*/\1$2/" "$1/packaging/$NAME.spec"
	[ "$(version_of "$1")" = "$2" ] || die "the version of $1 could not be changed"
}

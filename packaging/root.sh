# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of the packages share: a Debian 12 to install them in, which has DKMS
# and the headers of both kernel series, and the functions of the tests.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What the tests use, and what is only downloaded, so that the package's own tools
# have to install it: what the packages depend on, and rpm.
TOOLS=(man-db bash-completion make findutils)
DEPENDS=(dkms libkmod2 libpci3 libsmartcols1 libxenstore4 rpm)

# chrooted DIR COMMAND...: run it there, with namespaces of its own: when it
# ends, all that it started ends, and nothing is left mounted.
chrooted() {
	local dir=$1
	shift
	timeout -k 10 900 $SUDO unshare --mount --pid --fork --kill-child \
		chroot "$dir" /usr/bin/env -i LC_ALL=C.UTF-8 HOME=/root \
		DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c 'mount -t proc proc /proc && exec "$@"' sh "$@" </dev/null
}

root() { chrooted "$ROOT" "$@"; }

# fill_test_root PACKAGE... DIR: the packages, and apt ready to install DEPENDS
fill_test_root() {
	local dir=${*: -1}
	run_logged "$BUILD/log/mmdebstrap-packages.log" $SUDO mmdebstrap --mode=root \
		--variant=minbase --include="$(IFS=,; echo "${*:1:$#-1}")" \
		--skip=cleanup/apt --customize-hook="chroot \"\$1\" apt-get install -y \
			--download-only --no-install-recommends ${DEPENDS[*]}" \
		bookworm "$dir/root"
}

# The tests of both kinds of packages may come here at the same time.
build_test_root() {
	mkdir -p "$CACHE"
	exec 6>"$CACHE/packages-root.lock"
	flock 6
	cached packages-root "$( (versions "$@" "${DEPENDS[@]}"; declare -f fill_test_root) | key -)" \
		fill_test_root "$@" || return
	exec 6>&-
}

# make_root DIR: a copy of it in DIR, which goes when the test ends; fills kvers
make_root() {
	local series base
	ROOT=$1
	kvers=()
	for series in $(series); do kvers+=("$(kver "$series")"); done
	base=$(build_test_root "${TOOLS[@]}" "${kvers[@]/#/linux-headers-}")
	say "copying the root"
	$SUDO rm -rf --one-file-system "$ROOT"
	mkdir -p "$(dirname "$ROOT")"
	$SUDO cp -a "$base/root" "$ROOT"
	trap '$SUDO rm -rf --one-file-system "$ROOT"' EXIT
}

# --- tests ----------------------------------------------------------------------

# check WHAT COMMAND...: one test; what the command prints is shown if it fails
check() {
	local what=$1 status log=$BUILD/log/packages-check.$$
	shift
	mkdir -p "$BUILD/log"
	# Not after ||: bash would ignore set -e in there.
	set +e
	(set -e; "$@") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	[ $status = 0 ] || tail -n 30 "$log" | sed 's/^/# /'
	result $status "$what"
	rm -f "$log"
}

# prints PATTERN COMMAND...: it succeeds, and a line matches
prints() {
	local pattern=$1 out
	shift
	out=$("$@" 2>&1) || { echo "$out"; return 1; }
	grep -E -- "$pattern" <<<"$out" || { echo "$out"; return 1; }
}

# exits STATUS COMMAND...
exits() {
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	[ $status = "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
}

# fails PATTERN COMMAND...: and says why
fails() {
	local pattern=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "$out"
		return 1
	fi
	grep -E -- "$pattern" <<<"$out" || { echo "$out"; return 1; }
}

silent() {
	local out
	out=$("$@" 2>&1) || { echo "$out"; return 1; }
	[ -z "$out" ] || { echo "$out"; return 1; }
}

is() { [ "$1" = "$2" ] || { printf '%s\n' "it is:" "$1" "but must be:" "$2"; return 1; }; }

# --- what DKMS has made -----------------------------------------------------------

# Without what readelf says, which DKMS asks about the compiler of kernels.
status() { root dkms status -m "$NAME" "$@" 2>/dev/null; }

# has_module KVER VERSION: DKMS built it for that kernel, and modprobe finds it
has_module() {
	local file
	is "$(status -k "$1")" "$NAME/$2, $1, x86_64: installed"
	file=$(root modinfo -k "$1" -n "$NAME")
	is "${file%.xz}" "/lib/modules/$1/updates/dkms/$NAME.ko"
	is "$(root modinfo -k "$1" -F vermagic "$NAME" | cut -d ' ' -f 1)" "$1"
	is "$(root modinfo -k "$1" -F version "$NAME")" "$2"
}

check_modules() {
	local kver
	for kver in "${kvers[@]}"; do
		check "$1, for $kver" has_module "$kver" "$2"
	done
}

only_version() {
	is "$(status | sed 's/,.*//' | sort -u)" "$NAME/$1"
	is "$(root sh -c "ls -d /usr/src/$NAME-*")" "/usr/src/$NAME-$1"
}

# other_version TREE VERSION [REVISION]: make it that version, as a release would, and
# with a REVISION, as a distribution's package of it
other_version() {
	sed -i "s/^MODULE_VERSION(.*/MODULE_VERSION(\"$2\");/" \
		"$1/drivers/xen/xen-pciback/fixup_main.c"
	sed -i "1s/(.*)/($2${3+-$3})/" "$1/debian/changelog"
	[ -z "${3-}" ] || echo '3.0 (quilt)' >"$1/debian/source/format"
	sed -i "s/^\(Version: *\).*/\1$2/" "$1/packaging/$NAME.spec"
	[ "$(version_of "$1")" = "$2" ] || die "the version of $1 could not be changed"
}

# fails_of_version SED_EXPRESSION FILE TARGET: make TARGET sees that FILE has another
fails_of_version() {
	local dir
	dir=$(mktemp -d)
	copy_source "$dir"
	sed -i "$1" "$dir/$2"
	fails "^error: $2 has version .*, MODULE_VERSION in fixup_main.c is" \
		env -u BUILD make -C "$dir" "$3"
	rm -rf "$dir"
}

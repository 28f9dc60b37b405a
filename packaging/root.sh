# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of the packages share: a root of a Debian release to install them in,
# which has the headers of each of its kernels, and the functions of the tests.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What the command writes
WRITTEN="/etc/modprobe.d/$NAME.conf /etc/modules-load.d/$NAME.conf"

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
		sh -c 'mount -t proc proc /proc && mount -t devpts devpts /dev/pts && exec "$@"' sh "$@" </dev/null
}

root() { chrooted "$ROOT" "$@"; }

# with_backports COMMAND...: with an apt that knows the release and its backports
with_backports() { in_suite "$SUITE-backports" "$@"; }

# kernels: the newest of each series that the release or its backports have
kernels() {
	local suite packages
	for suite in "$SUITE" "$SUITE-backports"; do
		mapfile -t packages < <(in_suite "$suite" apt-cache pkgnames linux-headers- |
			grep -xE 'linux-headers-([0-9.]+-)?amd64')
		in_suite "$suite" apt-cache depends "${packages[@]}"
	done | sed -n 's/^ *Depends: linux-headers-//p' | sort -V |
		awk -F . '{ newest[$1 "." $2] = $0 } END { for (i in newest) print newest[i] }' |
		sort -V | grep . || die "Debian's $SUITE has no kernel headers"
}

# fill_release DIR "APT-GET COMMAND" PACKAGE,...: a root with the packages, in which apt-get
# has been run; debian/control is in its /tmp.
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
	local name=$1 command=$2 KEY
	shift 2
	KEY=$(with_backports apt-cache show --no-all-versions dpkg "$@" "${DEPENDS[@]}" |
		grep -E '^(Package|Version):')
	[[ $command != build-dep* ]] || KEY+=$(<"$TOP/debian/control")
	cached "$name-$SUITE" fill_release "$command" "$(IFS=,; echo "$*")"
}

# make_root SUITE DIR: a root in DIR, which goes when the test ends; fills kvers
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
	trap '$SUDO rm -rf --one-file-system "${made[@]}"' EXIT
}

# --- tests ----------------------------------------------------------------------

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

# --- what DKMS has made -----------------------------------------------------------

# Without what readelf says, which DKMS asks about the compiler of kernels.
status() { root dkms status -m "$NAME" "$@" 2>/dev/null; }

# has_module KVER VERSION: DKMS built it for that kernel, and modprobe finds it. For a
# kernel of which there are only the headers, DKMS 3.2 makes no modules.dep.
has_module() {
	local file
	is "$(status -k "$1")" "$NAME/$2, $1, x86_64: installed"
	file=$(find "$ROOT/lib/modules/$1/updates/dkms" -name "$NAME.ko*")
	file=${file#"$ROOT"}
	is "${file%.xz}" "/lib/modules/$1/updates/dkms/$NAME.ko"
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

# nothing_left [FILE...]: of the module, the command and what DKMS made, but these files
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

# The command's own files, as it begins them
written() {
	local file
	for file in $WRITTEN; do
		$SUDO mkdir -p "$(dirname "$ROOT$file")"
		echo '# Written by pciback-fixup.' | $SUDO tee "$ROOT$file" >/dev/null
	done
}

still_written() {
	local file
	for file in $WRITTEN; do is "$(cat "$ROOT$file")" '# Written by pciback-fixup.'; done
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

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-deb: build the packages, and install, use, upgrade and remove them in
# a Debian 12 made for it, which has the headers of both kernel series. Prints a
# line "ok - NAME" or "not ok - NAME" for each test; the last line counts them.
. "$(dirname "$0")/build-debs.sh"

NAME=xen-pciback-fixup
ROOT=$DEB/root
NEXT=$VERSION.1
CONF=/etc/modprobe.d/$NAME.conf

# What the tests use, and what the packages depend on: that is only downloaded.
TOOLS=(man-db bash-completion make findutils)
DEPENDS=(dkms libpci3)

# --- the root -----------------------------------------------------------------

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

# fill_deb_root PACKAGE... DIR: the packages, and apt ready to install DEPENDS
fill_deb_root() {
	local dir=${*: -1}
	run_logged "$BUILD/log/mmdebstrap-deb.log" $SUDO mmdebstrap --mode=root \
		--variant=minbase --include="$(IFS=,; echo "${*:1:$#-1}")" \
		--skip=cleanup/apt --customize-hook="chroot \"\$1\" apt-get install -y \
			--download-only --no-install-recommends ${DEPENDS[*]}" \
		bookworm "$dir/root"
}

build_deb_root() {
	cached deb-root "$( (versions "$@" "${DEPENDS[@]}"; declare -f fill_deb_root) | key -)" \
		fill_deb_root "$@"
}

# --- the tests ----------------------------------------------------------------

passed=0
failed=0

# check WHAT COMMAND...: one test; what the command prints is shown if it fails
check() {
	local what=$1 status
	shift
	# Not behind ||: bash would ignore set -e in there.
	set +e
	(set -e; "$@") >"$DEB/check.log" 2>&1 </dev/null
	status=$?
	set -e
	cat "$DEB/check.log" >>"$DEB/test.log"
	if [ $status = 0 ]; then
		echo "ok - $what"
		passed=$((passed + 1))
	else
		tail -n 30 "$DEB/check.log" | sed 's/^/# /'
		echo "not ok - $what"
		failed=$((failed + 1))
	fi
}

# apt COMMAND [PACKAGE...]
apt() { root apt-get -y --no-install-recommends "$@"; }

# install VERSION: both packages, and what they depend on
install_debs() { apt install /tmp/packages/{$NAME-dkms,pciback-fixup}_"$1"_amd64.deb; }

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

# Without what readelf says, which DKMS asks about the compiler of kernels.
status() { root dkms status -m $NAME "$@" 2>/dev/null; }

# has_module KVER VERSION: DKMS built it for that kernel, and modprobe finds it
has_module() {
	local file
	is "$(status -k "$1")" "$NAME/$2, $1, x86_64: installed"
	file=$(root modinfo -k "$1" -n $NAME)
	is "${file%.xz}" "/lib/modules/$1/updates/dkms/$NAME.ko"
	is "$(root modinfo -k "$1" -F vermagic $NAME | cut -d ' ' -f 1)" "$1"
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

same_version() {
	is "$(root pciback-fixup --version)" "pciback-fixup $VERSION"
	is "$(root dpkg-query -W -f '${Version} ' pciback-fixup $NAME-dkms)" \
		"$VERSION $VERSION "
	only_version "$VERSION"
}

completes() {
	prints '^enable$' root bash -c '
		. /usr/share/bash-completion/bash_completion
		_completion_loader pciback-fixup
		COMP_WORDS=(pciback-fixup en) COMP_CWORD=1
		COMP_LINE="pciback-fixup en" COMP_POINT=16
		_pciback_fixup
		printf "%s\n" "${COMPREPLY[@]}"'
}

# modprobe understands the example, where its text says that it belongs.
example() {
	root cp "/usr/share/doc/pciback-fixup/examples/$NAME.conf" $CONF
	prints '^options xen_pciback_fixup devices=\(' root modprobe -c
}

autoinstall() {
	root dkms unbuild "$NAME/$VERSION" --all
	silent root sh -c "find /lib/modules -name '$NAME.ko*'"
	local kver
	for kver in "${kvers[@]}"; do root dkms autoinstall -k "$kver"; done
}

# DKMS has an exit status for kernels that a module says it is not for.
not_built() {
	root mkdir -p "/lib/modules/$1"
	exits 77 root dkms build "$NAME/$VERSION" -k "$1" --kernelsourcedir "$2"
	root rmdir "/lib/modules/$1"
}

# config LINE: a folder with a kernel configuration of this line only
config() {
	root mkdir -p /tmp/config
	echo "$1" | $SUDO tee "$ROOT/tmp/config/.config" >/dev/null
}

not_built_for_config() {
	config "$1"
	not_built 6.99.0-test /tmp/config
}

# Of the module, the command and what DKMS made. The administrator's file stays.
nothing_left() {
	is "$(status)" ''
	is "$(root find / -xdev \( -path /tmp/packages -o -path /var/cache/man \) -prune \
		-o -name '*pciback*fixup*' -print)" $CONF
	silent root sh -c "grep -ls $NAME /lib/modules/*/modules.* || :"
	silent root sh -c "dpkg-query -W '*pciback-fixup*' 2>/dev/null || :"
}

dkms_install() { root make -C /tmp/packages/source dkms-install "$@"; }

# --- the run ------------------------------------------------------------------

"$(dirname "$0")/deb.sh" >/dev/null
"$QEMU_DIR/deps.sh" mmdebstrap
rm -f "$DEB/test.log"

kvers=()
for series in $SERIES; do kvers+=("$(kver "$series")"); done
base=$(build_deb_root "${TOOLS[@]}" "${kvers[@]/#/linux-headers-}")
say "copying the root"
$SUDO rm -rf --one-file-system "$ROOT"
$SUDO cp -a "$base/root" "$ROOT"
trap '$SUDO rm -rf --one-file-system "$ROOT"' EXIT

say "building a later version, $NEXT"
next=$DEB/next/$NAME-$NEXT
rm -rf "$DEB/next"
copy_source "$next"
echo "$NEXT" >"$next/tools/pciback-fixup/VERSION"
sed -i "1s/($VERSION)/($NEXT)/" "$next/debian/changelog"
build_debs "$next"

$SUDO mkdir -p "$ROOT/tmp/packages"
$SUDO cp "$DEB"/*.deb "$DEB"/next/*.deb "$ROOT/tmp/packages/"
$SUDO cp -r "$DEB/$NAME-$VERSION" "$ROOT/tmp/packages/source"

say "installing"
check "both packages install" install_debs "$VERSION"
check_modules "DKMS built the module" "$VERSION"
check "command, packages and module have one version" same_version
check "pciback-fixup --help" prints '^[Uu]sage: ' root pciback-fixup --help
check "the manual is found, and has no warning" silent root sh -c \
	'man --warnings pciback-fixup 2>&1 >/dev/null; man -w pciback-fixup >/dev/null'
check "bash completes its commands" completes
check "modprobe reads the example" example

say "building again"
check "dkms autoinstall runs after the module was taken away" autoinstall
check_modules "dkms autoinstall built the module again" "$VERSION"
check "not built for Linux 5.10" not_built 5.10.0-test "/lib/modules/${kvers[0]}/build"
check "not built for Linux 6.0" not_built 6.0.0-test "/lib/modules/${kvers[0]}/build"
check "not built without xen-pciback" not_built_for_config \
	'# CONFIG_XEN_PCIDEV_BACKEND is not set'
check "not built for a kernel that has the driver" not_built_for_config \
	$'CONFIG_XEN_PCIDEV_BACKEND=y\nCONFIG_XEN_PCIDEV_BACKEND_FIXUP=y'

say "upgrading"
check "make dkms-install leaves the package alone" fails \
	"error: the package $NAME-dkms is installed" dkms_install KVER="${kvers[0]}"
check "both packages can be upgraded" install_debs "$NEXT"
check_modules "the upgrade built the module again" "$NEXT"
check "nothing is left of the earlier version" only_version "$NEXT"

say "removing"
check "both packages can be removed" apt remove $NAME-dkms pciback-fixup
check "nothing is left but the administrator's file" nothing_left
check "both packages install again" install_debs "$VERSION"
check "both packages can be purged" apt purge $NAME-dkms pciback-fixup
check "a purge leaves as little" nothing_left

say "make dkms-install"
check "make dkms-install needs root" fails '^error: only root' \
	root setpriv --reuid=65534 --clear-groups make -C /tmp/packages/source dkms-install
check "make dkms-install needs the kernel's headers" fails \
	'^error: no headers for kernel 6.99.0-test' dkms_install KVER=6.99.0-test
check "make dkms-install for ${kvers[0]}" dkms_install KVER="${kvers[0]}"
check "make dkms-install built the module, for ${kvers[0]}" \
	has_module "${kvers[0]}" "$VERSION"
check "make dkms-install for ${kvers[1]} as well" dkms_install KVER="${kvers[1]}"
check_modules "make dkms-install built the module again" "$VERSION"
check "the command that make dkms-install prints removes it" root sh -c \
	"dkms remove $NAME/$VERSION --all && rm -r /usr/src/$NAME-$VERSION"
check "nothing is left but the administrator's file" nothing_left

echo "$passed passed, $failed failed"
[ $failed = 0 ]

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Build the parts of the test machine. Each build_* function prints the path of a folder in
# the cache, and fills it if it is not there.

. "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

# Packages for the building machine: for the rig, and for debug kernels
RIG_PACKAGES=(qemu-system-x86 mmdebstrap e2fsprogs cpio kmod xz-utils gzip python3)

KERNEL_PACKAGES=(make gcc libc6-dev bc flex bison libelf-dev libssl-dev perl)

# For compiling, beside the kernels' headers. W=1 runs kernel-doc, which is Perl.
COMPILER_PACKAGES=(make gcc libc6-dev perl pkg-config
	libpci-dev libkmod-dev libsmartcols-dev libxen-dev)

# dom0's root, besides Xen. These depend on the libraries of pciback-fixup.
DOM0_PACKAGES=(qemu-system-xen xen-utils-common xenstore-utils pciutils kmod mount procps
	gawk busybox-static seabios ipxe-qemu isolinux syslinux-common xorriso)

FLAVOURS=(amd64 cloud-amd64 rt-amd64)

# Modules of Debian's kernels for the initrds
DOM0_MODULES="virtio_pci virtio_blk virtio_console ext4 \
xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-pciback \
e1000e nvme xhci-pci aer_inject"
GUEST_MODULES="xen-pcifront e1000e nvme xhci-pci button evdev"
STUBDOM_MODULES="xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xen-blkfront xen-pcifront"

# key: a short hash of standard input
key() { sha256sum | cut -c1-16; }

# recipe FUNCTION: its text, and that of the rig's functions that it calls
recipe() {
	# Not every script sources all of these files.
	# shellcheck disable=SC2046 # words
	(declare -f "$1" $(sed -nE 's/^([a-z0-9_]+)\(\).*/\1/p' "$RIG"/*.sh "$RIG"/q35/*.sh) || :) |
		awk -v name="$1" '
			function add(name, n, words) {
				printf "%s", text[name]
				n = split(text[name], words, /[^a-z0-9_]+/)
				text[name] = ""
				for (; n; n--)
					if (words[n] in text)
						add(words[n])
			}
			/^[^ ]+ \(\) *$/ { at = $1 }
			!(at in done) { text[at] = text[at] $0 "\n" }
			/^}/ { done[at] }
			END { add(name) }'
}

# cached NAME FUNCTION [ARG...]: have FUNCTION DIR [ARG...] fill a folder, once for these
# arguments, its recipe and KEY
cached() {
	local name=$1 dir start=$SECONDS
	shift
	dir=$CACHE/$name-$( (echo "${@//$CACHE}" "${KEY-}"; recipe "$1") | key)
	[ -e "$dir" ] || wait_lock "$CACHE/lock/${dir##*/}" "$name"
	if [ ! -e "$dir" ]; then
		say "building $name ..."
		$SUDO rm -rf "$dir.tmp"
		mkdir -p "$dir.tmp"
		"$1" "$dir.tmp" "${@:2}" || die "$name could not be built"
		mv "$dir.tmp" "$dir"
		say "built $name in $((SECONDS - start)) s"
	fi
	echo "$dir"
}

# unpack DIR PACKAGE...: download packages, and unpack them in DIR
unpack() (
	as=
	[ -w "$1" ] || as=$SUDO
	debs=$(mktemp -d -p "$BUILD") || exit
	trap 'rm -r "$debs"' EXIT
	cd "$debs" && in_stack apt-get -qq download "${@:2}" >&2 </dev/null || exit
	for deb in *; do
		dpkg-deb --fsys-tarfile "$deb" | $as tar -x --keep-directory-symlink -C "$1" || exit
	done
)

# fill_root DIR SUITE PACKAGE,...: DIR/root with the essential packages, these, and their
# dependencies. They are only unpacked: no maintainer script runs.
fill_root() {
	local apt=$BUILD/apt/$2
	run_logged "$BUILD/log/mmdebstrap-$2.log" $SUDO mmdebstrap --variant=extract \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
		--include='?essential' --include="$3" \
		--aptopt="$(grep -E '^(Acquire|APT::Default)' "$apt/apt.conf")" \
		"" "$1/root" "$apt/sources.list"
	$SUDO rm -rf "$1/root"/usr/share/{doc,man,locale,info} \
		"$1/root"/var/{cache/apt,lib/apt}/*
}

# build_compiler: a folder with a root of the stack's suite. A module needs the compiler of
# the kernel's headers, a program needs the libraries of dom0.
build_compiler() {
	local suite headers packages
	suite=$(suite_of "$STACK") || return
	mapfile -t headers < <(for flavour in "${FLAVOURS[@]}"; do kvers "$flavour"; done |
		sed 's/^/linux-headers-/')
	# Some headers depend on their kernel, which is large.
	mapfile -t packages < <(in_stack apt-cache depends "${headers[@]}" |
		sed -n 's/^ *Depends: //p' | grep -vE '^(linux-image-|<)' | sort -u)
	set -- "${COMPILER_PACKAGES[@]}" "${packages[@]}"
	KEY=$(versions "$@" "${headers[@]}") cached "compiler-$suite" \
		fill_compiler "$suite" "$(IFS=,; echo "$*")" "${headers[@]}"
}

fill_compiler() { # DIR SUITE PACKAGE,... HEADERS...
	local root=$1/root
	fill_root "${@:1:3}"
	unpack "$root" "${@:4}" || return
	$SUDO ln -s mawk "$root/usr/bin/awk"
	# For objtool, which looks for its stack. Some containers cannot mount /proc.
	$SUDO mkdir -p "$root/proc/self"
	echo '0-0 [stack]' | $SUDO tee "$root/proc/self/maps" >/dev/null
}

# in_root ROOT DIR COMMAND...: with ROOT as /, in a copy of DIR that is copied back
in_root() {
	local root=$1 dir=$2 copy status=0
	shift 2
	copy=$(mktemp -d -p "$root/tmp")
	cp -a "$dir/." "$copy/"
	$SUDO chroot "$root" env -i PATH=/usr/bin:/usr/sbin LC_ALL=C \
		sh -c 'cd "$0" && exec "$@"' "/tmp/${copy##*/}" "$@" || status=$?
	cp -r "$copy/." "$dir/"
	$SUDO rm -rf "$copy"
	return $status
}

# build_root: a folder with a disk image of dom0's root, and its xen.elf and busybox
build_root() {
	local suite packages
	suite=$(suite_of "$STACK") || return
	packages=$(dependency xen-system-amd64 'xen-(utils|hypervisor)-.*') || return
	# shellcheck disable=SC2086 # words
	set -- $packages "${DOM0_PACKAGES[@]}"
	KEY=$(versions "$@") cached "dom0-root-$suite" fill_dom0 "$suite" "$(IFS=,; echo "$*")"
}

fill_dom0() { # DIR SUITE PACKAGE,...
	local root=$1/root
	fill_root "$@"
	zcat "$root"/boot/xen-*-amd64.gz >"$1/xen.elf" || return
	cp "$root/bin/busybox" "$1/"
	$SUDO ln -s gawk "$root/usr/bin/awk"
	$SUDO /sbin/ldconfig -r "$root"
	$SUDO mkdir -p "$root"/{run/lock,lib/modules,proc/xen} \
		"$root"/var/{lib/xen,log/xen,run/xen}
	run_logged "$BUILD/log/mke2fs.log" $SUDO /sbin/mke2fs -q -t ext4 -d "$root" \
		"$1/root.img" "$(($(du -sm "$root" | cut -f 1) * 5 / 4 + 128))M"
	$SUDO rm -rf "$root"
	$SUDO chown "$(id -u)" "$1/root.img"
}

# build_kernel SERIES: vmlinuz, kver and the modules we use
build_kernel() {
	local kver packages
	kver=$(kver "$1") || return
	# From 7.x on, linux-image-VERSION depends on packages with its contents.
	mapfile -t packages < <(in_stack apt-cache depends "linux-image-$kver" |
		sed -nE 's/^( *Depends: )?(linux-[a-z]+-[0-9].*)/\2/p')
	KEY=$(versions "${packages[@]}") cached "kernel-$kver" fill_kernel "$kver" \
		"$DOM0_MODULES $GUEST_MODULES $STUBDOM_MODULES" "${packages[@]}"
}

# Keep only what the initrds use: the rest is 500 MB.
fill_kernel() { # DIR KVER "MODULE ..." PACKAGE...
	local dir=$1 kver=$2 all=$1/all
	mkdir "$all"
	unpack "$all" "${@:4}" || return
	# The kernel's, since Linux 7.x
	[ -e "$all/lib" ] || ln -s usr/lib "$all/lib"
	mv "$all/boot/vmlinuz-$kver" "$dir/vmlinuz" 2>/dev/null ||
		mv "$all/lib/modules/$kver/vmlinuz" "$dir/vmlinuz"
	# busybox' modprobe cannot unpack them.
	find "$all" -name '*.ko.xz' -exec unxz {} +
	/sbin/depmod -b "$all" "$kver"
	copy_modules "$all" "$kver" "$3" "$dir"
	rm -rf "$all"
	echo "$kver" >"$dir/kver"
}

# copy_modules FROM KVER "MODULE ..." TO: with their dependencies. Debug kernels lack some.
copy_modules() {
	local from=$1 kver=$2 to=$4
	mkdir -p "$to/lib/modules/$kver"
	# shellcheck disable=SC2086 # words
	{ /sbin/modprobe -qaD -d "$from" -S "$kver" $3 || :; } |
		sed -n "s|^insmod $from/\([^ ]*\).*|\1|p" | sort -u |
		(cd "$from" && xargs -r cp --parents -t "$to")
	cp "$from/lib/modules/$kver"/modules.{order,builtin,builtin.modinfo} \
		"$to/lib/modules/$kver/"
	/sbin/depmod -b "$to" "$kver"
}

# make_module ROOT KVER DIR [VARIABLE=VALUE...]: build the module whose sources are in DIR
make_module() {
	in_root "$1" "$3" sh -c 'exec make -C "/lib/modules/$0/build" M="$PWD" "$@" modules' \
		"$2" "${@:4}"
}

fill_modules() { # DIR ROOT KVER LOG FILE...
	cp "${@:5}" "$1/"
	run_logged "$4" make_module "$2" "$3" "$1" W=1
	! grep -n 'warning:' "$4" >&2 || die "modules build with warnings for $3"
	find "$1" -mindepth 1 -not -name '*.ko' -delete
}

# build_modules NAME KVER FILE...: modules for Debian's kernel KVER, without a warning at W=1
build_modules() {
	local compiler
	compiler=$(build_compiler) || return
	KEY=$(cat "${@:3}") cached "$1-$2" fill_modules "$compiler/root" "$2" \
		"$BUILD/log/$1-$2.log" "${@:3}"
}

build_module() { build_modules module "$1" "$MODULE_DIR"/{fixup_*.[ch],Makefile*}; }

# build_bus_modules KVER: the simulated host bridge, and the module that counts reads on it
build_bus_modules() {
	build_modules bus "$1" "$CHECKS"/cost/{*.c,Makefile} \
		"$MODULE_DIR"/fixup_{bus,kunit_bridge}.[ch] "$MODULE_DIR/fixup_overlay.h"
}

# cpio_of DIR COMMAND...: print an initramfs of it, compressed by the command
cpio_of() {
	(cd "$1" && find . -mindepth 1 | sort | cpio --quiet -o -H newc -R 0:0 | "${@:2}")
}

# fill_initrd DIR KERNEL DOM0_ROOT INIT "MODULE ..." [FILE...]: DIR/initrd.gz with these
fill_initrd() {
	local root=$1/tree
	mkdir -p "$root"/{bin,dev,proc,sys,root,tmp}
	ln -s busybox "$root/bin/sh"
	install -m 755 "$4" "$root/init"
	install -m 755 -t "$root/bin" "$3/busybox" "${@:6}"
	[ -z "$5" ] || copy_modules "$2" "$(cat "$2/kver")" "$5" "$root"
	cpio_of "$root" gzip -9 >"$1/initrd.gz"
	rm -rf "$root"
}

# build_initrd NAME KERNEL INIT "MODULE ..." FILE...
build_initrd() {
	local root
	root=$(build_root) || return
	KEY=$(cat "$3" "${@:5}" | key) cached "$1" fill_initrd "$2" "$root" "${@:3}"
}

# bare_initrd DIR INIT [FILE...]: DIR/initrd.gz for a machine without Xen
bare_initrd() {
	local root
	root=$(build_root) || return
	fill_initrd "$1" "" "$root" "$2" "" "${@:3}"
}

# version_of TREE: the module's version, from which all others are taken
version_of() {
	sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' "$1/drivers/xen/xen-pciback/fixup_main.c" | grep .
}

fill_programs() { # DIR ROOT VERSION
	(cd "$TOP" && cp -r --parents tools/pciback-fixup "${MODULE_DIR#"$TOP/"}/fixup_devlist.h" "$1")
	cp -r "$SELFTESTS"/{Makefile,helpers} "$RIG"/{programs.mk,guest/*.c} "$1/"
	run_logged "$BUILD/log/programs.log" in_root "$2" "$1" make -f programs.mk VERSION="$3"
	rm -r "$1"/{tools,drivers,helpers,*.c,Makefile,programs.mk}
}

build_programs() {
	local compiler version
	compiler=$(build_compiler) || return
	version=$(version_of "$TOP") || return
	KEY=$(cat "$TOP"/tools/pciback-fixup/{*.[ch],linux/*,Makefile} "$MODULE_DIR/fixup_devlist.h" \
		"$SELFTESTS"/{Makefile,helpers/*.c} "$RIG"/{programs.mk,guest/*.c}) cached programs \
		fill_programs "$compiler/root" "$version"
}

# build_source SERIES: a kernel's source, for debug kernels and the kernel's checkers
build_source() {
	local series
	series=$(series_of "$1") || return
	KEY=$(versions "linux-source-$series") cached "source-$series" \
		fill_source "linux-source-$series"
}

# Files that our configurations never use are left out.
fill_source() { # DIR PACKAGE
	mkdir "$1/deb"
	unpack "$1/deb" "$2" || return
	tar -xJ -f "$1/deb/usr/src/$2.tar.xz" -C "$1" --strip-components=1 --wildcards \
		--exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]' \
		--exclude='*/drivers/media/*.[ch]' \
		--exclude='*/drivers/net/ethernet/[!i]*/*.[ch]' \
		--exclude='*/drivers/net/wireless/*.[ch]' \
		--exclude='*/arch/[!x]*/*.[chS]' --exclude='*/arch/*/*.dts*' &&
		rm -r "$1/deb"
}

# make_kernel SOURCE DIR ARGUMENT...
make_kernel() {
	run_logged "$2/make.log" make -C "$1" O="$2" -j"$(nproc)" "${@:3}"
}

# build_debug_kernel NAME...: the stack's latest kernel with our driver, kernel/common.config,
# each kernel/NAME.config and, for kunit, .kunitconfig. The build is incremental.
build_debug_kernel() {
	local name source dir fragment
	name=$(IFS=-; echo "$*")
	source=$(build_source latest) || return
	fragment=$([ "$1" != kunit ] || cat "$MODULE_DIR/.kunitconfig"
		cd "$RIG/kernel" && cat common.config "${@/%/.config}") || return
	dir=$CACHE/kernel-$name-$(echo "$source" "$fragment" | key)
	mkdir -p "$dir"
	# One kernel at a time, until our process ends: the source folder is shared.
	wait_lock "$CACHE/debug-kernels.lock" "the kernel source"
	"$TOP/scripts/in-tree.sh" "$source" || return
	if [ ! -e "$dir/.config" ]; then
		say "building a debug kernel, $name: this takes some minutes"
		echo "$fragment" >"$dir/fragment"
		make_kernel "$source" "$dir" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig
	fi
	rm -rf "${dir:?}/lib/modules"
	make_kernel "$source" "$dir" bzImage modules
	make_kernel "$source" "$dir" INSTALL_MOD_PATH="$dir" modules_install
	cp "$dir/arch/x86/boot/bzImage" "$dir/vmlinuz"
	cp "$dir/include/config/kernel.release" "$dir/kver"
	echo "$dir"
}

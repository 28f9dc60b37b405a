# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The parts that a machine is made of. Each build_* function prints the path of
# what it built, or of what it finds in the cache; progress goes to stderr.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What the rig itself needs on the building machine, and what debug kernels do.
RIG_PACKAGES=(qemu-system-x86 mmdebstrap e2fsprogs cpio kmod xz-utils gzip make
	gcc libc6-dev libpci-dev libkmod-dev libsmartcols-dev libxen-dev pkg-config)

KERNEL_PACKAGES=(bc flex bison libelf-dev libssl-dev perl python3)

# dom0's root: the toolstack, the stock device model and its firmware, libpci's
# tools, what pciback-fixup is linked with, a shell, what makes a disk to boot from.
DOM0_PACKAGES=(xen-utils-4.17 qemu-system-xen xen-utils-common xenstore-utils
	libpci3 libkmod2 libsmartcols1 libxenstore4
	pciutils kmod bash dash coreutils diffutils findutils sed grep gawk procps
	util-linux mount seabios ipxe-qemu isolinux syslinux-common xorriso
	busybox-static libc-bin base-files)

# Modules of Debian's kernels that go into dom0's and the guests' initrds.
DOM0_MODULES="virtio_pci virtio_blk virtio_console crc32c_generic ext4 \
xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-pciback \
e1000e nvme xhci-pci aer_inject"
GUEST_MODULES="xen-pcifront e1000e nvme xhci-pci"
STUBDOM_MODULES="xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xen-blkfront xen-pcifront"

# cached NAME KEY FUNCTION [ARG...]: have FUNCTION fill a folder once for this key
cached() {
	local name=$1 dir=$CACHE/$1-$2 start=$SECONDS
	shift 2
	# Others may want the same at the same time.
	[ -e "$dir" ] || wait_lock "$CACHE/lock/${dir##*/}" "$name"
	if [ ! -e "$dir" ]; then
		say "building $name ..."
		$SUDO rm -rf "$dir.tmp"
		mkdir -p "$dir.tmp"
		"$@" "$dir.tmp" || die "$name could not be built"
		mv "$dir.tmp" "$dir"
		say "built $name in $((SECONDS - start)) s"
	fi
	echo "$dir"
}

# versions PACKAGE...: what Debian has of them now, for cache keys
versions() {
	memo apt-cache show --no-all-versions "$@" | grep -E '^(Package|Version):'
}

# fetch PACKAGE: download a package, and print the file's path
fetch() {
	local uri file
	mkdir -p "$CACHE/debs"
	uri=$(cd "$CACHE" && memo apt-get download --print-uris "$1") ||
		die "no package $1"
	file=$(awk '{ print $2 }' <<<"$uri")
	if [ ! -e "$CACHE/debs/$file" ]; then
		say "fetching $file"
		(
			cd "$CACHE/debs"
			get() { apt-get -o APT::Sandbox::User=root -qq download "$1"; }
			# The lists may be older than the archive.
			get "$1" || { $SUDO apt-get update -qq && get "$1"; }
		) >&2
	fi
	ls "$CACHE/debs/$file"
}

# suite_sources SUITE: the mirrors of Debian that this machine's apt uses, for another
# suite: as here with its updates and security updates
suite_sources() {
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk -v suite="$1" -v release="${1%-backports}" '
			$1 != "Debian" || NF != 3 || !sub(/^[a-z]+/, release, $3) { next }
			$3 == release { print $2, suite }
			release != "sid" { print $2, $3 }' | sort -u |
		sed 's|.*|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] & main|' |
		grep . || die "apt knows no mirror of Debian: run apt-get update"
}

# What apt has of a suite is in a folder of the rig's own, and is fetched again after an
# hour. Of the machine's settings only those for reaching a mirror count.
update_suite() (
	suite=$1 dir=$BUILD/apt/$1
	mkdir -p "$dir"/{apt.conf,preferences}.d "$dir"/{lists,cache/archives}/partial
	exec 9>"$dir/lock"
	flock 9
	[ -z "$(find "$dir/updated" -mmin -60 2>/dev/null)" ] || return 0
	suite_sources "$suite" >"$dir/sources.list"
	{
		printf '%s "%s";\n' Dir::Etc "$dir" Dir::State "$dir" Dir::State::Status /dev/null \
			Dir::Cache "$dir/cache" Dir::Cache::srcpkgcache "" APT::Sandbox::User root \
			Acquire::GzipIndexes true Acquire::Languages none
		apt-config dump | grep -E '^Acquire::(https?|Check)' || :
		# A mirror's copy of these may be weeks old. What is newest there counts.
		[[ $suite != sid && $suite != *-backports ]] ||
			printf '%s "%s";\n' APT::Default-Release "$suite" Acquire::Check-Valid-Until false
	} >"$dir/apt.conf"
	run_logged "$BUILD/log/apt-$suite.log" env APT_CONFIG="$dir/apt.conf" apt-get update
	expires=$(sed -n 's/^Valid-Until: //p' "$dir"/lists/*_"${suite}"_InRelease)
	[ "$(date -d "${expires:-tomorrow}" +%s)" -gt "$(date +%s)" ] ||
		say "the mirror's index of $suite expired on $expires, and is used as it is"
	touch "$dir/updated"
)

# in_suite SUITE COMMAND...: with an apt that knows only this suite. memo is for what
# the machine's own apt says.
in_suite() (
	update_suite "$1" || return
	memo() { "$@"; }
	export APT_CONFIG=$BUILD/apt/$1/apt.conf
	"${@:2}"
)

# suite_of STACK: a stack is a suite, but for "newest": the one with the newest released
# kernel
suite_of() {
	local suite
	if [ "$1" != newest ]; then echo "$1"; return; fi
	for suite in sid trixie-backports; do
		in_suite "$suite" versions linux-headers-amd64 |
			awk -v suite="$suite" '/^Version/ && !/~rc/ { print $2, suite }'
	done | sort -V | tail -n 1 | cut -d ' ' -f 2 | grep . || die "Debian has no newest kernel"
}

# headers: the newest package of kernel headers of each series and flavour
headers() {
	apt-cache pkgnames linux-headers- |
		grep -xE 'linux-headers-([0-9.]+-)?((cloud|rt)-)?amd64' | xargs apt-cache depends |
		sed -n 's/^ *Depends: \(linux-headers-\)/\1/p' | sort -V
}

# Only unpacked: no maintainer script runs, so awk is not there yet.
fill_kbuild() {
	local suite=$1 packages=$2 dir=$3
	run_logged "$BUILD/log/mmdebstrap-$suite.log" $SUDO mmdebstrap --variant=extract \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
		--include='?essential' --include="$packages" \
		--aptopt="$(grep ^Acquire "$BUILD/apt/$suite/apt.conf")" \
		"" "$dir/root" "$BUILD/apt/$suite/sources.list"
	$SUDO rm -rf "$dir/root"/usr/share/{doc,man,locale,info}
	$SUDO ln -s mawk "$dir/root/usr/bin/awk"
}

# build_kbuild SUITE: a folder with a root that builds modules for a suite's kernels, with
# the compiler and the C library that belong to their kbuild. W=1 runs kernel-doc: perl.
build_kbuild() {
	local packages
	mapfile -t packages < <(in_suite "$1" headers && printf '%s\n' make gcc perl)
	[ "${packages[*]}" ] || die "no kernel headers in Debian's $1"
	cached "kbuild-$1" "$( (in_suite "$1" versions "${packages[@]}"; declare -f fill_kbuild) | key -)" \
		fill_kbuild "$1" "${packages[*]}"
}

# in_root ROOT DIR COMMAND...: with ROOT as / and DIR as /tmp. objtool reads /proc.
in_root() {
	# shellcheck disable=SC2016 # the inner shell's
	$SUDO unshare --mount sh -ec 'mount --rbind /proc "$0/proc"; mount --bind "$1" "$0/tmp"
		shift; exec chroot "$0" "$@"' "$@"
}

fill_xen() {
	dpkg-deb --fsys-tarfile "$1" | tar -xO ./boot/xen-4.17-amd64.gz |
		gunzip >"$2/xen.elf"
}

build_xen() {
	local deb
	deb=$(fetch xen-hypervisor-4.17-amd64) || return
	cached xen "$(basename "$deb" | key -)" fill_xen "$deb"
}

fill_busybox() {
	dpkg-deb --fsys-tarfile "$1" | tar -xO ./bin/busybox >"$2/busybox"
	chmod +x "$2/busybox"
}

build_busybox() {
	local deb
	deb=$(fetch busybox-static) || return
	cached busybox "$(basename "$deb" | key -)" fill_busybox "$deb"
}

fill_root() {
	local hooks=/usr/share/mmdebstrap/hooks dir=$1
	# Only unpacked: no maintainer script runs.
	run_logged "$BUILD/log/mmdebstrap.log" $SUDO mmdebstrap \
		--variant=extract --hook-dir=$hooks/merged-usr \
		--include="$(IFS=,; echo "${DOM0_PACKAGES[*]}")" bookworm "$dir/root"
	$SUDO rm -rf "$dir/root"/usr/share/{doc,man,locale,info} \
		"$dir/root"/var/{cache/apt,lib/apt}/*
	$SUDO ln -s gawk "$dir/root/usr/bin/awk"
	$SUDO /sbin/ldconfig -r "$dir/root"
	$SUDO mkdir -p "$dir"/root/{run/lock,lib/modules,proc/xen} \
		"$dir"/root/var/{lib/xen,log/xen/console,run/xen}
	run_logged "$BUILD/log/mke2fs.log" $SUDO /sbin/mke2fs -q -t ext4 \
		-d "$dir/root" "$dir/root.img" 400M
	$SUDO rm -rf "$dir/root"
	$SUDO chown "$(id -u)" "$dir/root.img"
}

build_root() {
	cached dom0-root "$( (versions "${DOM0_PACKAGES[@]}"; declare -f fill_root) | key -)" \
		fill_root
}

# Keep of a kernel package what the initrds can use: the rest is 500 MB.
fill_kernel() {
	local deb=$1 kver=$2 dir=$3 module path
	mkdir "$dir/all"
	dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$dir/all" "./boot/vmlinuz-$kver" ./lib/modules
	mv "$dir/all/boot/vmlinuz-$kver" "$dir/vmlinuz"
	# busybox' modprobe wants them plain.
	find "$dir/all" -name '*.ko.xz' -exec unxz {} +
	/sbin/depmod -b "$dir/all" "$kver"
	copy_modules "$dir/all" "$kver" "$DOM0_MODULES $GUEST_MODULES $STUBDOM_MODULES" "$dir"
	rm -rf "$dir/all"
	echo "$kver" >"$dir/kver"
}

# copy_modules FROM KVER "MODULE ..." TO: with what they depend on
copy_modules() {
	local from=$1 kver=$2 modules=$3 to=$4 module path
	for module in $modules; do
		/sbin/modprobe -d "$from" -S "$kver" -D "$module"
	done | awk '$1 == "insmod" { print $2 }' | sort -u |
		while read -r path; do
			install -D -m 644 "$path" "$to/${path#"$from/"}"
		done
	cp "$from/lib/modules/$kver"/modules.{order,builtin,builtin.modinfo} \
		"$to/lib/modules/$kver/"
	/sbin/depmod -b "$to" "$kver"
}

# build_kernel SERIES: vmlinuz, config, kver and the modules we use
build_kernel() {
	local kver deb
	kver=$(kver "$1") || return
	deb=$(fetch "linux-image-$kver") || return
	cached "kernel-$1" \
		"$( (basename "$deb"; echo "$DOM0_MODULES $GUEST_MODULES $STUBDOM_MODULES"; declare -f fill_kernel copy_modules) | key -)" \
		fill_kernel "$deb" "$kver"
}

# Copied before it is built: the source folder may be built for a kernel of its own.
fill_module() {
	local kver=$1 dir=$2
	cp "$MODULE_DIR"/{fixup_*.[ch],Makefile*} "$dir/"
	run_logged "$BUILD/log/module-$kver.log" make -C "/lib/modules/$kver/build" \
		M="$dir" W=1 modules
	if grep -n 'warning:' "$BUILD/log/module-$kver.log" >&2; then
		die "the module builds with warnings for $kver"
	fi
	cp "$dir/xen-pciback-fixup.ko" "$BUILD/tmp.ko.$$"
	rm -rf "${dir:?}"/* "$dir"/.[!.]*
	mv "$BUILD/tmp.ko.$$" "$dir/xen-pciback-fixup.ko"
}

# build_module KVER: the module for Debian's kernel KVER, without a warning at W=1
build_module() {
	cached "module-$1" "$( (echo "$1"; cat "$MODULE_DIR"/{fixup_*.[ch],Makefile*}; declare -f fill_module) | key -)" \
		fill_module "$1"
}

# cpio_of DIR: a compressed initramfs of it
cpio_of() { (cd "$1" && find . -mindepth 1 | sort | cpio --quiet -o -H newc -R 0:0 | gzip -9); }

# fill_initrd KERNEL BUSYBOX INIT MODULES [FILE...] DIR
fill_initrd() {
	local kernel=$1 busybox=$2 init=$3 modules=$4 kver root path
	shift 4
	local files=("${@:1:$#-1}") dir=${*: -1}
	kver=$(cat "$kernel/kver")
	root=$dir/tree
	mkdir -p "$root"/{bin,dev,proc,sys,root,tmp} "$root/lib/modules/$kver"
	cp "$busybox/busybox" "$root/bin/"
	ln -s busybox "$root/bin/sh"
	install -m 755 "$init" "$root/init"
	for path in "${files[@]}"; do install -m 755 "$path" "$root/bin/"; done
	copy_modules "$kernel" "$kver" "$modules" "$root"
	cpio_of "$root" >"$dir/initrd.gz"
	rm -rf "$root"
}

# build_initrd NAME KERNEL INIT MODULES FILE...
build_initrd() {
	local name=$1 kernel=$2 init=$3 modules=$4 busybox
	shift 4
	busybox=$(build_busybox) || return
	cached "$name" \
		"$( (echo "$kernel $busybox $modules"; cat "$init" "$@"; declare -f fill_initrd copy_modules) | key -)" \
		fill_initrd "$kernel" "$busybox" "$init" "$modules" "$@"
}

# bare_initrd DIR INIT [FILE...]: DIR/initrd.gz with busybox, an init and files, for
# machines without Xen
bare_initrd() {
	local dir=$1 init=$2 busybox
	shift 2
	busybox=$(build_busybox) || return
	rm -rf "$dir/tree"
	mkdir -p "$dir/tree"/{bin,dev,proc,sys}
	cp "$busybox/busybox" "$@" "$dir/tree/bin/"
	cp "$init" "$dir/tree/init"
	cpio_of "$dir/tree" >"$dir/initrd.gz"
	rm -rf "$dir/tree"
}

build_dom0_initrd() { build_initrd "dom0-initrd-$1" "$2" "$RIG/dom0/init" "$DOM0_MODULES"; }

# static_tool FILE.c: a program that needs no library, for initrds
fill_static() { gcc -static -s -Os -Wall -o "$2/$(basename "$1" .c)" "$1"; }
static_tool() {
	local name dir
	name=$(basename "$1" .c)
	dir=$(cached "$name" "$(key "$1")" fill_static "$1") || return
	echo "$dir/$name"
}

build_guest_initrd() {
	local hammer watch bench
	hammer=$(static_tool "$RIG/guest/hammer.c") || return
	watch=$(static_tool "$RIG/guest/watch.c") || return
	bench=$(static_tool "$SELFTESTS/helpers/config_reads.c") || return
	build_initrd "guest-initrd-$1" "$2" "$RIG/guest/init" \
		"$GUEST_MODULES" "$RIG/guest/fabric-check" "$hammer" "$watch" "$bench"
}

# A kernel's source: for debug kernels, and for the kernel's own checkers. What
# no configuration of ours can use is left out.
fill_source() {
	local deb=$1 series=$2 dir=$3
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO "./usr/src/linux-source-$series.tar.xz" |
		tar -xJ -C "$dir" --strip-components=1 --wildcards \
			--exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]' \
			--exclude='*/drivers/media/*.[ch]' \
			--exclude='*/drivers/net/ethernet/[!i]*/*.[ch]' \
			--exclude='*/drivers/net/wireless/*.[ch]' \
			--exclude='*/arch/[!x]*/*.[chS]' --exclude='*/arch/*/*.dts*'
}

# build_source SERIES
build_source() {
	local deb
	deb=$(fetch "linux-source-$1") || return
	cached "source-$1" "$( (basename "$deb"; declare -f fill_source) | key -)" \
		fill_source "$deb" "$1"
}

# build_debug_kernel NAME...: our driver in a kernel with kernel/common.config and
# kernel/NAME.config of each name. Its folder is kept and built again in place, so
# that a change of the driver does not build all of it.
build_debug_kernel() {
	local name source dir fragments start=$SECONDS
	name=$(IFS=-; echo "$*")
	fragments=(common "$@")
	fragments=("${fragments[@]/#/"$RIG/kernel/"}")
	fragments=("${fragments[@]/%/.config}")
	source=$(build_source 6.12) || return
	dir=$CACHE/kernel-$name-$( (echo "$source"; cat "${fragments[@]}") | key -)
	mkdir -p "$dir"
	# The source folder is shared: one kernel at a time, until we return.
	exec 8>"$CACHE/debug-kernels.lock"
	flock 8
	"$TOP/scripts/in-tree.sh" "$source" || return
	if [ ! -e "$dir/.config" ]; then
		say "building a debug kernel, $name: this takes some minutes"
		cat "${fragments[@]}" >"$dir/fragment"
		run_logged "$BUILD/log/kernel-$name.log" make -C "$source" \
			O="$dir" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig
	fi
	rm -rf "${dir:?}/lib/modules"
	run_logged "$BUILD/log/kernel-$name.log" make -C "$source" O="$dir" \
		-j"$(nproc)" bzImage modules
	run_logged "$BUILD/log/kernel-$name.log" make -C "$source" O="$dir" \
		INSTALL_MOD_PATH="$dir" modules_install
	cp "$dir/arch/x86/boot/bzImage" "$dir/vmlinuz"
	cp "$dir/include/config/kernel.release" "$dir/kver"
	[ $((SECONDS - start)) -lt 5 ] ||
		say "built the debug kernel $name in $((SECONDS - start)) s"
	exec 8>&-
	echo "$dir"
}

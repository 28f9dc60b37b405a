# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A Linux stubdomain runs the QEMU of an HVM guest. Debian has none: this one is made of a
# guest's kernel, and of QEMU and tools from dom0's root.

# fill_stubdom DIR INITRD DOM0_IMAGE: INITRD with these and their libraries
fill_stubdom() {
	local lib=lib/x86_64-linux-gnu usr=$1/usr tree=$1/tree program
	run_logged "$BUILD/log/debugfs.log" /sbin/debugfs -R "rdump /usr $1" "$3"
	mkdir -p "$tree"/{lib64,$lib}
	(cd "$tree" && zcat "$2" | cpio --quiet -id)
	for program in "$usr"/{libexec/xen-qemu-system-i386,bin/xenstore} \
		"$usr"/lib/xen-*/bin/vchan-socket-proxy; do
		cp "$program" "$tree/bin/"
		"$usr/$lib/ld-linux-x86-64.so.2" --library-path "$usr/$lib" --list "$program"
	done >"$1/libraries"
	awk '$2 == "=>" { print $3 }' "$1/libraries" | sort -u | xargs cp -Lt "$tree/$lib"
	cp "$usr/$lib/ld-linux-x86-64.so.2" "$tree/lib64/"
	# Not compressed: libxl waits for 30 s, and a slow machine needs most of that.
	cpio_of "$tree" cat >"$1/initrd"
	rm -rf "$usr" "$tree"
}

build_stubdom() {
	local initrd root
	initrd=$(build_initrd "stubdom-base-$1" "$2" "$RIG/stubdom/init" "$STUBDOM_MODULES") || return
	root=$(build_root) || return
	cached "stubdom-$1" fill_stubdom "$initrd/initrd.gz" "$root/root.img"
}

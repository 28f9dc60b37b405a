# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The stack's own QEMU, changed to give a guest of Xen the chipset Q35, and ACPI tables that
# tell the guest where extended config space is.

QEMU_BUILD_PACKAGES=(gcc libc6-dev ninja-build meson python3 python3-venv pkg-config dpkg-dev
	patch xz-utils libglib2.0-dev libpixman-1-dev zlib1g-dev libfdt-dev libxen-dev
	acpica-tools)

# get_source SUITE DIR: the source package of the device model
get_source() {
	local list=$2/sources.list
	local apt=(in_stack apt-get -q -o "Dir::Etc::SourceList=$list" -o "Dir::State::Lists=$2/lists")
	update_suite "$1" && mkdir -p "$2/lists/partial" || return
	sed 's/^deb /deb-src /' "$BUILD/apt/$1/sources.list" >"$list"
	"${apt[@]}" update && cd "$2" && "${apt[@]}" source --download-only qemu-system-xen
}

fill_device_model() { # DIR SUITE PACKAGE,...
	local log=$BUILD/log/qemu-q35-$2.log work=$1/work
	[ "$(df --output=avail "$CACHE" | tail -n 1)" -gt 3000000 ] ||
		die "building QEMU takes 3 GB in $CACHE, which has less"
	[ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt 1000000 ] ||
		die "building QEMU takes 1 GB of memory, and less is free"
	(get_source "$2" "$work") >"$log" 2>&1 ||
		die "Debian's $2 gave no source package of qemu-system-xen: see $log"
	fill_root "$@"
	$SUDO ln -s mawk "$1/root/usr/bin/awk"
	cp "$RIG"/q35/* "$work/"
	run_logged "$log" in_root "$1/root" "$work" nice ./build
	mv "$work"/{qemu-q35,ecam.aml} "$1/" && $SUDO rm -rf "$1/root" "$work"
}

# build_device_model: a folder with qemu-q35 and ecam.aml
build_device_model() {
	local suite
	suite=$(suite_of "$STACK") || return
	KEY=$(versions qemu-system-xen; cat "$RIG"/q35/{build,patch.py,*.[ch],*.asl}) cached "device-model-q35-$suite" \
		fill_device_model "$suite" "$(IFS=,; echo "${QEMU_BUILD_PACKAGES[*]}")"
}

# device_model: make device-model-q35
device_model() {
	local dir
	need "${RIG_PACKAGES[@]}"
	dir=$(build_device_model)
	ln -sfn "$dir" "$BUILD/q35"
	say "$BUILD/q35 has the files that Documentation/admin-guide/q35.rst installs"
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A simulated dom0 in plain files below $ROOT: sysfs with PCI devices, xenstore,
# modprobe's configuration. It does not react: writing rciep changes no guest_flags.

SYS=sys/bus/pci

# config_space VENDOR DEVICE FLAGS: 256 bytes; FLAGS is the value of
# PCI_EXP_FLAGS in hexadecimal, - for a device without that capability
config_space() {
	local -a c
	mapfile -t c < <(yes 00 | head -n 256)
	c[0]=${1:2} c[1]=${1:0:2} c[2]=${2:2} c[3]=${2:0:2}
	# Power management comes first: the list has to be followed.
	c[0x06]=10 c[0x34]=40 c[0x40]=01
	if [ "$3" != - ]; then
		c[0x41]=60 c[0x60]=10 c[0x62]=${3:2} c[0x63]=${3:0:2}
	fi
	printf '%b' "$(printf '\\x%s' "${c[@]}")"
}

# put BDF FILE VALUE: into a file of the module's
put() { echo "$3" >"$ROOT/$SYS/devices/$1/pciback_fixup/$2"; }

# rebind BDF DRIVER
rebind() {
	mkdir -p "$ROOT/$SYS/drivers/$2"
	ln -sfn "../../drivers/$2" "$ROOT/$SYS/devices/$1/driver"
}

# device BDF DRIVER VENDOR DEVICE FLAGS [RCIEP HARDWARE_FLAGS HITS]: with the latter, the
# module is in charge of it, and FLAGS is what guests see
device() {
	local dir=$ROOT/$SYS/devices/$1
	mkdir -p "$dir"
	rebind "$1" "$2"
	echo "0x$3" >"$dir/vendor"
	echo "0x$4" >"$dir/device"
	config_space "$3" "$4" "$5" >"$dir/config"
	[ $# -gt 5 ] || return
	mkdir "$dir/pciback_fixup"
	put "$1" guest_flags "0x$5"
	put "$1" rciep "$6"
	put "$1" hardware_flags "0x$7"
	put "$1" hits "$8"
}

# holds DOMID NAME STATE BDF...: a domain holds these; its NAME is in printf's %b
holds() {
	local dir=$ROOT/xenstore/local/domain/0/backend/pci/$1/0 n
	mkdir -p "$dir"
	printf '%b' "$2" >"$dir/domain"
	echo "$3" >"$dir/state"
	echo $(($# - 3)) >"$dir/num_devs"
	for ((n = 4; n <= $#; n++)); do
		echo "${!n}" >"$dir/dev-$((n - 4))"
	done
}

make_root() {
	mkdir -p "$ROOT"/{proc,run} "$ROOT"/etc/{modprobe.d,modules-load.d} \
		"$ROOT"/sys/{hypervisor/properties,module/xen_pciback_fixup}
	echo "root=/dev/sda1 quiet" >"$ROOT/proc/cmdline"
	echo xen >"$ROOT/sys/hypervisor/type"
	echo 00002f05 >"$ROOT/sys/hypervisor/properties/features"
	echo 1.2.3 >"$ROOT/sys/module/xen_pciback_fixup/version"
	echo live >"$ROOT/sys/module/xen_pciback_fixup/initstate"
	device 0000:03:00.0 pciback 8086 10d3 0002 0 0002 0
	device 0000:03:00.1 pciback 8086 10d3 0091 1 0001 12
	device 0000:04:00.0 pciback 10de 1b80 0012 0 0012 0
	device ffff:e1:1f.7 pciback 144d a808 0092 1 0002 3
	device 0000:00:1c.0 pciback 8086 a110 0142
	device 0000:07:01.0 pciback 10ec 8139 -
	device 0000:00:1f.3 nvme 144d a808 0002
	holds 2 gone 6 0000:03:00.1
	holds 3 win10 4 0000:03:00.1
	holds 7 'two "words"' 4 0000:07:01.0 0000:04:00.0
}

# Config space then shows the hardware.
unload_module() {
	rm -r "$ROOT/sys/module/xen_pciback_fixup" "$ROOT/$SYS"/devices/*/pciback_fixup
	config_space 8086 10d3 0001 >"$ROOT/$SYS/devices/0000:03:00.1/config"
	config_space 144d a808 0002 >"$ROOT/$SYS/devices/ffff:e1:1f.7/config"
}

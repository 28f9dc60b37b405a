# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the jobs in dom0 share.

stage() { echo "@stage $*"; }

# port NAME: the device node of the virtio port of that name
port() {
	local n
	for n in /sys/class/virtio-ports/*/name; do
		if [ "$(cat "$n" 2>/dev/null)" = "$1" ]; then
			echo "/dev/$(basename "$(dirname "$n")")"
			return
		fi
	done
	echo "/dev/hvc0"
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

start_xen() {
	local m
	for m in xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-pciback; do
		modprobe -q $m
	done
	mountpoint -q /proc/xen || mount -t xenfs xenfs /proc/xen || return
	xenstored --pid-file=/run/xen/xenstored.pid || return
	xen-init-dom0 >/dev/null || return
	xenconsoled --log=guest --log-dir=/var/log/xen/console || return
}

# guest NAME SECONDS KEY=VALUE...: run a guest until it is gone
# Its console's log is in /tmp/NAME.log. The values are those of xl.cfg(5).
guest() {
	local name=$1 limit=$2 status
	shift 2
	{
		echo "name=\"$name\""
		printf '%s\n' "$@"
	} >"/tmp/$name.cfg"
	# In the foreground, xl waits for the end without looking all the time.
	timeout "$limit" xl create -F "/tmp/$name.cfg" >"/tmp/$name.xl" 2>&1
	status=$?
	[ -e "/tmp/$name.log" ] || cp "/var/log/xen/console/guest-$name.log" "/tmp/$name.log"
	[ $status = 0 ] && return
	if [ $status = 124 ]; then
		echo "# the guest $name did not end within $limit s; its console ends with:"
		tail -n 15 "/tmp/$name.log" | sed 's/^/# /'
		xl destroy "$name"
	else
		echo "# xl create says:"
		sed 's/^/# /' "/tmp/$name.xl"
	fi
	return 1
}

# pv_config SERIES BDF...: what makes a PV guest that reports on these functions
pv_config() {
	local series=$1
	shift
	printf '%s\n' 'type="pv"' memory=256 vcpus=1 \
		"kernel=\"/rig/guest/vmlinuz-$series\"" \
		"ramdisk=\"/rig/guest/initrd-$series.gz\"" \
		"extra=\"console=hvc0 quiet iommu=soft panic=1 rig.functions=$# $GUEST_ARGS\"" \
		"pci=[$(printf "'%s'," "$@")]"
}

# guest_pv NAME SERIES BDF...: run one until it is gone
guest_pv() {
	local name=$1
	shift
	guest "$name" 180 "$(pv_config "$@")"
}

# guest_background_pv NAME SERIES BDF...: start one
guest_background_pv() {
	local name=$1
	shift
	{ echo "name=\"$name\""; pv_config "$@"; } >"/tmp/$name.cfg"
	xl create -q "/tmp/$name.cfg" >"/tmp/$name.xl" 2>&1
}

# guest_hvm NAME SERIES BDF...: the same behind the stock device model
guest_hvm() {
	local name=$1 series=$2
	shift 2
	rm -f "/tmp/$name.log"
	guest "$name" 420 'type="hvm"' memory=256 vcpus=1 \
		"kernel=\"/rig/guest/vmlinuz-$series\"" \
		"ramdisk=\"/rig/guest/initrd-$series.gz\"" \
		"cmdline=\"console=ttyS0 quiet panic=1 rig.functions=$# $GUEST_ARGS\"" \
		"serial=\"file:/tmp/$name.log\"" 'vga="none"' \
		"pci=[$(printf "'%s'," "$@")]"
}

# report NAME: what the guest said, without "rig: "
report() { tr -d '\r' <"/tmp/$1.log" | sed -n 's/^.*rig: //p'; }
GUEST_ARGS=

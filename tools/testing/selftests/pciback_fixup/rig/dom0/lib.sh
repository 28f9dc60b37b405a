# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the jobs in dom0

# shellcheck source=../../lib.sh
. /rig/kselftest/lib.sh

# The guests' kernel series, oldest first, and the latest of them
GUESTS=$(find /rig/guest -name 'vmlinuz-*' | sed 's/.*vmlinuz-//' | sort -V | xargs)
GUEST=${GUESTS##* }

stage() { echo "@stage $*"; }

start_xen() {
	modprobe -qa xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-pciback
	mountpoint -q /proc/xen || mount -t xenfs xenfs /proc/xen || return
	xenstored --pid-file=/run/xen/xenstored.pid || return
	xen-init-dom0 >/dev/null || return
	xenconsoled --log=guest --log-dir=/tmp || return
}

# bind_all BDF...: to pciback, before the module is loaded; on() and off() need it
declare -A hardware
bind_all() {
	local bdf
	for bdf; do
		[ "$(driver "$bdf")" = pciback ] || xl pci-assignable-add "$bdf" || return
		hardware[$bdf]=0x$(setpci -s "$bdf" CAP_EXP+2.w)
	done
}

# on, off BDF...: the sorted registers that a guest with these reads while they are on, or off
on() { for bdf; do rciep_of "${hardware[$bdf]}"; done | sort | xargs; }
off() { for bdf; do echo "${hardware[$bdf]}"; done | sort | xargs; }

# versions: Xen, dom0's kernel, the device model
versions() {
	printf '%s|%s|%s\n' "$(xl info | awk '$1 == "xen_version" { print $3 }')" "$(uname -r)" \
		"$(/usr/libexec/xen-qemu-system-i386 --version | sed -n 's/.* version \([0-9.]*\).*/\1/p')"
}

# guest KIND NAME SERIES BDF...: run a guest with these functions until it is done. The
# function KIND_config prints its configuration; log_of NAME is the log of its console.
guest() { guest_starts "$@" && guest_ends "$2"; }

log_of() { echo "/tmp/guest-$1.log"; }

# guest_starts KIND NAME SERIES BDF...: create it, paused if PAUSED is set
guest_starts() {
	local name=$2
	{
		printf '%s\n' "name=\"$name\"" memory=192 vcpus=1 "pci=[$(printf "'%s'," "${@:4}")]"
		"$1_config" "${@:2}"
	} >"/tmp/$name.cfg"
	rm -f "$(log_of "$name")"	# xenconsoled appends to an earlier guest's
	xl create -q ${PAUSED:+-p} "/tmp/$name.cfg" >"/tmp/$name.xl" 2>&1 && return
	echo "# xl create says:"
	sed 's/^/# /' "/tmp/$name.xl"
	sed 's/^/# its QEMU: /' "/var/log/xen/qemu-dm-$name.log" 2>/dev/null
	return 1
}

# guest_done NAME [SECONDS]: wait until its report is complete
guest_done() {
	local limit=${2:-300} end=$((SECONDS + ${2:-300})) why gone=0
	until grep -qs "rig: done" "$(log_of "$1")"; do
		sleep 1
		# While it reboots, there is none of that name for a moment.
		if xl domid "$1" >/dev/null 2>&1; then gone=0; else gone=$((gone + 1)); fi
		if [ $gone = 15 ]; then why="ended early"
		elif [ "$SECONDS" -ge "$end" ]; then why="was not done after $limit s"
		else continue; fi
		echo "# the guest $1 $why; its console, guests/guest-$1.log beside Xen's, ends with:"
		tail -n 15 "$(log_of "$1")" | sed 's/^/# /'
		return 1
	done
}

# guest_ends NAME: once it is done, detach its functions, and then destroy it. libxl would
# wait for 10 s for the answer of a dead guest, for each function.
guest_ends() {
	local name=$1 status=0 bdf
	guest_done "$name" || status=1
	report "$name" | sed -n "s/^boots/# the guest $name &/p"
	for bdf in $(xl pci-list "$name" | awk 'NR > 1 { print $2 }'); do
		xl pci-detach "$name" "$bdf" || status=1
	done
	xl destroy "$name" && return $status
}

# pv_config NAME SERIES BDF...: of a PV guest that reports on these functions
pv_config() {
	printf '%s\n' 'type="pv"' "kernel=\"/rig/guest/vmlinuz-$2\"" \
		"ramdisk=\"/rig/guest/initrd-$2.gz\"" \
		"extra=\"console=hvc0 quiet iommu=soft panic=1 $FAST $(guest_args "$@")\""
}

guest_args() { echo "rig.functions=$(($# - 2)) $GUEST_ARGS"; }

# Without what is slow and not tested
FAST="init_on_alloc=0 mitigations=off nokaslr"

# hvm_config NAME SERIES BDF...: the same behind the stock device model. It boots from a
# disk: QEMU would pass a kernel byte by byte, for most of a minute. The early search for an
# AGP bridge would be 65536 reads through QEMU.
hvm_config() {
	local disk=/var/tmp/$1.img
	printf '%s\n' 'default linux' 'label linux' 'kernel vmlinuz' 'initrd initrd.gz' \
		"append console=ttyS0 quiet panic=1 $FAST pci=noearly $(guest_args "$@")" >"$disk.cfg"
	xorriso -as mkisofs -quiet -o "$disk" -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin \
		-b isolinux.bin -no-emul-boot -boot-load-size 4 -boot-info-table -graft-points \
		isolinux.bin=/usr/lib/ISOLINUX/isolinux.bin isolinux.cfg="$disk.cfg" \
		ldlinux.c32=/usr/lib/syslinux/modules/bios/ldlinux.c32 \
		vmlinuz="/rig/guest/vmlinuz-$2" \
		initrd.gz="/rig/guest/initrd-$2.gz" >"$disk.log" 2>&1 || cat "$disk.log" >&2
	printf '%s\n' 'type="hvm"' 'hdtype="ahci"' \
		"disk=[\"format=raw,vdev=hda,access=rw,backendtype=qdisk,target=$disk\"]" \
		"serial=\"file:$(log_of "$1")\"" 'vga="none"' vnc=0 vkb_device=0
}

# q35_config NAME SERIES BDF...: the same with the chipset Q35, as q35.rst says. An IDE disk
# is at the chipset's AHCI controller.
q35_config() {
	hvm_config "$@" | grep -v hdtype
	commands_of q35 ^device_model_
}

# commands_of PAGE PATTERN: the literal blocks of a page that match
commands_of() { awk -f /rig/jobs/blocks.awk "/rig/docs/$1.rst" | grep -E -- "$2" | tr '\001' '\n'; }

# report NAME: the lines of the guest's report, without "rig: "
report() { tr -d '\r' <"$(log_of "$1")" | sed -n 's/^.*rig: //p'; }
GUEST_ARGS=

# now NAME: the number of the guest's last pass over its functions, and the registers
now() { report "$1" | sed -n 's/^now \([0-9]\)/\1/p' | tail -n 1; }
passed() { # NAME PASS FLAGS: in that pass or a later one
	local pass flags
	read -r pass flags < <(now "$1")
	[ "${pass:-0}" -ge "$2" ] && [ "$flags" = "$3" ]
}

# reads NAME FLAGS...: in a pass that begins after this, or a later one
reads() {
	local pass
	read -r pass _ < <(now "$1")
	wait_for 200 passed "$1" $((${pass:-0} + 2)) "${*:2}" || is "$(now "$1")" "... ${*:2}"
}

# plugged_on NAME BDF FLAGS OTHERS...: detach it, switch it on, and attach it again
plugged_on() {
	check "$1: $2 is detached" commented xl pci-detach "$1" "$2"
	check "$1: it is gone" reads "$1" "$(sorted "${@:4}")"
	put "$2" 1
	check "$1: switched on, it is attached again" commented xl pci-attach "$1" "$2"
	check "$1: it is an RCiEP" reads "$1" "$(sorted "${@:3}")"
}
sorted() { printf '%s\n' "$@" | sort | xargs; }

# named SERIES TYPE: the name that a guest's kernel logs for a function of that type
named() { if [[ $1 = 6.[1-9] ]]; then echo "(kernel does not say)"; else echo "PCIe $2"; fi; }

# chipset_of NAME: the guest's host bridge
chipset_of() { report "$1" | sed -n 's/^chipset //p' | grep . || echo none; }
Q35=8086:29c0

# row KIND OVERLAY HARDWARE_FLAGS: a test, which is a row of make demo's table: what the
# guest KIND-OVERLAY has seen of its card, without ports. Its description is
#   GUEST OVERLAY CHIPSET BUS REGISTER VERDICT NAME
row() {
	local seen want guest=HVM verdict=rejected
	local -A places=([pv]="none 00" [hvm]="8086:1237 00" [q35]="$Q35 00" [port]="$Q35 01")
	[ "$1" != pv ] || guest=PV
	[ "$1" != port ] || verdict=accepted
	want="$3 $verdict $(named "$GUEST" Endpoint)"
	[ "$2" = off ] ||
		want="$(rciep_of "$3") accepted $(named "$GUEST" "Root Complex Integrated Endpoint")"
	seen=$(report "$1-$2" | sed -nE '/^function .* 0x..4. /d
		s/^function [^:]*:(..):[^ ]*/\1/p' | xargs)
	seen="$(chipset_of "$1-$2") ${seen:-none none none none}"
	check "$guest $2 $seen" is "$seen" "${places[$1]} $want"
}

# --- running the selftests -------------------------------------------------

LEAKS=/sys/kernel/debug/kmemleak

# run_test TEST [BDF]: a selftest, a test in rig/jobs, or one of the functions below
run_test() {
	local test status=0
	stage "${STAGE_LIMIT:-400}" "test $*"
	echo "# test: $*"
	for test in "./$1.sh" "/rig/jobs/$1.sh" "$1"; do [ ! -e "$test" ] || break; done
	# In a subshell: ktap_finished exits.
	(PCIBACK_FIXUP_BDF=${2-01:00.0} "$test") || status=$?
	[ $status = 0 ] || echo "not ok - $*: exit status $status"
}

lockdep_watches() {
	check "lockdep has been watching until here" grep -q 'debug_locks: *1' /proc/lockdep_stats
	ktap_finished
}

goes_without_leaks() {
	check "rmmod after all of it" rmmod xen-pciback-fixup
	if [ -e "$LEAKS" ]; then
		for _ in 1 2; do
			sleep 6
			echo scan >$LEAKS
		done
		check "kmemleak has found nothing but what xen-pciback leaks" is "$(awk -f /rig/dom0/leaks.awk $LEAKS)" ""
	fi
	ktap_finished
}

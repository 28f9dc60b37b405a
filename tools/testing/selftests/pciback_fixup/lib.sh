# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the tests: the device to test, and restoring what they change.
#
#   PCIBACK_FIXUP_BDF      the device to test, which no guest holds; without it, the
#                          first one that has a pciback_fixup folder
#   PCIBACK_FIXUP_MODULE   path of the module file; without it, modprobe finds it
#   PCIBACK_FIXUP_RIG      set on a machine where every device may be taken
#                          from its driver, plugged and unplugged

set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/ktap_helpers.sh"
PCI=/sys/bus/pci/devices
PCIBACK=/sys/bus/pci/drivers/pciback
FILES="guest_flags hardware_flags hits rciep"	# of a device, sorted
MODULE=/sys/module/xen_pciback_fixup
TMP=$(mktemp -d) || exit 1
# Programs' output is parsed.
export LC_ALL=C

# check DESCRIPTION COMMAND...: a test that passes if the command succeeds
check() { if "${@:2}"; then ktap_test_pass "$1"; else ktap_test_fail "$1"; fi; }

# --- restoring, in reverse order -----------------------------------------

undo=()
later() { undo+=("$*"); }
cleanup() {
	local i
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		eval "${undo[i]}"
	done
	rm -rf "$TMP"
}
trap cleanup EXIT

# as_nobody COMMAND...: as an unprivileged user, without capabilities
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

# --- devices and their files --------------------------------------------

# with_domain BDF: sets REPLY. $() would start a process, which is slow in a test machine.
with_domain() { case $1 in *:*:*) REPLY=$1 ;; *) REPLY=0000:$1 ;; esac; }

full() { with_domain "$1"; echo "$REPLY"; }

dir() { with_domain "$1"; echo "$PCI/$REPLY/pciback_fixup"; }

get() { # BDF FILE
	local value
	with_domain "$1"
	read -r value <"$PCI/$REPLY/pciback_fixup/$2" && echo "$value"
}

# put BDF VALUE: write to rciep; the shell's error message goes to $TMP/put.err
put() {
	with_domain "$1"
	echo "# echo $2 > $PCI/$REPLY/pciback_fixup/rciep"
	{ printf '%s\n' "$2" >"$PCI/$REPLY/pciback_fixup/rciep"; } 2>"$TMP"/put.err
}

# rciep_of FLAGS: the register with its type replaced
rciep_of() { printf '0x%04x\n' $(($1 & ~0xf0 | 0x90)); }

# in_force BDF [FLAGS]: guests see an RCiEP, and the rest as in FLAGS or hardware_flags
in_force() {
	local hardware
	hardware=${2-$(get "$1" hardware_flags)} || return
	is "$(get "$1" guest_flags)" "$(rciep_of "$hardware")"
}

# is_on BDF: it is there, and switched on
is_on() { [ "$(get "$1" rciep 2>/dev/null)" = 1 ]; }

reset() { echo 1 >"$PCI/$1/reset"; }

rebind() { echo "$1" >"$PCIBACK/unbind"; echo "$1" >"$PCIBACK/bind"; }

# flags_offset BDF: the offset of PCI_EXP_FLAGS in its config space
flags_offset() {
	local capability
	capability=$(lspci -v -s "$1" | sed -n 's/.*\[\(..\)\] Express .*/\1/p')
	echo $((0x$capability + 2))
}

driver() {
	local link
	with_domain "$1"
	link=$(readlink "$PCI/$REPLY/driver") && echo "${link##*/}"
}

# assign BDF: bind to xen-pciback, and back to its driver at the end
assign() {
	local bdf old
	bdf=$(full "$1")
	old=$(driver "$bdf")
	[ "$old" = pciback ] && return
	if [ -n "$old" ]; then
		# A probe that fails just now unbinds the device by itself.
		{ echo "$bdf" >"$PCI/$bdf/driver/unbind"; } 2>/dev/null ||
			[ -z "$(driver "$bdf")" ] || return
	fi
	echo "$bdf" >"$PCIBACK/new_slot" || return
	[[ "${undo[*]-}" == *"unassign $bdf "* ]] || later "unassign $bdf $old"
	echo "$bdf" >"$PCIBACK/bind"
}

# unassign BDF [DRIVER]: the way back
unassign() {
	[ -e "$PCI/$1" ] || return 0
	[ "$(driver "$1")" = pciback ] && echo "$1" >"$PCIBACK/unbind"
	echo "$1" >"$PCIBACK/remove_slot"
	[ -z "${2-}" ] || echo "$1" >"/sys/bus/pci/drivers/$2/bind"
}

# vfs NUMBER: set the number of 02:00.0's VFs. They get no driver: QEMU's VFs are offline.
# Linux 6.1's nvme notices that late, and unbinds whatever driver the VF has by then.
vfs() {
	local pf=$PCI/0000:02:00.0 status=0
	echo 0 >"$pf/sriov_drivers_autoprobe"
	echo "$1" >"$pf/sriov_numvfs" || status=1
	echo 1 >"$pf/sriov_drivers_autoprobe"
	return $status
}

# vfs_on: enable two VFs of 02:00.0, which needs its own driver for that
vfs_on() {
	modprobe nvme
	[ "$(driver 02:00.0)" = nvme ] || echo 0000:02:00.0 >/sys/bus/pci/drivers/nvme/bind
	later "vfs 0"
	vfs 2 && [ -e "$PCI/0000:02:00.2" ]
}

module_load() {
	if [ -n "${PCIBACK_FIXUP_MODULE-}" ]; then
		insmod "$PCIBACK_FIXUP_MODULE" "$@"
	else
		modprobe xen-pciback-fixup "$@"
	fi
}

module_unload() { rmmod xen-pciback-fixup; }

# held BDF: a guest has it. xenstore keeps the entries of guests that are gone.
held() {
	local domid
	for domid in $(xenstore-ls -f /local/domain/0/backend/pci 2>/dev/null |
		sed -nE "s|^/local/domain/0/backend/pci/([0-9]+)/.*/dev-[0-9]+ = \"$1\"\$|\1|p"); do
		! xenstore-exists "/local/domain/$domid" || return 0
	done
	return 1
}

# need_device: sets BDF, or skips the whole test
need_device() {
	local d bdf
	grep -qs control_d /proc/xen/capabilities ||
		ktap_skip_all "this is not a Xen dom0"
	[ -d $MODULE ] || ktap_skip_all "the module xen-pciback-fixup is not loaded"
	BDF=${PCIBACK_FIXUP_BDF-}
	if [ -z "$BDF" ]; then
		for d in "$PCI"/*/pciback_fixup; do
			bdf=$(basename "$(dirname "$d")")
			[ -d "$d" ] && ! held "$bdf" && BDF=$bdf && break
		done
	fi
	[ -n "$BDF" ] || ktap_skip_all "no endpoint is bound to xen-pciback that no guest holds"
	BDF=$(full "$BDF")
	[ -e "$PCI/$BDF" ] || ktap_skip_all "there is no device $BDF"
	[ -d "$(dir "$BDF")" ] || ktap_skip_all "$BDF is not an endpoint bound to xen-pciback"
	! held "$BDF" || ktap_skip_all "a guest holds $BDF"
	later "put $BDF $(get "$BDF" rciep) >/dev/null"
}

# need_rig: need_device, and that any device may be taken from its driver
need_rig() {
	[ -n "${PCIBACK_FIXUP_RIG-}" ] ||
		ktap_skip_all "takes devices from their drivers: only where PCIBACK_FIXUP_RIG is set"
	need_device
}

# The mark is a line: the number of lines stays the same once the buffer is full.
log_marks=0
kernel_log_mark() {
	log_mark="pciback_fixup selftest: $$ $((++log_marks))"
	echo "$log_mark" >/dev/kmsg
}
kernel_log_since() { dmesg | sed "1,/$log_mark\$/d"; }
logged() { kernel_log_since | grep -q -- "$1"; }

# repeat NUMBER COMMAND...: until it fails
repeat() {
	local n
	for ((n = 0; n < $1; n++)); do
		"${@:2}" || { echo "# failed in cycle $n"; return 1; }
	done
	echo "# $n cycles"
}

# beside FUNCTION COMMAND...: run the command while the function is called in a loop;
# $TMP/FUNCTION is how often that succeeded. Fails as well if its last call does not return.
beside() {
	local worker=$1 pid status=0 n=0
	echo 0 >"$TMP/$worker"
	touch "$TMP/goes_on.$worker"
	while [ -e "$TMP/goes_on.$worker" ]; do
		"$worker" && echo $((++n)) >"$TMP/$worker"
	done &
	pid=$!
	"${@:2}" || status=1
	rm "$TMP/goes_on.$worker"
	wait_for 60 test ! -d /proc/$pid || { echo "# $worker does not return"; return 1; }
	echo "# meanwhile: $worker, $(cat "$TMP/$worker") times"
	return $status
}

# --- simulated errors -------------------------------------------------------

need_aer_inject() { modprobe -n -q aer_inject || ktap_skip_all "this kernel has no aer_inject"; }

# inject BDF [fatal]: a correctable error, or a fatal one, which makes aer_inject
# replace the ops of the device's bus. The bytes are those of struct aer_error_inj:
# bus, device, function, padding; uncorrectable and correctable status; four words
# of header log; domain. Fatal is a Data Link Protocol Error.
inject() {
	local bdf status='\x00\x00\x00\x00\x01\x00\x00\x00'
	with_domain "$1"
	bdf=$REPLY
	[ "${2-}" != fatal ] || status='\x10\x00\x00\x00\x00\x00\x00\x00'
	[ -e /dev/aer_inject ] || modprobe aer_inject || return
	printf '%b' "\\x${bdf:5:2}\\x${bdf:8:2}\\x0${bdf:11}\\x00$status" \
		'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' \
		'\x00\x00\x00\x00' >"$TMP"/aer
	cat "$TMP"/aer >/dev/aer_inject
}

# --- hot-plug, by the machine's monitor on a virtio port ------------------------

HOTPLUG_BDF=0000:07:00.0

# port NAME: the device node of the virtio port of that name
port() {
	local name
	name=$(grep -lx "$1" /sys/class/virtio-ports/*/name 2>/dev/null) || return
	name=${name%/name}
	echo "/dev/${name##*/}"
}

# power_of BDF: the switch of its slot
power_of() {
	local address
	address=$(grep -lx "${1%.*}" /sys/bus/pci/slots/*/address) && echo "${address%/*}/power"
}

need_hotplug() {
	local monitor
	monitor=$(port monitor) || ktap_skip_all "this machine has no monitor to plug with"
	exec 5<>"$monitor"
	cat <&5 >"$TMP"/monitor.log &
	later "kill $!"
	power=$(power_of "$HOTPLUG_BDF")
}

# The attention button would wait for five seconds.
unplug() { echo 0 >"$power" && wait_for 20 not test -e "$PCI/$HOTPLUG_BDF"; }

# plug DEVICE COMMAND...: plug it in, and wait until the command succeeds
plug() {
	echo "# monitor: device_add $1"
	echo "device_add $1,id=hot,bus=rp5" >&5
	wait_for 30 "${@:2}"
}

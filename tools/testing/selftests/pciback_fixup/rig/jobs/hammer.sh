#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Guests that read and write their device's register without a pause, while dom0 switches
# the device, resets it and unplugs it.
#   KINDS     of guests (pv hvm)
#   SWITCHED  how often it is switched (2000)
#   RESETS    how often it is reset (100)

# shellcheck source=../dom0/lib.sh
. /rig/dom0/lib.sh
need_device
need_hotplug
kinds=${KINDS:-pv hvm}
switched=${SWITCHED:-2000}
resets=${RESETS:-100}
bdf=$HOTPLUG_BDF

hammering() { # KIND
	local kind=$1 name=hammer-$1 log offset hardware
	assign "$bdf"
	offset=$(flags_offset "$bdf")
	hardware=$(get "$bdf" hardware_flags)
	log=$(log_of "$name")
	was=

	GUEST_ARGS="rig.hammer=$offset"
	check "$name: starts" guest_starts "$kind" "$name" "$GUEST" "$bdf"
	check "$name: begins" wait_for 300 hammered "$log"
	check "$name: switched $switched times meanwhile" \
		/rig/kselftest/config_stress "$bdf" "$offset" "$hardware" "$switched" 0
	put "$bdf" 1
	check "$name: reset $resets times meanwhile" repeat "$resets" reset "$bdf"
	check "$name: on after that" in_force "$bdf" "$hardware"
	check "$name: still reads and writes" goes_on "$log"
	check "$name: pulled out while the guest has it" unplug
	sleep 2
	xl destroy "$name"
	check "$name: plugged in again, it is on" plug e1000e,romfile= is_on "$bdf"
	echo "# the guest: $(said "$log")"
	check "$name: each value was a legal one" legal "$log"
	put "$bdf" 0
}

said() { tr -d '\r' <"$1" | grep -o 'hammer reads .*' | tail -n 1; }

# hammered LOG: the guest has done more since the last call
hammered() {
	local now
	now=$(said "$1")
	[ -n "$now" ] && [ "$now" != "$was" ] && was=$now
}
goes_on() { hammered "$1"; wait_for 60 hammered "$1"; }

legal() { grep -q "illegal 0" "$1" && ! grep -q "illegal [1-9]" "$1"; }

ktap_set_plan $(($(wc -w <<<"$kinds") * 9))
for kind in $kinds; do hammering "$kind"; done
ktap_finished

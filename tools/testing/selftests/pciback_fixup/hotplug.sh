#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device that is unplugged while switched on, and plugged in again, is switched on. So
# are virtual functions that are disabled and enabled.
#   CYCLES   how often (3)
. "$(dirname "$0")/lib.sh"

need_rig
need_hotplug
cycles=${CYCLES:-3}

slot=$HOTPLUG_BDF

ktap_set_plan 8
assign "$slot"
put "$slot" 1
cycle() { unplug && plug e1000e,romfile= is_on "$slot" && in_force "$slot"; }
check "unplugged and plugged $cycles times: on each time" repeat "$cycles" cycle

reads() { cat "$PCI/$slot/config" || :; } >/dev/null 2>&1
check "unplugged while it is read" beside reads unplug
other() { plug qemu-xhci is_on "$slot" && in_force "$slot"; }
check "another kind of device in its place: on, for its slot is" other
check "the type of the other is its own" is "$(get "$slot" hardware_flags)" 0x0002
check "it can be switched off" eval 'put "$slot" 0 && is "$(get "$slot" guest_flags)" 0x0002'
check "unplugged, and the first kind plugged in: off" \
	eval 'unplug && plug e1000e,romfile= test -e "$(dir "$slot")" && is "$(get "$slot" rciep)" 0'

# Most drivers refuse to disable VFs that pciback has. KUnit tests VFs that go while on.
vf=02:00.1
check "virtual functions come, one is switched on" \
	eval 'vfs_on && assign "$vf" && put $vf 1 && in_force $vf'
vf_cycle() {
	unassign "0000:$vf" && vfs 0 && not test -e "$PCI/0000:$vf" && vfs 2 &&
		assign "$vf" && in_force "$vf"
}
check "disabled and enabled $cycles times: on each time" repeat "$cycles" vf_cycle
put "$vf" 0
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unload the driver of a host bridge that has a device which is switched on: the bus and
# its ops go with it.
#   PCIBACK_FIXUP_BRIDGE   path of a module with a host bridge and a function 4b55:01:00.0
. "$(dirname "$0")/lib.sh"

need_rig
[ -n "${PCIBACK_FIXUP_BRIDGE-}" ] || ktap_skip_all "no simulated host bridge: PCIBACK_FIXUP_BRIDGE is not set"
bdf=4b55:01:00.0
bridge=$(basename "$PCIBACK_FIXUP_BRIDGE" .ko)
later '[ ! -e "/sys/module/$bridge" ] || rmmod "$bridge"'
later '[ -d $MODULE ] || module_load'

bridge_comes() { insmod "$PCIBACK_FIXUP_BRIDGE" buses=1 functions=1 && assign "$bdf"; }
switched_on() { put "$bdf" 1 && in_force "$bdf"; }
rescans() { timeout 60 sh -c 'echo 1 >/sys/bus/pci/rescan'; }

ktap_set_plan 10
put "$BDF" 0
check "an endpoint below another host bridge is bound" bridge_comes
check "... and switched on" switched_on
check "the bridge's driver goes while it is on" rmmod "$bridge"
check "... and comes again: what was written is remembered" bridge_comes
check "... and is in force" in_force "$bdf"
kernel_log_mark
check "it goes for good" rmmod "$bridge"
check "the module goes after it" timeout 60 rmmod xen-pciback-fixup
check "... without an oops" not logged "BUG:\|Oops\|general protection"
check "... and the bus is scanned as before" rescans
check "the module can be loaded again" module_load
ktap_finished

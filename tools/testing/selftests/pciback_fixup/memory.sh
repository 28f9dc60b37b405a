#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module's allocations, as the kernel traces them: one record for each bus number with
# an assigned endpoint, and none to switch it.
. "$(dirname "$0")/lib.sh"

need_rig
assign 03:00.0
assign 03:00.1
trace=/sys/kernel/tracing
mountpoint -q $trace || mount -t tracefs tracefs $trace 2>/dev/null
[ -d $trace/events/kmem/kmalloc ] || ktap_skip_all "this kernel has no trace of allocations"
put "$BDF" 0
module_unload
later '[ -d $MODULE ] || module_load'

# allocations COMMAND...: the sizes that the module's functions allocate during it
allocations() {
	echo >$trace/trace
	echo 1 >$trace/events/kmem/kmalloc/enable
	"$@" >/dev/null
	echo 0 >$trace/events/kmem/kmalloc/enable
	sed -n 's/.*call_site=\(fixup_\|xen_pcibk_fixup_\|rciep_\).* bytes_alloc=\([0-9]*\) .*/\2/p' $trace/trace |
		xargs
}

switching() {
	local d
	for d in 01:00.0 03:00.0 03:00.1; do put "$d" 1 && put "$d" 0; done
}

ktap_set_plan 3
loading=$(allocations module_load devices=)
read -r bus bus2 more <<<"$loading"
echo "# a bus: $bus bytes"
check "two buses are two allocations" is "${bus2:-none} ${more:-none}" "$bus none"
check "a bus takes at most 4096 bytes" test "$bus" -le 4096
check "switching on and off allocates nothing" is "$(allocations switching)" ""
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the module allocates for a bus and for a device, from the kernel's own
# trace of allocations: at most 1 KiB for a bus, 256 bytes for a device.
. "$(dirname "$0")/lib.sh"

need_rig
need_device
assign 03:00.0
assign 03:00.1
trace=/sys/kernel/tracing
mountpoint -q $trace || mount -t tracefs tracefs $trace 2>/dev/null
[ -d $trace/events/kmem/kmalloc ] || skip_all "this kernel has no trace of allocations"
put "$BDF" 0
module_unload
later '[ -d $MODULE ] || module_load'

# allocations: of this module's functions while it comes and is used, one a line:
# FUNCTION BYTES
allocations() {
	local d
	echo >$trace/trace
	echo 1 >$trace/events/kmem/kmalloc/enable
	module_load devices=
	for d in 01:00.0 03:00.0 03:00.1; do put $d 1 >/dev/null; put $d 0 >/dev/null; done
	echo 0 >$trace/events/kmem/kmalloc/enable
	sed -n 's/.*call_site=\(fixup_[a-z_]*\|rciep_store\).* bytes_alloc=\([0-9]*\) .*/\1 \2/p' $trace/trace |
		tee /tmp/allocations
}

start 3
allocations | sed 's/^/# /'
# Two buses, and a slot each: 03:00.0 and 03:00.1 share theirs.
adds=$(awk '$1 == "fixup_busops_add" { print $2 }' /tmp/allocations | sort -n | xargs)
read -r device device2 bus bus2 more <<<"$adds"
write=$(awk '$1 == "rciep_store" { print $2 }' /tmp/allocations | sort -n | tail -n 1)
echo "# a bus: $bus bytes; a device number with up to eight functions: $device bytes; a function written to: $write bytes"
check "two buses and two device numbers are four allocations" \
	is "$device $bus ${more:-none}" "$device2 $bus2 none"
check "a bus takes at most 1024 bytes" test "$bus" -le 1024
check "a device takes at most 256 bytes" test $((device + write)) -le 256
finish

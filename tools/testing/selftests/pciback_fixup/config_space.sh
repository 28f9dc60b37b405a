#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each read of the config space of a device that is switched on returns what the hardware
# answers, except for the type.
. "$(dirname "$0")/lib.sh"

need_device
[ -x "$HERE/config_views" ] || ktap_skip_all "config_views is not built: run make first"

sysfs=$PCI/$BDF/config
proc=/proc/bus/pci/${BDF:5:2}/${BDF:8}
[ "${BDF:0:4}" = 0000 ] || proc=/proc/bus/pci/${BDF%%:*}:${BDF:5:2}/${BDF:8}

views() { "$HERE/config_views" "$1" >"$2"; }

# same_but_nibble CONFIG: each value is what was read while off, except for the type. This
# needs a device whose status registers do not change by themselves.
same_but_nibble() {
	views "$1" "$TMP"/on &&
		paste -d' ' "$TMP"/off "$TMP"/on | awk -v at="$at" -f "$HERE/only_nibble.awk"
}

hits() { get "$BDF" hits; }

# The other functions of the bus
neighbours=()
for d in "$PCI/${BDF%:*}":*; do
	[ "$d" = "$PCI/$BDF" ] || neighbours+=("$d/config")
done

ktap_set_plan $((8 + (${#neighbours[@]} > 0)))
put "$BDF" 0
at=$(flags_offset "$BDF")
hardware=$(get "$BDF" hardware_flags)
check "sysfs can be read at every offset and size" views "$sysfs" "$TMP"/off
check "guest_flags is hardware_flags while off" is "$(get "$BDF" guest_flags)" "$hardware"

[ ${#neighbours[@]} = 0 ] || cat "${neighbours[@]}" >"$TMP"/neighbours

put "$BDF" 1
check "guest_flags shows an RCiEP, hardware_flags does not" \
	is "$(get "$BDF" guest_flags) $(get "$BDF" hardware_flags)" "$(rciep_of "$hardware") $hardware"
check "sysfs: all as in hardware but for the type" same_but_nibble "$sysfs"
before=$(hits)
check "procfs: all as in hardware but for the type" same_but_nibble "$proc"
# At least one for each size at each offset that covers the type
check "hits counts them" test "$(hits)" -ge $((before + 7))

[ ${#neighbours[@]} = 0 ] ||
	check "${#neighbours[@]} other functions of the bus read as before" \
		eval 'cat "${neighbours[@]}" | cmp - "$TMP"/neighbours'

put "$BDF" 0
check "off again: byte for byte as before" \
	eval 'views "$sysfs" "$TMP"/on && cmp "$TMP"/off "$TMP"/on'
before=$(hits)
views "$sysfs" "$TMP"/on
check "off: hits does not change" is "$(hits)" "$before"
ktap_finished

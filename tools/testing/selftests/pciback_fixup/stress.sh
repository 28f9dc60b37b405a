#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Read on every CPU while the device is switched, bound and unbound, removed and found
# again, and while the module is loaded and unloaded. Write random bytes to rciep.
#   TOGGLES, READS   how often it is switched at least, and read (500, 5000)
#   MOVING           how often it is switched while it comes and goes (50)
#   LOADS            how often the module is loaded (3)
#   WRITES           how many random writes there are (1000)
. "$(dirname "$0")/lib.sh"

need_rig
[ -x "$HERE/config_stress" ] || ktap_skip_all "config_stress is not built: run make first"
offset=$(flags_offset "$BDF")
put "$BDF" 0
hardware=$(get "$BDF" hardware_flags)
# Each switching on logs a line, which is slow on the console.
dmesg -n 5
later "dmesg -n 7"

moves=0
moves() {
	rebind "$BDF"
	if [ $((++moves % 10)) = 0 ]; then
		echo 1 >"$PCI/$BDF/remove"
		echo 1 >/sys/bus/pci/rescan
		assign "$BDF"
	fi
}

stress=("$HERE/config_stress" "$BDF" "$offset" "$hardware")

load() {
	module_load "devices=($BDF)" && in_force "$BDF" "$hardware" && put "$BDF" 0 >/dev/null &&
		module_unload
}
loads() {
	local status=0
	"${stress[@]}" 0 0 &
	module_unload || return
	repeat "${LOADS:-3}" load || status=1
	kill $!
	wait $! || status=1
	[ -d "$MODULE" ] || module_load
	return "$status"
}

random_writes() { "$HERE/rciep_writes" "$(dir "$BDF")/rciep" "${WRITES:-1000}" "$(date +%s)"; }
restored() { put "$BDF" 0 && is "$(get "$BDF" guest_flags)" "$hardware"; }

ktap_set_plan 7
check "read on every CPU while it is switched" "${stress[@]}" "${TOGGLES:-500}" "${READS:-5000}"
check "... and while it is bound, unbound, removed and found" \
	beside moves "${stress[@]}" "${MOVING:-50}" 0
check "... which it was" test "$(cat "$TMP"/moves)" -gt 0
check "it is there, and off" restored
check "random writes to rciep" random_writes
put "$BDF" 0
check "read while the module is loaded and unloaded" loads
check "it is there, and off" restored
ktap_finished

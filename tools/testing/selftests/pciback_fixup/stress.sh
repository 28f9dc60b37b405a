#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Readers on every CPU while the device is switched on and off, bound and unbound,
# removed and found again, and while the module is loaded and unloaded; random
# writes to rciep.
#   TOGGLES, READS   how often it is switched at least, and read (500, 5000)
#   MOVING           how often it is switched while it comes and goes (50)
#   LOADS            how often the module is loaded (3)
#   WRITES           how many random writes there are (1000)
#   SEED             of the random writes (the time)
. "$(dirname "$0")/lib.sh"

need_rig
need_device
[ -x "$HERE/config_stress" ] || skip_all "config_stress is not built: run make first"
offset=$(flags_offset "$BDF")
put "$BDF" 0
hardware=$(get "$BDF" hardware_flags)
# Each switching on says so in the log: on the console, that is slow.
dmesg -n 5
later "dmesg -n 7"

# disturb: until it is killed, have the device come and go
disturb() {
	local binds=0 scans=0 running=yes
	trap 'running=' TERM
	while [ -n "$running" ]; do
		echo "$BDF" >"$PCIBACK/unbind"
		echo "$BDF" >"$PCIBACK/bind"
		binds=$((binds + 1))
		if [ $((binds % 10)) = 0 ]; then
			echo 1 >"$PCI/$BDF/remove"
			echo 1 >/sys/bus/pci/rescan
			assign "$BDF"
			scans=$((scans + 1))
		fi
	done
	echo "# meanwhile: $binds times unbound and bound, $scans times removed and found by a rescan"
	[ "$binds" -gt 0 ]
}

# config_stress at the device, alone or while the device comes and goes
stress=("$HERE/config_stress" "$BDF" "$offset" "$hardware")
toggled_alone() { "${stress[@]}" "${TOGGLES:-500}" "${READS:-5000}"; }
toggled_disturbed() {
	local status=0
	disturb &
	"${stress[@]}" "${MOVING:-50}" 0 || status=1
	kill $!
	wait $! && [ "$status" = 0 ]
}

# loads: the module comes, is used and goes, while the device is read
loads() {
	local n status=0 reader
	"${stress[@]}" 0 0 &
	reader=$!
	module_unload || return
	for ((n = 0; n < ${LOADS:-3}; n++)); do
		if ! module_load "devices=($BDF)" ||
		   ! is "$(get "$BDF" guest_flags)" "$(rciep_of "$hardware")" ||
		   ! put "$BDF" 0 >/dev/null || ! module_unload; then
			echo "# failed in cycle $n"
			status=1
			break
		fi
	done
	kill "$reader"
	wait "$reader" || status=1
	echo "# $n times loaded and unloaded"
	[ -d "$MODULE" ] || module_load
	return "$status"
}

random_writes() { "$HERE/rciep_writes" "$(dir "$BDF")/rciep" "${WRITES:-1000}" "${SEED:-$(date +%s)}"; }
restored() { put "$BDF" 0 && is "$(get "$BDF" guest_flags)" "$hardware"; }

start 6
check "read on every CPU while it is switched" toggled_alone
check "... and while it is bound, unbound, removed and found" toggled_disturbed
check "it is there, and off" restored
check "random writes to rciep" random_writes
put "$BDF" 0
check "read while the module is loaded and unloaded" loads
check "it is there, and off" restored
finish

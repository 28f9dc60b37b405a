#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Another module that replaces the ops of a bus: aer_inject, loaded before us and after
# us, removed in either order. guest_flags is right at every step. The device is also
# switched while aer_inject injects and its config is read without a lock: nothing hangs.
#   TOGGLES   how often it is switched, in each order (300)
. "$(dirname "$0")/lib.sh"

need_rig
need_aer_inject
[ -x "$HERE/rciep_toggles" ] || ktap_skip_all "rciep_toggles is not built: run make first"
d=$PCI/$BDF

guest() { is "$(get "$BDF" guest_flags)" "$1"; }
refused() { # ERROR
	put "$BDF" 1 && return 1
	grep -q "$1" "$TMP"/put.err || { sed 's/^/# /' "$TMP"/put.err; return 1; }
	is "$(get "$BDF" rciep)" 0
}

truth() { is "$(get "$BDF" guest_flags)" "0x$(setpci -s "$BDF" CAP_EXP+2.w)"; }

# sysfs reads the link's speed without a lock, and config with it.
reads() {
	read -r _ <"$d/current_link_speed"
	read -r -d "" -N 64 _ <"$d/config" || :
} 2>/dev/null
injects() { inject "$BDF"; }
toggles() { # on|maybe
	beside reads beside injects \
		"$HERE/rciep_toggles" "$BDF" "$at" "$hardware" "${TOGGLES:-300}" "$1" &&
		[ "$(cat "$TMP"/injects)" -gt 10 ] && truth
}

ktap_set_plan 24
put "$BDF" 0
at=$(flags_offset "$BDF")
hardware=$(get "$BDF" hardware_flags)
changed=$(rciep_of "$hardware")
dmesg -n 1	# each injection and each switching on logs lines
later "dmesg -n 7"

# Above us
put "$BDF" 1
check "on; aer_inject comes above us" inject "$BDF"
check "... the overlay is in force" guest "$changed"
put "$BDF" 0
check "switched off below it: guests read the hardware's type" guest "$hardware"
put "$BDF" 1
check "switched on below it: in force" guest "$changed"
check "switched while it injects" toggles on
kernel_log_mark
put "$BDF" 0
check "the module can be unloaded below it" module_unload
check "... with a warning that our ops are left in memory" logged "another module may still hold"
check "... and reads are right" is "0x$(setpci -s "$BDF" CAP_EXP+2.w)" "$hardware"
module_load devices=
check "loaded again, it is refused" refused "Device or resource busy"
check "aer_inject goes" rmmod aer_inject
check "switched on after that: in force" eval 'put "$BDF" 1 && guest "$changed"'
put "$BDF" 0
check "the module can be unloaded" module_unload

# Below us
check "aer_inject comes first" inject "$BDF"
module_load devices=
kernel_log_mark
check "on above it: refused" refused "Device or resource busy"
check "... and the log says why" logged "reads of bus ${BDF%:*} go to aer_inj_read_config \[aer_inject\]; unload"
check "... it is not remembered" eval 'echo "$BDF" >$PCIBACK/unbind && echo "$BDF" >$PCIBACK/bind && is "$(get "$BDF" rciep)" 0'
check "written to while it injects" toggles maybe
check "aer_inject goes while the device may be on" eval 'put "$BDF" 1; rmmod aer_inject && truth'
put "$BDF" 1
check "switched on after that: in force" guest "$changed"
check "aer_inject comes and goes above us" eval 'inject "$BDF" && guest "$changed" && rmmod aer_inject && guest "$changed"'
put "$BDF" 0
check "switched off: the hardware's type" guest "$hardware"
check "the module can be unloaded at the end" module_unload
check "... and the register is the hardware's" is "0x$(setpci -s "$BDF" CAP_EXP+2.w)" "$hardware"
module_load devices=
check "loaded again, it works" eval 'put "$BDF" 1 && guest "$changed" && put "$BDF" 0'
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which functions get a pciback_fixup folder, and that the others are left alone. Takes
# every device of the machine from its driver in turn.
. "$(dirname "$0")/lib.sh"

need_rig

# what BDF: its Device/Port Type as lspci says, or "conventional"
what() {
	lspci -vv -s "$1" 2>/dev/null | sed -nE 's/.*Express \(v[12]\) ([^,(]*[^,( ]).*/\1/p' |
		grep . || echo conventional
}

untouched() { # BDF: bound to pciback, it has no folder, and reads as before
	local before
	before=$(what "$1")
	assign "$1" || return
	is "$(driver "$1")" pciback && not test -e "$(dir "$1")" &&
		is "$(what "$1")" "$before"
}

changed() { # BDF
	assign "$1" && put "$1" 1 &&
		in_force "$1" &&
		is "$(what "$1")" "Root Complex Integrated Endpoint" &&
		put "$1" 0 && is "$(what "$1")" Endpoint
}

alone() { # BDF OTHER: switching one on leaves the other as it was
	put "$1" 1 && is "$(get "$2" guest_flags)" "$(get "$2" hardware_flags)" &&
		put "$2" 1 && put "$1" 0 &&
		is "$(get "$1" guest_flags)" "$(get "$1" hardware_flags)" &&
		in_force "$2" &&
		put "$2" 0
}

ktap_set_plan 16
check "a root port, 00:10.0, is a port" is "$(what 00:10.0)" "Root Port"
check "a root port keeps its type" untouched 00:14.0
check "an upstream switch port, 04:00.0, is one" is "$(what 04:00.0)" "Upstream Port"
check "a downstream switch port, 05:00.0, is one" is "$(what 05:00.0)" "Downstream Port"
check "an RCiEP, 00:18.0, is one" is "$(what 00:18.0)" "Root Complex Integrated Endpoint"
check "an RCiEP stays one" untouched 00:18.0
check "a conventional function, 00:19.0, stays one" untouched 00:19.0
check "an endpoint with a v1 capability is changed" changed 01:00.0
check "an endpoint with a v2 capability below a switch is changed" changed 06:00.0
check "the first function of a card is changed" changed 03:00.0
check "the second function of a card is changed" changed 03:00.1
check "each without the other" alone 03:00.0 03:00.1
check "virtual functions come" vfs_on
check "a virtual function is changed" changed 02:00.1
check "a virtual function of the same bus is left alone" \
	eval 'assign 02:00.2 && assign 02:00.1 && alone 02:00.1 02:00.2'
vfs_off() { unassign 0000:02:00.1 && unassign 0000:02:00.2 && vfs 0; }
check "the physical function is changed" eval 'vfs_off && changed 02:00.0'
ktap_finished

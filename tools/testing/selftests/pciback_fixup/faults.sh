#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make each memory allocation fail in turn: as the module is loaded, as a device is bound,
# and as a rescan finds it. Each time all is done or nothing, and the log says why.
# Switching on and off allocates nothing.
#   STEP   after the first four, make each N-th fail (11; 1 for all). With kmemleak, every
#          second allocation is kmemleak's, which has a reserve
. "$(dirname "$0")/lib.sh"

need_rig
failslab=/sys/kernel/debug/failslab
[ -d $failslab ] || ktap_skip_all "this kernel has no CONFIG_FAILSLAB"
[ -n "${PCIBACK_FIXUP_MODULE-}" ] || ktap_skip_all "PCIBACK_FIXUP_MODULE does not name the module"

put "$BDF" 0
hardware=$(get "$BDF" hardware_flags)
echo N >$failslab/ignore-gfp-wait
echo 0 >$failslab/verbose
later any
later '[ -d "$MODULE" ] || module_load'

# only_ours: from now on, only allocations by our functions fail
only_ours() {
	local start_of
	read -r start_of <$MODULE/sections/.text
	echo "$start_of" >$failslab/require-start
	printf '0x%x\n' $((start_of + $(cat $MODULE/coresize))) >$failslab/require-end
}
any() { echo 0 >$failslab/require-start; echo 0xffffffffffffffff >$failslab/require-end; }

complete() { # it has its folder with all files, and is on
	is "$(cd "$(dir "$BDF")" 2>/dev/null && echo *)" "$FILES" &&
		is "$(get "$BDF" rciep)" 1 && in_force "$BDF" "$hardware"
}
nothing() { # it has no folder, and dom0 reads the hardware's value
	not test -e "$(dir "$BDF")" &&
		is "$(setpci -s "$BDF" CAP_EXP+2.w)" "${hardware#0x}"
}
told() { logged "$BDF: .*cannot be shown as an RCiEP: out of memory"; }

# each WHAT: for each N, call WHAT_prepare, WHAT N, which runs fail_nth, and WHAT_judge ERROR
each() {
	local what=$1 n failed=0 outcome error
	for ((n = 1; ; n += n < 4 ? 1 : ${STEP:-11})); do
		"${what}_prepare" || return
		kernel_log_mark
		read -r outcome error < <("$what" "$n")
		if ! "${what}_judge" "$error" >"$TMP"/judged; then
			echo "# allocation $n failed, error $error:"
			cat "$TMP"/judged
			return 1
		fi
		[ "$outcome" = failed ] || break
		failed=$((failed + 1))
	done
	echo "# $failed of less than $n allocations made to fail"
	[ "$failed" -gt 0 ]
}

# The module may be loaded although it had no memory for the device.
load_prepare() { [ ! -d "$MODULE" ] || { put "$BDF" 0 >/dev/null; module_unload; }; }
load() { "$HERE/fail_nth" "$1" load "$PCIBACK_FIXUP_MODULE" "devices=($BDF)"; }
load_judge() {
	case $1 in
	0) complete || { nothing && told; } ;;
	12) not test -d "$MODULE" && nothing ;;
	*) false ;;
	esac
}

# The driver core ignores the result of its notification.
bind_prepare() { echo "$BDF" >"$PCIBACK/unbind"; }
bind() { "$HERE/fail_nth" "$1" write "$PCIBACK/bind" "$BDF"; }
bind_judge() {
	is "$1 $(driver "$BDF")" "0 pciback" && { complete || { nothing && told; }; }
}

rescan_prepare() { echo 1 >"$PCI/$BDF/remove"; }
rescan() { "$HERE/fail_nth" "$1" write /sys/bus/pci/rescan 1; }
rescan_judge() { bind_judge "$1"; }

recovers() {
	any
	rebind "$BDF"
	complete
}

ktap_set_plan 5
any
check "loading" each load
only_ours
check "binding a device that is switched on" each bind
check "... bound again, it is on" recovers
only_ours
check "a rescan that finds a device that is switched on" each rescan
check "... bound again, it is on" recovers
put "$BDF" 0
any
ktap_finished

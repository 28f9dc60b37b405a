#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which devices are switched on: devices=, and what was written to rciep. Loads and
# unloads the module, and leaves it loaded.
. "$(dirname "$0")/lib.sh"

need_rig
assign 03:00.0
assign 03:00.1

reload() { # [devices=...]
	[ ! -d $MODULE ] || module_unload || return
	echo "# modprobe xen-pciback-fixup $*"
	module_load "$@" 2>"$TMP"/load.err
}
# Off, so that the module can be unloaded. need_device has saved the device's state.
put "$BDF" 0
later '[ -d $MODULE ] || module_load'

all_off() {
	local d
	for d in "$PCI"/*/pciback_fixup/rciep; do echo 0 >"$d"; done
}

lists() { # DEVICES STATE: loaded with this list, rciep of the three endpoints is STATE
	local state
	reload "devices=$1" || { commented cat "$TMP"/load.err; return 1; }
	state=$(cat "$(dir 01:00.0)/rciep" "$(dir 03:00.0)/rciep" "$(dir 03:00.1)/rciep" | xargs)
	all_off
	is "$state" "$2"
}

refused() { # DEVICES TEXT: EINVAL, and the log shows where
	kernel_log_mark
	reload "devices=$1" && { all_off; return 1; }
	grep -q "Invalid parameters\|Invalid argument" "$TMP"/load.err || return
	kernel_log_since | grep -qF "wrong at \"$2\"" && return
	commented kernel_log_since
	return 1
}

ktap_set_plan 37
check "no list: all off" lists "" "0 0 0"
check "all" lists all "1 1 1"
check "with a domain" lists "(0000:01:00.0)" "1 0 0"
check "without a domain" lists "(01:00.0)" "1 0 0"
check "two slots" lists "(01:00.0)(0000:03:00.1)" "1 0 1"
check "any function" lists "(03:00.*)" "0 1 1"
check "any device" lists "(0000:03:*.*)" "0 1 1"
check "another domain is another device" lists "(0001:01:00.0)" "0 0 0"
check "a device that is not there" lists "(7f:1f.7)(01:00.0)" "1 0 0"

check "refused: no brackets" refused "01:00.0" "01:00.0"
check "refused: text after the list" refused "(01:00.0)x" "x"
check "refused: a comma" refused "(01:00.0),(03:00.0)" ",(03:00.0)"
check "refused: no closing bracket" refused "(01:00.0" ""
check "refused: no function" refused "(01:00)" ")"
check "refused: bus too large" refused "(100:00.0)" "0:00.0)"
check "refused: device too large" refused "(01:20.0)" "0.0)"
check "refused: function too large" refused "(01:00.8)" "8)"
check "refused: domain too large" refused "(ffffffff:01:00.0)" "f:01:00.0)"
check "refused: any device, one function" refused "(01:*.0)" "0)"
check "refused: any bus" refused "(*:00.0)" "*:00.0)"
check "refused: all and a slot" refused "all(01:00.0)" "all(01:00.0)"
check "the module is not loaded after a refusal" not test -d $MODULE

kernel_log_mark
reload "devices=(00:10.0)(00:19.0)"
check "a port in the list is named in a warning" logged "00:10.0: .*its type is Root Port"
check "so is a conventional function" logged "00:19.0: .*conventional PCI function"
check "absent slots are named" eval 'kernel_log_mark; reload "devices=(7f:1f.7)"; logged "no device 0000:7f:1f.7 yet"'

rebound() { # BDF RCIEP: afterwards, rciep is RCIEP
	full "$1" >"$PCIBACK/unbind" && not test -e "$(dir "$1")" &&
		unbound=0x$(setpci -s "$1" CAP_EXP+2.w) &&
		full "$1" >"$PCIBACK/bind" && is "$(get "$1" rciep)" "$2"
}
reload "devices=(03:00.0)"
put 01:00.0 1
put 03:00.0 0
check "unbind and bind: a written 1 stays" rebound 01:00.0 1
check "... and is in force" in_force 01:00.0
check "while unbound, dom0 reads the hardware's type" is "${unbound-}" "$(get 01:00.0 hardware_flags)"
check "unbind and bind: a written 0 wins over devices=" rebound 03:00.0 0
check "rmmod is refused while a device is on" not module_unload 2>/dev/null
removed_and_added() {
	xl pci-assignable-remove 01:00.0 && not test -e "$(dir 01:00.0)" &&
		xl pci-assignable-add 01:00.0 2>/dev/null && is "$(get 01:00.0 rciep)" 1
}
check "xl pci-assignable-remove and -add: stays on" removed_and_added
rescanned() {
	echo 1 >"$PCI/0000:01:00.0/remove" && not test -e "$(dir 01:00.0)" &&
		echo 1 >/sys/bus/pci/rescan && assign 01:00.0 && is "$(get 01:00.0 rciep)" 1
}
check "removed and found again by a rescan: comes back on" rescanned
pciback_loaded() {
	modprobe xen-pciback "hide=(0000:01:00.0)(0000:03:00.0)(0000:03:00.1)" &&
		is "$(get 01:00.0 rciep) $(get 03:00.0 rciep)" "1 0"
}
if [ -d /sys/module/xen_pciback/holders ]; then
	check "xen-pciback unloaded and loaded under us: stays on" \
		eval 'modprobe -r xen-pciback && not test -e "$(dir 01:00.0)" && pciback_loaded'
else
	check "xen-pciback is built in, and its devices are seen" test -e "$(dir 01:00.0)"
fi
put 01:00.0 0
check "all off: the module goes" module_unload
if [ -d /sys/module/xen_pciback/holders ]; then
	check "xen-pciback loaded after us" \
		eval 'modprobe -r xen-pciback && module_load "devices=(01:00.0)" && pciback_loaded'
else
	check "loaded after a built-in xen-pciback" eval 'module_load "devices=(01:00.0)" && is "$(get 01:00.0 rciep)" 1'
fi
put 01:00.0 0
check "a new load has forgotten what was written" lists "(03:00.0)" "0 1 0"
kernel_log_mark
put 01:00.0 1
check "switching on logs one line with both values" \
	is "$(kernel_log_since | grep -c "01:00.0: .*$(get 01:00.0 hardware_flags), guests read $(get 01:00.0 guest_flags)")" 1
put 01:00.0 0
ktap_finished

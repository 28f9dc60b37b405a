#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Another module that replaces the ops of a bus: aer_inject, loaded before us and
# after us, removed in either order. guest_flags tells the truth at every step.
. "$(dirname "$0")/lib.sh"

need_rig
need_device
modprobe -n -q aer_inject || skip_all "this kernel has no aer_inject"

# inject: a correctable error, which makes aer_inject replace the bus's ops
inject() {
	modprobe aer_inject || return
	# bus, dev, fn, padding; uncorrectable and correctable status; four words
	# of header log; domain
	printf '%b' "\\x${BDF:5:2}\\x${BDF:8:2}\\x0${BDF:11}\\x00" \
		'\x00\x00\x00\x00' '\x01\x00\x00\x00' \
		'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' \
		'\x00\x00\x00\x00' >/tmp/aer
	cat /tmp/aer >/dev/aer_inject
}

guest() { is "$(get "$BDF" guest_flags)" "$1"; }
hardware_is_read() { is "$(get "$BDF" hardware_flags)" "$hardware"; }
unload() { # at once, or as soon as the other module has left
	local n
	for n in 1 2 3 4 5 6; do
		module_unload 2>/dev/null && return
		sleep 0.5
	done
	return 1
}

start 21
put "$BDF" 0
hardware=$(get "$BDF" hardware_flags)
changed=$(rciep_of "$hardware")

# Above us
put "$BDF" 1
check "on; aer_inject comes above us" inject
check "... the overlay is in force" guest "$changed"
kernel_log_mark
put "$BDF" 0
check "switched off below it: guests read the hardware's type" guest "$hardware"
check "... and the log says why the module stays" logged "cannot be unloaded before that one"
check "... rmmod says busy" not module_unload 2>/dev/null
put "$BDF" 1
check "switched on below it: in force" guest "$changed"
put "$BDF" 0
check "aer_inject goes" rmmod aer_inject
check "... guests read the hardware's type" guest "$hardware"
check "... and the module can be unloaded" unload
check "the register is the hardware's" is "0x$(setpci -s "$BDF" CAP_EXP+2.w)" "$hardware"

# Below us
check "aer_inject comes first" inject
module_load devices=
put "$BDF" 1
check "on above it: in force" guest "$changed"
check "... hardware_flags too" hardware_is_read
check "aer_inject goes, and takes our ops along" rmmod aer_inject
check "... which guest_flags shows" guest "$hardware"
check "... and nobody calls what is gone" hardware_is_read
put "$BDF" 1
check "written once more, it is in force" guest "$changed"
check "another goes the same way" eval 'put "$BDF" 0 && inject && put "$BDF" 1 && rmmod aer_inject && guest "$hardware"'
put "$BDF" 0
check "switched off after that: the hardware's type" guest "$hardware"
check "... and the module can be unloaded" unload
module_load devices=
check "loaded again, it works" eval 'put "$BDF" 1 && guest "$changed" && put "$BDF" 0'
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unplug a device that is switched on, and plug one in again: it comes back
# switched on. The machine's monitor, on a virtio port, does the plugging.
#   CYCLES   how often (3)
. "$(dirname "$0")/lib.sh"

need_rig
need_device
cycles=${CYCLES:-3}

monitor=
for name in /sys/class/virtio-ports/*/name; do
	[ "$(cat "$name")" = monitor ] && monitor=/dev/$(basename "$(dirname "$name")")
done
[ -n "$monitor" ] || skip_all "this machine has no monitor to plug with"
exec 5<>"$monitor"
cat <&5 >/tmp/monitor.log &
later "kill $!"
monitor() { echo "# monitor: $*"; echo "$*" >&5; }

slot=07:00.0
power=
for s in /sys/bus/pci/slots/*; do
	[ "$(cat "$s/address")" = 0000:07:00 ] && power=$s/power
done

within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

is_on() { [ "$(cat "$(dir "$slot")/rciep" 2>/dev/null)" = 1 ]; }
in_force() {
	is "$(get "$slot" guest_flags)" "$(rciep_of "$(get "$slot" hardware_flags)")"
}
absent() { [ ! -e "$PCI/$(full "$slot")" ]; }

# The slot's power switch spares the five seconds of the attention button.
unplug() { echo 0 >"$power" && within 20 absent; }
plug() { # DEVICE
	monitor "device_add $1,id=hot,bus=rp5"
	within 30 is_on
}

start 7
check "the slot has a power switch" test -n "$power"
assign "$slot"
put "$slot" 1
cycle() {
	local n
	for ((n = 0; n < cycles; n++)); do
		if ! unplug || ! plug e1000e,romfile= || ! in_force; then
			echo "# failed in cycle $n"
			return 1
		fi
	done
	echo "# $n cycles"
}
check "unplugged and plugged $cycles times: on each time" cycle

reader() { while :; do cat "$PCI/$(full "$slot")/config"; done >/dev/null 2>&1; }
unplug_while_read() {
	local pid status
	reader &
	pid=$!
	unplug
	status=$?
	kill "$pid"
	return "$status"
}
check "unplugged while it is read" unplug_while_read
other() { plug qemu-xhci && in_force; }
check "another kind of device in its place: on, for its slot is" other
check "the type of the other is its own" is "$(get "$slot" hardware_flags)" 0x0002
check "it can be switched off" eval 'put "$slot" 0 && is "$(get "$slot" guest_flags)" 0x0002'
check "unplugged, and the first kind plugged in: off" \
	eval 'unplug && monitor device_add e1000e,romfile=,id=hot,bus=rp5 && within 30 test -e "$(dir "$slot")" && is "$(get "$slot" rciep)" 0'
finish

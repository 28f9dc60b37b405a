#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fatal errors of one function of a card, which the kernel answers with a reset of the
# bus, while both functions are switched, and the other one is unbound and bound: no task
# waits for ever.
. "$(dirname "$0")/lib.sh"

need_rig
need_aer_inject
fails=0000:03:00.1
other=0000:03:00.0
assign $fails
assign $other
limit=/proc/sys/kernel/hung_task_timeout_secs
[ -e $limit ] || ktap_skip_all "this kernel does not look for hung tasks"
later "echo $(cat $limit) >$limit"
echo 20 >$limit
dmesg -n 1
later "dmesg -n 7"

# A write may be refused: a device in reset does not answer.
written=0
writes() {
	written=$((1 - written))
	put "$fails" "$written"
	put "$other" "$written"
} >/dev/null
binds() { rebind "$other"; } 2>/dev/null

# dmesg loses lines, as each switching logs some: they are counted as they come.
resets() { wc -l <"$TMP"/recovery.resets; }

error() {
	local before
	before=$(resets)
	inject "$fails" fatal && wait_for 60 eval '[ "$(resets)" -gt '"$before"' ]'
}

ktap_set_plan 6
dmesg --follow-new >"$TMP"/recovery.log &
later "kill $!"
tail -f "$TMP"/recovery.log | grep --line-buffered "Port link has been reset" >"$TMP"/recovery.resets &
later "kill $!"
check "fatal errors are answered with a reset, and writes, unbinding and binding return" \
	beside writes beside binds repeat 15 error
check "... having written, unbound and bound" test "$(cat "$TMP"/writes)" -gt 0 -a "$(cat "$TMP"/binds)" -gt 0
check "no task was blocked" not grep "blocked for more than" "$TMP"/recovery.log
for bdf in $fails $other; do
	check "$bdf can be switched on and off" \
		eval 'put $bdf 1 && in_force $bdf && put $bdf 0 && is "$(get $bdf guest_flags)" "$(get $bdf hardware_flags)"'
done
check "aer_inject goes" rmmod aer_inject
ktap_finished

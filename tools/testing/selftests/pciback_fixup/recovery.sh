#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fatal errors of one function of a card, which the kernel answers with a reset of
# the bus, while rciep of both functions is written and the other one is unbound
# and bound again: nobody waits for ever.
#   ERRORS   how many (15)
. "$(dirname "$0")/lib.sh"

need_rig
need_device
need_aer_inject
fails=0000:03:00.1
other=0000:03:00.0
assign $fails
assign $other
limit=/proc/sys/kernel/hung_task_timeout_secs
[ -e $limit ] || skip_all "this kernel does not look for hung tasks"
later "echo $(cat $limit) >$limit"
echo 20 >$limit
dmesg -n 1
later "dmesg -n 7"

writer() { # what is refused, for the device does not answer now, is no matter
	local n=0
	while [ ! -e "$TMP"/recovery.end ]; do
		put $fails $((n % 2)) 2>/dev/null
		put $other $((n % 2)) 2>/dev/null
		n=$((n + 1))
	done >/dev/null
	echo "# $n times written" >>"$TMP"/recovery.counts
}

binder() {
	local n=0
	while [ ! -e "$TMP"/recovery.end ]; do
		echo $other >"$PCIBACK/unbind"
		echo $other >"$PCIBACK/bind"
		n=$((n + 1))
	done 2>/dev/null
	echo "# $n times unbound and bound" >>"$TMP"/recovery.counts
}

# The log is full of what was switched: its lines are counted as they come.
resets() { wc -l <"$TMP"/recovery.resets; }
ended() { [ ! -d "/proc/$writer" ] && [ ! -d "/proc/$binder" ]; }

errors() {
	local n before
	for ((n = 0; n < ${ERRORS:-15}; n++)); do
		before=$(resets)
		inject "$fails" fatal || return
		wait_for 60 eval '[ "$(resets)" -gt '"$before"' ]' || {
			echo "# error $n: the bus was not reset"
			return 1
		}
	done
	echo "# $n fatal errors, each with a reset"
}

start 6
rm -f "$TMP"/recovery.*
dmesg --follow-new >"$TMP"/recovery.log &
later "kill $!"
tail -f "$TMP"/recovery.log | grep --line-buffered "Port link has been reset" >"$TMP"/recovery.resets &
later "kill $!"
writer &
writer=$!
binder &
binder=$!
check "fatal errors are answered with a reset" errors
touch "$TMP"/recovery.end
check "those who write, unbind and bind come to their end" wait_for 60 ended
cat "$TMP"/recovery.counts
check "no task was blocked" not grep "blocked for more than" "$TMP"/recovery.log
for bdf in $fails $other; do
	check "$bdf can be switched on and off" \
		eval 'put $bdf 1 && in_force $bdf && put $bdf 0 && is "$(get $bdf guest_flags)" "$(get $bdf hardware_flags)"'
done
check "aer_inject goes" rmmod aer_inject
finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Results in KTAP, for the tests in a dom0 and for those that boot it.

tests=0
failures=0
skips=0
planned=

start() { echo "TAP version 13"; echo "1..$1"; planned=$1; }

result() { # STATUS DESCRIPTION
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failures=$((failures + 1))
	fi
}

skip() { # DESCRIPTION REASON
	skips=$((skips + 1))
	result 0 "$1 # SKIP $2"
}

skip_all() { # REASON
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4	# KSFT_SKIP
}

# finish: a test without start has its plan here; one that dies before has none
finish() {
	if [ -z "$planned" ]; then
		echo "1..$tests"
	elif [ "$tests" != "$planned" ]; then
		echo "# $tests tests were run, $planned planned"
		failures=$((failures + 1))
	fi
	echo "# Totals: pass:$((tests - failures - skips)) fail:$failures skip:$skips"
	[ $failures = 0 ]
	exit
}

is() {
	[ "$1" = "$2" ] && return
	echo "# it is \"$1\", but must be \"$2\""
	return 1
}

not() { ! "$@"; }

# commented COMMAND...: what it says are comments here
commented() { "$@" 2>&1 | sed 's/^/# /'; return "${PIPESTATUS[0]}"; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	until "${@:2}"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Results in KTAP, for the tests in a dom0 and for those that boot it. The functions are
# called as in the kernel's kselftest/ktap_helpers.sh.

tests=0
failures=0
skips=0
planned=

ktap_set_plan() { # NUMBER: prints the header as well
	echo "TAP version 13"
	echo "1..$1"
	planned=$1
}

ktap_test_pass() { # DESCRIPTION
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

ktap_test_fail() { # DESCRIPTION
	tests=$((tests + 1))
	failures=$((failures + 1))
	echo "not ok $tests - $1"
}

ktap_test_skip() { # DESCRIPTION REASON
	skips=$((skips + 1))
	ktap_test_pass "$1 # SKIP $2"
}

ktap_skip_all() { # REASON
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4	# KSFT_SKIP
}

# ktap_finished: prints the plan if none was set, and exits
ktap_finished() {
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

# commented COMMAND...: what it prints becomes comments
commented() { "$@" 2>&1 | sed 's/^/# /'; return "${PIPESTATUS[0]}"; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	until "${@:2}"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

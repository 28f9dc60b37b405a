#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run kselftests with each module in DIR, 0.ko, 1.ko and so on, in the debug dom0; a machine
# for many of them, and another one when it cannot go on. Prints "N VERDICT" for each.
#   mutants-dom0.sh DIR
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/boot.sh"

export MORE_PAYLOAD=$1
mkdir -p "$MORE_PAYLOAD.done"
while ls "$MORE_PAYLOAD"/*.ko >/dev/null 2>&1; do
	run_job debug mutants >"$MORE_PAYLOAD.log" 2>"$MORE_PAYLOAD.err" || :
	begun=
	while read -r mark name verdict; do
		[ "$mark" = @mutant ] || continue
		begun=$name
		[ "$verdict" != begins ] || continue
		echo "$name $verdict"
		mv "$MORE_PAYLOAD/$name.ko" "$MORE_PAYLOAD.done/"
	done <"$MORE_PAYLOAD.log"
	[ "$begun" ] || die "dom0 does not come up; see $MORE_PAYLOAD.err"
	if [ -e "$MORE_PAYLOAD/$begun.ko" ]; then
		echo "$begun dom0 did not come to the end of its tests"
		mv "$MORE_PAYLOAD/$begun.ko" "$MORE_PAYLOAD.done/"
	fi
done

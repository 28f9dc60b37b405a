#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# part.sh NAME COMMAND...: run a part of make check. What it prints is TAP, in one piece
# or, each after a line "# test: NAME", in several; each goes into a file of its own.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

# The parts are no sub-makes of the make that runs them.
unset MAKEFLAGS MFLAGS MAKELEVEL
part=$1
shift
out=$BUILD/check/$part
mkdir -p "$out"
say "$part begins"
status=0
{ "$@" 2>&1 >&3 | tee "$out/log" | sed -u "s/^/$part: /" >&2; } 3>&1 |
	awk -v out="$out" -f "$CHECKS/split_tap.awk" || status=$?
(succeeds "ran to its end, with exit status $status" test $status = 0; ktap_finished) \
	>"$out/end.tap" || :
say "$part took $SECONDS s"

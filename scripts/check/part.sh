#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# part.sh NAME COMMAND...: run a part of make check. COMMAND prints the TAP of one test, or
# that of several, each after a line "# test: NAME". Each test's TAP goes into its own file.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

# A part must not run as a sub-make of the make that runs the parts.
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

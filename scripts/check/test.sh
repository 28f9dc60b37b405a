#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make test: what needs neither root nor a machine, in less than a minute. The command's
# tests, the KUnit suites of the driver's pure parts in user space with sanitizers, and the
# gates. Prints TAP, each suite after a line "# test: NAME".
cd "$(dirname "$0")/../.." || exit
status=0
piece() { echo "# test: $1"; "${@:2}" || status=1; }

in_user_space() { # SUITE
	cc -g -O1 -Wall -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
		-I scripts/check/user -I tools/pciback-fixup -o "$tmp/$1" \
		"drivers/xen/xen-pciback/fixup_$1_kunit.c" && "$tmp/$1"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
piece command make -s -C tools/pciback-fixup test
piece overlay in_user_space overlay
piece devlist in_user_space devlist
piece lists scripts/check/lists.sh
piece gates scripts/check/gates.sh
[ $status = 0 ] || echo 'error: tests failed: see the lines "not ok"' >&2
exit $status

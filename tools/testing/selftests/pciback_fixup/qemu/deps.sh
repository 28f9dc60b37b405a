#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the Debian packages that the rig needs and that are not there yet.
# usage: deps.sh PACKAGE...
. "$(dirname "$0")/lib.sh"

missing=()
for package; do
	dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
		grep -q ' installed$' || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0

command -v apt-get >/dev/null ||
	die "this needs Debian 12; please install by hand: ${missing[*]}"
# Parts of make check may come here at the same time.
mkdir -p "$BUILD"
exec 7>"$BUILD/apt.lock"
flock 7
say "installing with apt-get: ${missing[*]}"
run_logged "$BUILD/log/apt.log" $SUDO apt-get update
run_logged "$BUILD/log/apt.log" $SUDO env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends "${missing[@]}"
say "installed ${#missing[@]} packages"

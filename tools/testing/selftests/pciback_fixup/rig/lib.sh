# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script of the rig and of the checks shares: where things are, progress,
# errors, results in TAP, and what has to be installed.

set -euo pipefail
shopt -s inherit_errexit
# Programs' output is parsed.
export LC_ALL=C

RIG=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SELFTESTS=${RIG%/*}
TOP=$(cd "$RIG/../../../../.." && pwd)
CHECKS=$TOP/scripts/check
BUILD=${BUILD:-$TOP/build}
CACHE=$BUILD/cache
MODULE_DIR=$TOP/drivers/xen/xen-pciback

# Kernel series that are tested, by the suffix of Debian's meta packages.
SERIES="6.1 6.12"

if [ "$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

case $TOP$BUILD in
*[[:space:],:]*)
	die "make and QEMU take no path with a blank, a comma or a colon: move $TOP, or set BUILD="
	;;
esac

# run_logged LOG CMD...: keep a command's output in LOG; show its end if it fails
run_logged() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 30 "$log" >&2
	die "$1 failed; the whole output is in $log"
}

# --- results, in TAP: make check reads them, and so may you -----------------

tests=0
failures=0

result() { # STATUS NAME
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failures=$((failures + 1))
	fi
}

# finish: the plan comes last; a script that dies before has none
finish() {
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}

# wait_lock FILE WHAT: until nobody else holds it, and hold it until we end. Two runs
# in one tree share its build folder.
wait_lock() {
	mkdir -p "$(dirname "$1")"
	exec {lock_fd}>"$1"
	flock -n "$lock_fd" && return
	say "waiting for another run, which has $2"
	flock "$lock_fd"
}

# need PACKAGE...: install the Debian packages that are not there yet
need() {
	local package missing=()
	for package; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
			grep -q ' installed$' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "this needs Debian 12; please install by hand: ${missing[*]}"
	wait_lock "$BUILD/apt.lock" apt
	say "installing with apt-get: ${missing[*]}"
	run_logged "$BUILD/log/apt.log" $SUDO apt-get update
	run_logged "$BUILD/log/apt.log" $SUDO env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}"
	exec {lock_fd}>&-
	say "installed ${#missing[@]} packages"
}

# --- versions of packages ------------------------------------------------------

# key [FILE|-]...: a short hash over the files' contents, and over standard input for -
key() { cat -- "$@" | sha256sum | cut -c1-16; }

# memo COMMAND...: what it printed when apt's lists were as they are now
memo() {
	local file
	file=$CACHE/apt/$( (stat -c %y /var/lib/apt/lists; echo "$*") | key -)
	if [ ! -s "$file" ]; then
		mkdir -p "$CACHE/apt"
		"$@" >"$file.$$" || return
		mv "$file.$$" "$file"
	fi
	cat "$file"
}

# meta SERIES: the part of Debian's meta package names that stands for a series
meta() { if [ "$1" = 6.1 ]; then echo; else echo "$1-"; fi; }

# kver SERIES [FLAVOUR]: the newest kernel version that Debian has of a series
kver() {
	local package
	package=linux-headers-$(meta "$1")${2:-amd64}
	memo apt-cache depends "$package" |
		sed -n 's/^ *Depends: linux-headers-//p' | head -n 1 | grep . ||
		die "no package $package: run apt-get update"
}

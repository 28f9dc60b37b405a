# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script of the rig shares: where things are, progress, errors, and
# a cache that is keyed by what went into each of its entries.

set -euo pipefail
shopt -s inherit_errexit

QEMU_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$QEMU_DIR/../../../../.." && pwd)
BUILD=${BUILD:-$TOP/build}
CACHE=$BUILD/cache
MODULE_DIR=$TOP/drivers/xen/xen-pciback

# Kernel series that are tested, by the suffix of Debian's meta packages.
SERIES="6.1 6.12"

if [ "$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# run_logged LOG CMD...: keep a command's output in LOG; show its end if it fails
run_logged() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 30 "$log" >&2
	die "$1 failed; the whole output is in $log"
}

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

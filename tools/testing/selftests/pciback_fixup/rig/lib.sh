# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by all scripts of the rig and of the checks

set -euo pipefail
shopt -s inherit_errexit
# Programs' output is parsed.
export LC_ALL=C

RIG=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SELFTESTS=${RIG%/*}
TOP=$(cd "$RIG/../../../../.." && pwd)
CHECKS=$TOP/scripts/check
AUDITS=$TOP/scripts/audit
# shellcheck source=../ktap_helpers.sh
. "$SELFTESTS/ktap_helpers.sh"
BUILD=${BUILD:-$TOP/build}
CACHE=$BUILD/cache
MODULE_DIR=$TOP/drivers/xen/xen-pciback

if [ "$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

[[ $TOP$BUILD != *[[:space:],:]* ]] ||
	die "make and QEMU take no path with a blank, a comma or a colon: move $TOP, or set BUILD="

# release NAME: that field of /etc/os-release
release() (
	# shellcheck source=/dev/null
	. /etc/os-release 2>/dev/null || :
	echo "${!1-}"
)

# run_logged LOG COMMAND...: write its output to LOG; if it fails, show the end and exit
run_logged() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 30 "$log" >&2
	# Name the command, not what runs it.
	while [[ $# -gt 1 && $1 =~ ^(sudo|env|root|-.*|.*=.*)$ ]]; do shift; done
	die "$1 failed; the whole output is in $log"
}

# apt_get ARGUMENT...: wait for apt's locks, which its own timers have after the first boot.
# apt-get waits for dpkg's lock, but not for that of its lists.
apt_get() {
	local log=$BUILD/log/apt.log timeout=0 tries
	mkdir -p "${log%/*}"
	for ((tries = 0; tries < 240; tries++)); do
		(run_logged "$log" $SUDO env DEBIAN_FRONTEND=noninteractive \
			apt-get -o "DPkg::Lock::Timeout=$timeout" "$@") 2>"$log.failed" && return
		grep -q 'Could not get lock' "$log" || break
		[ $timeout != 0 ] || say "waiting for apt's lock$(sed -n 's/.*Could not get lock [^ ]*\. It is/, which is/p' "$log" | head -n 1)"
		timeout=600
		sleep 5
	done
	cat "$log.failed" >&2
	exit 1
}

# succeeds DESCRIPTION COMMAND...: a test that passes if the command succeeds, with errexit
succeeds() {
	local status log
	log=$(mktemp)
	# Not after ||, which would disable errexit inside.
	set +e
	(set -e; "${@:2}") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	if [ $status = 0 ]; then
		ktap_test_pass "$1"
	else
		tail -n 30 "$log" | sed 's/^/# /'
		ktap_test_fail "$1"
	fi
	rm -f "$log"
}

fails() { succeeds "$1" refused "${@:2}"; }
refused() { ! ("$@"); }

# silent COMMAND...: it succeeds, and prints nothing
silent() {
	local said
	said=$("$@" 2>&1) && [ -z "$said" ] && return
	echo "$said"
	return 1
}

# wait_lock FILE WHAT: take a lock, and hold it until we end
wait_lock() {
	mkdir -p "$(dirname "$1")"
	exec {lock_fd}>"$1"
	flock -n "$lock_fd" && return
	say "waiting for another, which has $2"
	flock "$lock_fd"
}

need_debian() {
	local version what
	version=$(release VERSION_ID)
	what="$(release ID) $(dpkg --print-architecture 2>/dev/null)"
	# An unreleased Debian has no number.
	if [ "$what" != "debian amd64" ] || [ "${version:-99}" -lt 12 ]; then
		die "this needs Debian 12 or 13 on amd64; a container or a chroot will do"
	fi
	[ -z "$SUDO" ] || command -v $SUDO >/dev/null || die "this needs to be root, or sudo"
}

# need PACKAGE...: install the Debian packages that are missing
need() {
	local package missing=()
	for package; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
			grep -q ' installed$' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	need_debian
	wait_lock "$BUILD/apt.lock" apt
	say "installing with apt-get: ${missing[*]}"
	apt_get update
	apt_get install -y --no-install-recommends "${missing[@]}"
	exec {lock_fd}>&-
	say "installed ${#missing[@]} packages"
}

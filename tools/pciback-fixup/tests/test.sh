#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of pciback-fixup without Xen: its objects, linked with fake.c, against a
# simulated dom0 below $ROOT. "make test" builds that.
#
# Each function test_* is a test, and its name the description. It gets a fresh
# dom0, and runs in a shell of its own, which the first failure ends.
# shellcheck disable=SC1003,SC2317 # a backslash at the end is meant; tests are run by name
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=sysfs.sh disable=SC1091
. "$here/sysfs.sh"
# shellcheck source=../../testing/selftests/pciback_fixup/ktap_helpers.sh disable=SC1091
. "$here/../../testing/selftests/pciback_fixup/ktap_helpers.sh"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
install -m 755 "$here/pciback-fixup" "$tmp" || exit 1	# where any user can run it
command=$tmp/pciback-fixup as=()
export ROOT=$tmp/root
CONF=$ROOT/etc/modprobe.d/xen-pciback-fixup.conf
LOAD=$ROOT/etc/modules-load.d/xen-pciback-fixup.conf
LOCAL=$ROOT/etc/modprobe.d/local.conf
HEADER="# Written by pciback-fixup, which replaces this file: make changes by enable and disable --persist."

# --- helpers ------------------------------------------------------------------

fail() {
	printf '%s\n' "$@" | sed 's/^/# /'
	exit 1
}

is() {
	[ "$1" = "$2" ] || fail "it is:" "$1" "but must be:" "$2"
}

# has TEXT PART: in which "..." stands for anything
has() {
	local pattern
	pattern=$(sed 's/[][()*?\\]/\\&/g; s/\.\.\./*/g' <<<"$2")
	[[ $1 == *$pattern* ]] || fail "it is:" "$1" "but must contain:" "$2"
}

# run "STATUS WORD..." ARGUMENT...: what it prints is then in $out and $err
run() {
	local status words
	read -ra words <<<"$1"
	set -- "${words[@]}" "${@:2}"
	timeout 20 "${as[@]}" "$command" "${@:2}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(<"$tmp/out") err=$(<"$tmp/err")
	[ "$status" = "$1" ] || fail "pciback-fixup ${*:2}: exit status $status, not $1" "$out" "$err"
}

# prints TEXT "STATUS WORD..." ARGUMENT...: TEXT is all that it prints
prints() { run "${@:2}"; is "$out$err" "$1"; }

# says PART "STATUS WORD..." ARGUMENT...: PART is in its output
says() { run "${@:2}"; has "$out" "$1"; }

# complains PART "STATUS WORD..." ARGUMENT...: it prints one line on stderr, with PART
complains() {
	run "${@:2}"
	is "$(wc -l <"$tmp/err")" 1
	has "$err" "pciback-fixup: ...$1"
}

# cells COLUMNS ROWS BDF...: the rows of list; how columns are padded is up to libsmartcols
cells() {
	run 0 list --noheadings --output "$1" "${@:3}"
	is "$err$(sed -E 's/^ +//; s/ +/ /g' "$tmp/out")" "$2"
}
persistent() { cells PERSISTENT "$2" "$1"; }

# said LABEL: what status prints after it
said() { run 0 status; sed -n "s/^$1: *//p" "$tmp/out"; }
next() { is "$(said 'what to do next')" "$1"; }
hint() { has "$(said 'what to do next')" "$1"; }
problem() { is "$(said problem)" "$1"; }
loaded_by() { run 0 status; is "$(said 'loaded at boot by')" "$1"; }

# json EXPRESSION VALUE "STATUS WORD..." ARGUMENT...: in Python, of its JSON, in which
# d is the devices by BDF, and s the status
json() {
	run "${@:3}"
	is "$(python3 -c "import json, sys
s = json.load(sys.stdin.buffer)
d = {x['bdf']: x for x in s.get('devices', [])}
s = s.get('status', [None])[0]
print($1)" <"$tmp/out")" "$2"
}

# The module's files of a device
rciep() { (cd "$ROOT/$SYS/devices" && for bdf; do cat "$bdf/pciback_fixup/rciep"; done | xargs); }

unbind() { (cd "$ROOT/$SYS/devices" && rm "${@/%//driver}"); }
unbind_all() { rm "$ROOT/$SYS"/devices/*/driver; }

without_pciback() {
	unbind_all
	rm -r "$ROOT/$SYS/drivers/pciback"
}

cmdline() { echo "$1" >"$ROOT/proc/cmdline"; }
# conf FILE LINE...: what the administrator wrote
conf() { printf '%s\n' "${@:2}" >"$ROOT/etc/$1"; }
local_conf() { conf modprobe.d/local.conf "$@"; }
loads() { conf modules-load.d/mine.conf "$1"; }
ours() { printf '%s\n' "$HEADER" "options xen-pciback-fixup devices=$1" >"$CONF"; }
at_boot() { loads xen-pciback-fixup; ours "$1"; }
ours_is() { is "$(cat -A "$CONF")" "$(printf '%s$\n' "$HEADER" "options xen-pciback-fixup devices=$1")"; }
# lists LIST "STATUS WORD..." ARGUMENT...: our file has LIST after that
lists() { run "${@:2}"; ours_is "$1"; }

# etc [FILE...]: these are the files in /etc
etc() { is "$(cd "$ROOT/etc" && find . -type f -o -type l | sort | xargs)" "$*"; }

as_nobody() {
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	else
		chmod a-w "$ROOT/$SYS"/devices/*/pciback_fixup/rciep "$ROOT"/run "$ROOT"/etc/modprobe.d
	fi
}

A=0000:03:00.0 B=0000:03:00.1 LEGACY=0000:04:00.0 FAR=ffff:e1:1f.7
PORT=0000:00:1c.0 CONVENTIONAL=0000:07:01.0 UNBOUND=0000:00:1f.3

# --- list -----------------------------------------------------------------------

test_list_prints_a_table() {
	at_boot "($A)(04:00.*)"
	run 0 list
	is "$err" ""
	is "$(awk 'NR == 1 { at = index($0, "NAME") }
		{ $0 = substr($0, 1, at - 1); sub(/ +$/, ""); print }' "$tmp/out")" "\
BDF          HARDWARE         GUEST            HITS DOMAIN      PERSISTENT
0000:00:1c.0 Root Port        Root Port           - -           no
0000:03:00.0 Endpoint         Endpoint            0 -           yes
0000:03:00.1 Endpoint         RCiEP              12 win10       no
0000:04:00.0 Legacy Endpoint  Legacy Endpoint     0 two \"words\" yes
0000:07:01.0 conventional PCI conventional PCI    - two \"words\" no
ffff:e1:1f.7 Endpoint         RCiEP               3 -           no"
	has "$(grep "^$A" "$tmp/out")" "Intel Corporation 82574L"	# from pci.ids
}

# fits LINES BDF...: what list prints on a terminal of 80 columns
fits() {
	script -qec "stty cols 80; '$command' list ${*:2}" /dev/null </dev/null | tr -d '\r' >"$tmp/out"
	is "$(grep -c . "$tmp/out")" "$1"
	! grep -E '.{81}' "$tmp/out" || fail "wider than the terminal"
}

test_the_table_fits_a_terminal() {
	fits 3 "$A" "$B"
	has "$(cat "$tmp/out")" "Intel Corporation"
	# A long name of a domain is cut.
	holds 9 "$(printf 'x%.0s' {1..200})" 4 "$A"
	fits 7
}

test_list_of_nothing() {
	unbind_all
	for verb in list check; do
		complains "no device is bound to pciback; to bind one: xl pci-assignable-add" 0 "$verb"
	done
	json d {} 0 list --json
	run 0 list --noheadings --output BDF
	is "$out" ""
}

test_list_columns() {
	cells BDF "$(printf '%s\n' "$PORT" "$A" "$B" "$LEGACY" "$CONVENTIONAL" "$FAR")"
	prints "\
BDF          DOMID RCIEP VENDOR DEVICE
$B     3 yes   0x8086 0x10d3" 0 list --output bdf,Domid,rciep,vendor,DEVICE "$B"
	complains 'no column of list, or one too many: "FOO"' 2 list --output BDF,FOO
	complains 'no column of list, or one too many: ""' 2 list --output ,
}

test_list_of_some_devices() {
	cells BDF "$(printf '%s\n' "$A" "$B" "$FAR")" "03:00.*" "$FAR"
	complains "$UNBOUND: bound to nvme, not to pciback" \
		1 list --noheadings --output BDF "$A" "$UNBOUND"
	is "$out" "$A"
}

test_list_json_is_valid_and_complete() {
	at_boot "(03:00.1)"
	json "len(d)" 6 0 list --json
	json "[*d['$B'].values()][1:-1]" \
		"['0x8086', '0x10d3', 'Endpoint', 'RCiEP', True, 12, 3, 'win10', True]" 0 list --json
	json "[*d['$PORT'].values()][5:-1]" "[None, None, None, None, False]" 0 list --json
	json d "{'$B': {'bdf': '$B', 'hits': 12}}" 0 list --json --output BDF,HITS "$B"
}

test_domain_names_of_any_kind() {
	holds 3 'a"b\\\\c\tJ\0303\0274rg\0033[2J\0377\nd' 4 "$B"
	json "ascii(d['$B']['domain'])" "'a\"b\\\\\\\\c\\tJ\\xfcrg\\x1b[2J\\ufffd'" 0 list --json
	says 'Jürg\x1b[2J' 0 list
	is "$(grep -c . "$tmp/out")" 7
	put "$B" rciep 0
	complains 'Jürg\x1b[2J' 0 enable "$B"
	! grep -q $'\e' "$tmp/out" "$tmp/err" || fail "an escape character went to the terminal"
}

test_list_names_the_domain_that_holds_a_device_now() {
	rm -r "$ROOT/xenstore/local/domain/0/backend/pci/3"
	cells DOMAIN - "$B"		# the one that is gone is in the state Closed
	holds 12 "" 4 "$B"
	cells DOMAIN "domain 12" "$B"
	holds 12 "new" 4 "$B"
	holds 11 "old" 4 "$B"
	cells DOMAIN new "$B"
}

test_list_without_xenstore() {
	rm -r "$ROOT/xenstore"
	says "12 -  " 0 list "$B"
	is "$err" ""
}

test_a_xenstore_that_hangs_is_not_waited_for() {
	: >"$ROOT/xenstore/hangs"
	complains "xenstored does not answer" 0 list
	has "$out" "$B Endpoint"
	complains "xenstored does not answer" 0 list --json
	complains "xenstored does not answer" 0 enable "$B" "$FAR"
	# Completion does not ask it.
	cells BDF "$B" "$B"
}

test_with_the_module_not_loaded() {
	unload_module
	json "[(x['hardware'], x['guest'], x['rciep']) for x in d.values()][2:4]" \
		"[('Endpoint', 'Endpoint', None), ('Legacy Endpoint', 'Legacy Endpoint', None)]" 0 list --json
	says "to change that: modprobe xen-pciback-fixup && pciback-fixup enable $B" 1 check "$B"
	complains "$A: the module is not loaded; to do: modprobe xen-pciback-fixup" 1 enable "$A"
}

test_a_missing_hits_is_not_known() {
	rm "$ROOT/$SYS/devices/$B/pciback_fixup/hits"
	cells HITS - "$B"
	json "d['$B']['hits']" None 0 list --json "$B"
}

test_list_survives_odd_config_space() {
	config=$ROOT/$SYS/devices/$PORT/config
	printf '\x40\x40' | dd of="$config" bs=1 seek=64 conv=notrunc status=none
	cells HARDWARE "conventional PCI" "$PORT"	# a capability that is its own next
	truncate -s 64 "$config"
	cells HARDWARE - "$PORT"		# what is not root may read
	: >"$config"
	cells HARDWARE - "$PORT"
}

test_without_a_pci_bus_it_is_said() {
	rm -r "${ROOT:?}/$SYS"
	complains "the PCI devices cannot be read" 2 list
}

# --- check ----------------------------------------------------------------------

REJECTED="would be rejected on a PCIe-aware (Q35) chipset"
ACCEPTED="would be accepted on a PCIe-aware (Q35) chipset"

test_check_finds_what_would_be_rejected() {
	prints "\
$PORT: not judged: guests see Root Port, which is no endpoint
$A: $REJECTED: guests see Endpoint, which on bus 0 has no port above it; to change that: pciback-fixup enable $A
$B: $ACCEPTED: guests see RCiEP
$LEGACY: $REJECTED: guests see Legacy Endpoint, which on bus 0 has no port above it; to change that: pciback-fixup enable $LEGACY
$CONVENTIONAL: $ACCEPTED: guests see conventional PCI
$FAR: $ACCEPTED: guests see RCiEP" 1 check
}

test_check_json() {
	json "(len(d), d['$A'])" "(6, {'bdf': '$A', 'guest': 'Endpoint', 'verdict': 'would be rejected', 'reason': 'guests see Endpoint, which on bus 0 has no port above it', 'remedy': 'pciback-fixup enable $A'})" \
		1 check --json
	json "(d['$B']['verdict'], d['$B']['remedy'], d['$PORT']['verdict'])" \
		"('would be accepted', None, 'not judged')" 1 check --json
	json "list(d)" "['$B']" 0 check --json "$B"
}

test_check_of_some_devices() {
	prints "$B: $ACCEPTED: guests see RCiEP" 0 check 03:00.1
	run 1 check "$LEGACY"
	run 0 check FFFF:E1:1F.7 "$CONVENTIONAL" "$PORT"
	run 1 check "03:*.*"
	is "$(wc -l <"$tmp/out")" 2
}

test_check_goes_by_what_guests_see() {
	put "$B" guest_flags 0x0001
	says "$REJECTED...though rciep is 1: dmesg says why" 1 check "$B"
}

test_check_cannot_tell() {
	complains "0000:00:1f.*: none of these is an endpoint that is bound" 2 check "00:1f.*"
	put "$A" guest_flags 0xffff
	complains "$A: its type cannot be read" 2 check "$A"
	json "(d['$A']['verdict'], d['$A']['guest'])" "('unknown', None)" 2 check --json "$A"
}

test_check_where_it_cannot_look() {
	echo 00002705 >"$ROOT/sys/hypervisor/properties/features"
	complains "not a Xen dom0" 2 check
	rm -r "$ROOT/sys/hypervisor"
	complains "not a Xen dom0" 2 check
	run 2 check --json
	is "$out" ""
}

test_without_pciback() {
	without_pciback
	complains "pciback is not there; to do: modprobe xen-pciback" 2 check
	complains "$A: not bound to pciback; to do: modprobe xen-pciback" 1 enable "$A"
}

# --- enable, disable --------------------------------------------------------------

test_enable_writes_rciep() {
	rm -r "$ROOT/xenstore"
	put "$B" rciep 0
	prints "$B: guests that start now see RCiEP (guest_flags 0x0091)" 0 enable 03:00.1
	is "$(rciep "$B")" 1
}

test_enable_that_takes_no_effect_is_an_error() {
	complains "$A: rciep was written, but guests still see Endpoint (guest_flags 0x0002)" \
		1 enable --persist "$A"
	is "$(rciep "$A")" 1
	etc
}

test_disable_writes_rciep() {
	put "$A" rciep 1
	prints "$A: guests that start now see Endpoint (guest_flags 0x0002)" 0 disable "$A"
	is "$(rciep "$A")" 0
}

test_disable_that_takes_no_effect_is_an_error() {
	complains "$B: rciep was written, but guests still see RCiEP" 1 disable "$B"
}

test_a_guest_that_holds_the_device_is_warned_of() {
	run 0 enable "$B"
	is "$err" ""		# it is on already
	put "$B" rciep 0
	complains "$B: warning: domain 3 (win10) holds it...shut it down and start it again" 0 enable "$B"
	put "$LEGACY" rciep 1
	complains "$LEGACY: warning: domain 7 (two \"words\") holds it" 0 disable "$LEGACY"
}

test_each_device_is_tried() {
	says "$B: " 1 enable "$PORT" "$A" "$B"
	is "$(rciep "$A" "$B")" "1 1"
	is "$(wc -l <"$tmp/err")" 2
}

test_a_pattern_stands_for_the_endpoints_that_are_bound() {
	put "$B" rciep 0
	run 1 enable "03:00.*"
	is "$(rciep "$A" "$B" "$LEGACY")" "1 1 0"
	complains "0000:00:1f.*: none of these is an endpoint that is bound" 1 enable "00:1f.*"
}

test_all_are_the_endpoints() {
	says "$A: ...$LEGACY: " 1 disable --all
	is "$(rciep "$A" "$B" "$LEGACY" "$FAR")" "0 0 0 0"
	has "$err" "$B: ...$FAR: "
	run 1 enable --all
	is "$(rciep "$A" "$B" "$LEGACY" "$FAR")" "1 1 1 1"
}

test_all_of_none_is_an_error() {
	unbind "$A" "$B" "$LEGACY" "$CONVENTIONAL" "$FAR"
	complains "no endpoint is bound to pciback; to bind one: xl pci-assignable-add" 1 enable --all
}

test_error_not_an_endpoint() {
	for verb in enable disable; do
		complains "$PORT: not an endpoint, and so never changed: its type is Root Port" 1 "$verb" "$PORT"
	done
}

test_error_not_offered_by_the_module() {
	rm -r "$ROOT/$SYS/devices/$LEGACY/pciback_fixup"
	complains "$LEGACY: the module could not take it on, see dmesg...: xl pci-assignable-remove $LEGACY && xl pci-assignable-add $LEGACY" \
		1 enable "$LEGACY"
}

test_errors_of_the_module_are_explained() {
	while read -r errno why; do
		put "$B" errno "$errno"
		complains "$B: rciep cannot be written: $why" 1 enable --persist "$B"
		etc
	done <<-END
	16 Device or resource busy; another module has replaced the config space operations of its bus
	5 Input/output error; guests would not see the change, dmesg says why
	19 No such device; see dmesg
	END
}

test_error_not_root() {
	as_nobody
	complains "$B: rciep cannot be written: Permission denied; run this as root" 1 enable "$B"
	run 0 list
}

test_error_types_not_readable_by_others_than_root() {
	as_nobody
	chmod "$([ "$(id -u)" = 0 ] && echo 400 || echo 0)" \
		"$ROOT/$SYS/devices/$B/pciback_fixup/guest_flags"
	truncate -s 64 "$ROOT/$SYS/devices/$PORT/config"
	complains "$PORT: its type cannot be read; run this as root" 2 check "$PORT"
	complains "$B: its type cannot be read; run this as root" 2 check "$B"
	cells HARDWARE,GUEST,RCIEP "Endpoint - yes" "$B"
}

# --- persistence ------------------------------------------------------------------

BOTH=(./modprobe.d/xen-pciback-fixup.conf ./modules-load.d/xen-pciback-fixup.conf)

test_persist_makes_both_files() {
	says "$B: added to $CONF" 0 enable --persist "$B"
	ours_is "($B)"
	is "$(cat "$LOAD")" "$HEADER
xen-pciback-fixup"
	is "$(stat -c %a "$CONF" "$LOAD" | xargs)" "644 644"
	etc "${BOTH[@]}"
	persistent "$B" yes
	persistent "$A" no
}

test_persist_makes_the_directories() {
	rmdir "$ROOT"/etc/*.d
	run 0 enable --persist "$B"
	persistent "$B" yes
}

test_persist_adds_and_removes() {
	lists "($B)($FAR)" 0 enable --persist "$B" "$FAR"
	says "$B: is in $CONF already" 0 enable --persist "$B"
	ours_is "($B)($FAR)"
	says "$B: removed from $CONF" 1 disable --persist "$B"	# still on, in this sysfs
	ours_is "($FAR)"
	run 1 disable --persist "$FAR"
	etc				# nothing is left behind
	says "$A: guests that start now see Endpoint...$A: is not in $CONF" 0 disable --persist "$A"
}

test_persist_what_is_not_bound_yet() {
	run 0 enable --persist "$UNBOUND" 0b:00.0 "0c:00.*" "$B"
	is "$(grep -c "not bound to pciback now" "$tmp/out")" 1
	is "$(grep -c "there is no such device now" "$tmp/out")" 2
	ours_is "($UNBOUND)(0000:0b:00.0)(0000:0c:00.*)($B)"
	lists "($B)" 0 disable --persist 0b:00.0 "0c:00.*" "$UNBOUND"
}

test_persist_only_what_can_be_switched() {
	complains "$PORT: not an endpoint" 1 enable --persist "$PORT"
	unbind "$PORT"
	complains "$PORT: not an endpoint" 1 enable --persist "$PORT" "$B"
	ours_is "($B)"
}

test_persist_before_xen_is_there() {
	without_pciback
	rm -r "$ROOT/sys/hypervisor" "$ROOT/sys/module/xen_pciback_fixup"
	lists "($A)" 0 enable --persist "$A"
}

test_persist_patterns() {
	unbind "$A"
	run 0 enable --persist 03:00.1
	lists "(0000:03:00.*)" 0 enable --persist "03:00.*"
	persistent "$B" yes
	says "$B: is in $CONF already" 0 enable --persist "$B"
	# Of a wildcard, the functions that are there stay.
	lists "($B)" 0 disable --persist "$A"
	run 1 disable --persist "03:*.*"
	etc
}

test_persist_all_are_the_endpoints() {
	lists "($B)($FAR)" 1 enable --all --persist	# the others fail, in this sysfs
}

test_a_list_that_would_be_too_long_is_refused() {
	mapfile -t bdfs < <(printf '0000:%02x:00.0\n' {32..151})
	ours "($B)"
	loads xen-pciback-fixup
	complains "would have 1694 characters, but the kernel takes 1024: nothing was written" \
		1 enable --persist "${bdfs[@]}"
	ours_is "($B)"
	# Nor is a longer one in force that is there already.
	ours "$(printf '(%s)' "${bdfs[@]}")"
	persistent "$B" no
	says "more than the 1024 characters" 0 status
}

test_what_others_wrote_is_read_and_never_changed() {
	local_conf '# mine \' 'options foo bar=1'
	conf modules-load.d/local.conf loop
	before=$(cat "$ROOT"/etc/*/local.conf)
	run 0 enable --persist "$B"
	run 1 disable --persist "$B"
	is "$(cat "$ROOT"/etc/*/local.conf)" "$before"
	etc ./modprobe.d/local.conf ./modules-load.d/local.conf
}

# modprobe joins what follows the backslash to the comment: it has no devices=.
test_a_comment_that_goes_on() {
	loads xen-pciback-fixup
	local_conf '# the GPU \' "options xen-pciback-fixup devices=($B)"
	persistent "$B" no
}

test_devices_in_another_file() {
	loads xen-pciback-fixup
	conf modprobe.d/zz.conf "options xen_pciback_fixup x=\"a devices=b\" \"devices=(01:00.0)\\" "(04:00.*)\" "
	persistent "$LEGACY" yes
	says "(01:00.0)(04:00.*)...from:       $ROOT/etc/modprobe.d/zz.conf" 0 status
	complains "$B: cannot be added, as $ROOT/etc/modprobe.d/zz.conf has devices=" 1 enable --persist "$B"
	[ ! -e "$CONF" ] || fail "it was written"
	# Ours would overrule an earlier file.
	mv "$ROOT"/etc/modprobe.d/{zz,aa}.conf
	complains aa.conf 1 enable --persist "$B"
	complains "$LEGACY: is in devices= of $ROOT/etc/modprobe.d/aa.conf" 1 disable --persist "$LEGACY"
	# For modprobe, a file in /run hides one of the same name in /usr/lib.
	mkdir -p "$ROOT"/{run,usr/lib}/modprobe.d
	mv "$ROOT/etc/modprobe.d/aa.conf" "$ROOT/usr/lib/modprobe.d"
	persistent "$LEGACY" yes
	: >"$ROOT/run/modprobe.d/aa.conf"
	persistent "$LEGACY" no
	run 0 enable --persist "$B"
}

test_devices_on_the_kernel_command_line() {
	run 0 enable --persist "$B"
	cmdline "quiet xen_pciback_fixup.devices=(04:00.0)"
	persistent "$B" no
	persistent "$LEGACY" yes
	says "(04:00.0)...from:       the kernel command line" 0 status
	complains "$FAR: cannot be added, as the kernel command line has devices=" 1 enable --persist "$FAR"
}

test_all_by_hand_covers_everything() {
	loads xen-pciback-fixup
	local_conf "options xen-pciback-fixup devices=all"
	persistent "$B" yes
	says "$B: is in $LOCAL already" 0 enable --persist "$B"
	etc ./modprobe.d/local.conf ./modules-load.d/mine.conf
	run 1 disable --persist "$B"
	has "$err" "$B: is in devices= of $LOCAL"
}

test_blacklisted() {
	local_conf "blacklist xen-pciback-fixup"
	complains "not in force after the next boot: $LOCAL blacklists xen-pciback-fixup" 1 enable --persist "$B"
	persistent "$B" no
	rm "$LOCAL"
	persistent "$B" yes
	cmdline "modprobe.blacklist=foo,xen_pciback_fixup"
	complains "the kernel command line blacklists xen-pciback-fixup" 1 enable --persist "$B"
	persistent "$B" no
	cmdline "quiet module_blacklist=foo,xen_pciback_fixup"
	persistent "$B" no
	says "module_blacklist=" 0 status
	# The kernel wants its own spelling.
	cmdline "quiet module_blacklist=xen-pciback-fixup"
	persistent "$B" yes
	# It takes the last one, and nothing after "--".
	cmdline "module_blacklist=xen_pciback_fixup module-blacklist=foo -- module_blacklist=xen_pciback_fixup"
	persistent "$B" yes
}

test_an_install_line() {
	local_conf "install xen-pciback-fixup /bin/false"
	complains "$LOCAL has \"/bin/false\" run in place" 1 enable --persist "$B"
	persistent "$B" no
}

test_a_module_that_is_built_in() {
	rm "$ROOT/sys/module/xen_pciback_fixup/initstate"
	complains "not in force...xen-pciback-fixup is built into the kernel...xen_pciback_fixup.devices=" \
		1 enable --persist "$B"
	persistent "$B" no
	run 1 disable --persist "$B"
	cmdline "xen_pciback_fixup.devices=(03:00.1)"
	persistent "$B" yes
}

test_a_list_with_a_mistake() {
	loads xen-pciback-fixup
	for list in "(03:00.0" "03:00.0" "(03:20.0)" "(03:00.8)" "(*:00.0)" "(03:*.0)" "(100:00.0)" \
		"(03:00.0)x" "(80000000:03:00.0)" "(0x3:00.0)" "( 03:00.0)" "ALL" "all,all" "()" "(03:00.0)all"; do
		local_conf "options xen-pciback-fixup \"devices=$list\""
		persistent "$A" no
		says "$LOCAL: devices= of xen-pciback-fixup has a mistake at \"" 0 status
	done
}

# The module takes any number of them.
test_leading_zeros() {
	zeros=00000000000000000000000000000000
	at_boot "(${zeros}0:${zeros}3:$zeros.$zeros)(${zeros}4:${zeros}1f.*)"
	persistent "$A" yes
	persistent "$B" no
	put "$B" guest_flags 0x0002
	run 0 disable "${zeros}0:${zeros}3:$zeros.${zeros}1"
	is "$(rciep "$B")" 0
}

test_a_module_that_nothing_loads_is_not_persistent() {
	ours "($B)"
	persistent "$B" no
	says "nothing is known to have xen-pciback-fixup loaded at boot" 0 status
	conf modules-load.d/mine.conf "# xen-pciback-fixup" "  xen_pciback_fixup"
	persistent "$B" yes
	mkdir "$ROOT/run/modules-load.d"
	mv "$ROOT/etc/modules-load.d/mine.conf" "$ROOT/run/modules-load.d"
	persistent "$B" yes
	: >"$ROOT/etc/modules-load.d/mine.conf"
	persistent "$B" no
}

test_an_administrators_own_load_file_stays() {
	loads xen-pciback-fixup
	run 0 enable --persist "$B"
	etc ./modprobe.d/xen-pciback-fixup.conf ./modules-load.d/mine.conf
	run 1 disable --persist "$B"
	etc ./modules-load.d/mine.conf
	# It stays under our name, too, without an error.
	mv "$ROOT/etc/modules-load.d/mine.conf" "$LOAD"
	run 0 enable --persist "$UNBOUND"
	run 0 disable --persist "$UNBOUND"
	is "$err" ""
	etc ./modules-load.d/xen-pciback-fixup.conf
}

test_a_file_of_our_name_that_is_not_ours() {
	for file in "$CONF" "$LOAD"; do
		echo "# mine" >"$file"
		complains "$file: was not written by this command: remove it" 1 enable --persist "$B"
		is "$(cat "$file")" "# mine"
		rm "$file"
	done
}

test_a_dangling_symbolic_link_stays_one() {
	ln -s nowhere "$CONF"
	complains "$CONF: is not a regular file" 1 enable --persist "$B"
	is "$(readlink "$CONF")" nowhere
	ln -sf nowhere "$ROOT/run/pciback-fixup.lock"
	complains "$ROOT/run/pciback-fixup.lock: cannot be locked" 1 enable --persist "$B"
}

test_a_fifo_is_not_waited_for() {
	for fifo in "$ROOT"/etc/{modprobe,modules-load}.d/fifo.conf; do
		mkfifo "$fifo"
		complains "$fifo: is a FIFO" 1 list
		has "$out" "$B"
		run 1 enable --persist "$B"
		has "$err" "is a FIFO"
		rm "$fifo"
	done
	etc
}

test_a_lock_on_the_directory_is_not_waited_for() {
	exec 9<"$ROOT/etc/modprobe.d"
	flock 9
	run 0 list
	run 0 enable --persist "$B"
	is "$(stat -c %a "$ROOT/run/pciback-fixup.lock")" 600
}

test_a_reader_has_all_of_the_old_file() {
	run 0 enable --persist "$B"
	exec 9<"$CONF"
	run 0 enable --persist "$FAR"
	has "$(cat <&9)" "devices=($B)"
}

test_what_cannot_be_written_is_said() {
	as_nobody
	chmod a+w "$ROOT/$SYS"/devices/*/pciback_fixup/rciep
	complains "cannot be locked: Permission denied; run this as root" 1 enable --persist "$B"
	chmod 777 "$ROOT/run"
	complains "$CONF: cannot be written: Permission denied; run this as root" 1 enable --persist "$B"
	etc
}

test_two_at_once_lose_nothing() {
	for i in 10 11 12 13 14 15 16 17; do
		"$command" enable --persist "$i:00.0" >/dev/null &
	done
	wait
	is "$(grep -o '(0000:1[0-7]:00.0)' "$CONF" | sort | wc -l)" 8
	etc "${BOTH[@]}"
}

# --- status ---------------------------------------------------------------------------

test_status() {
	run 0 enable --persist "$B"
	prints "\
Xen dom0:            yes
pciback:             yes
devices bound to it: 6
module loaded:       yes
its version:         1.2.3
loaded at boot by:   $LOAD
devices= at boot:    ($B)
which is from:       $CONF
problem:             -
what to do next:     if its guest is to have a Q35 chipset: pciback-fixup enable --persist $A" 0 status
	json s "{'dom0': True, 'pciback': True, 'bound': 6, 'module': True, 'version': '1.2.3', 'loader': '$LOAD', 'devices': '($B)', 'source': '$CONF', 'problem': None, 'next': 'if its guest is to have a Q35 chipset: pciback-fixup enable --persist $A'}" \
		0 status --json
}

test_status_says_what_to_do_next() {
	unbind "$A" "$LEGACY"
	next "pciback-fixup enable --persist $B"
	run 0 enable --persist --all
	cmdline "xen-pciback.hide=(03:00.1)(ffff:e1:*.*)"
	loads xen-pciback
	next nothing
	rm "$LOAD"
	has "$(said problem)" "put its name into a file in /etc/modules-load.d"
	run 0 enable --persist --all
	unbind_all
	next "xl pci-assignable-add BDF"
	unload_module
	next "modprobe xen-pciback-fixup"
	rm -r "$ROOT/$SYS/drivers/pciback"
	next "modprobe xen-pciback"
	rm -r "$ROOT/sys/hypervisor"
	next "boot this machine under Xen, as dom0"
}

# --- what administrators have ------------------------------------------------------------

VF=0000:09:10.0

test_a_virtual_function_in_every_command() {
	unload_module
	device "$VF" igbvf 8086 10ca 0002
	config_space ffff ffff 0002 >"$ROOT/$SYS/devices/$VF/config"	# has no IDs
	lists "($VF)" 0 enable --persist "$VF"
	run 0 disable --persist "$VF"
	complains "$VF: bound to igbvf, not to pciback" 1 enable "$VF"
	complains "$VF: bound to igbvf, not to pciback" 2 check "$VF"
	rebind "$VF" pciback
	says "$VF: $REJECTED" 1 check "$VF"
	cells HARDWARE,GUEST,VENDOR,DEVICE "Endpoint Endpoint 0x8086 0x10ca" "$VF"
	complains "$VF: the module is not loaded" 1 enable "$VF"
	complains "$VF: the module is not loaded" 1 disable "$VF"
	unbind "$PORT" "$A" "$B" "$LEGACY" "$CONVENTIONAL" "$FAR"
	mkdir "$ROOT/sys/module/xen_pciback_fixup"
	next "if its guest is to have a Q35 chipset: pciback-fixup enable --persist $VF"
}

test_only_what_reads_all_ones_is_gone() {
	config=$ROOT/$SYS/devices/$CONVENTIONAL/config
	head -c 256 /dev/zero | tr '\0' '\377' >"$config"
	why="it does not answer" as_root=
	[ "$(id -u)" = 0 ] || why="run this as root" as_root=", as root"
	for how in "2 check" "1 enable" "1 enable --persist"; do
		complains "$CONVENTIONAL: its type cannot be read; $why" "$how" "07:*.*"
	done
	next "look with pciback-fixup check$as_root"
	ours "($CONVENTIONAL)"
	says "$CONVENTIONAL: removed from $CONF" 1 disable --persist --all
	# The last octet of the header differs.
	printf '\0' | dd of="$config" bs=1 seek=63 conv=notrunc status=none
	run 0 list --noheadings --output HARDWARE "$CONVENTIONAL"
	[ "$out" != - ] || fail "it is taken for gone"
}

test_a_line_with_more_than_a_name_loads_nothing() {
	ours "($B)"
	ln -s ../modules "$ROOT/etc/modules-load.d/modules.conf"
	for line in "xen-pciback-fixup devices=($B)" "xen-pciback-fixup # for Windows" \
		"loop xen_pciback_fixup" "xen-pciback-fixup.ko" "options xen-pciback-fixup x=1"; do
		conf modules "$line"
		persistent "$B" no
		loaded_by -
		has "$out" "$ROOT/etc/modules-load.d/modules.conf: \"$line\" is no module's name"
	done
	for line in "#xen-pciback-fixup" "; xen-pciback-fixup" xen-pciback xen-pciback-fixup2; do
		conf modules "$line"
		loaded_by -
		[[ $out != *"no module's name"* ]] || fail "it was taken for a mistake: $line"
	done
	run 0 enable --persist "$B"
	loaded_by "$LOAD"
	for line in xen_pciback-fixup $' \txen-pciback-fixup \r'; do
		loads "$line"
		loaded_by "$ROOT/etc/modules-load.d/mine.conf"
	done
}

test_other_ways_to_be_loaded_at_boot() {
	ours "($B)"
	for line in "modules_load= loop,xen-pciback-fixup" "modules-load= xen_pciback_fixup" \
		"rd.driver.pre= xen-pciback-fixup,nvme" "rd.modules_load= xen_pciback_fixup"; do
		cmdline "quiet ${line/ /}"
		loaded_by "$(sed 's/-l/_l/; s/ .*//' <<<"$line") on the kernel command line"
		persistent "$B" yes
	done
	for line in rd.driver.blacklist=xen-pciback-fixup xmodules_load=xen-pciback-fixup \
		modules_load=xen-pciback,xen-pciback-fixup2; do
		cmdline "$line"
		loaded_by -
	done
}

test_loaded_together_with_another_module() {
	ours "($B)"
	mkdir -p "$ROOT/sys/module/radeon"
	for line in "softdep xen-pciback post: a xen_pciback_fixup" "softdep radeon pre: xen-pciback-fixup" \
		"install radeon /sbin/modprobe xen-pciback-fixup; /sbin/modprobe --first-time --ignore-install radeon" \
		"install xen-pciback /sbin/modprobe -i xen-pciback && /sbin/modprobe xen-pciback-fixup"; do
		local_conf "$line"
		persistent "$B" no
		loaded_by -
		has "$out" "local.conf has it loaded with"
		: >"$ROOT/sys/module/radeon/initstate"
		loads xen-pciback
		persistent "$B" yes
		says "$LOCAL, with " 0 status
		rm "$ROOT/sys/module/radeon/initstate" "$ROOT/etc/modules-load.d/mine.conf"
	done
}

test_an_install_line_that_loads() {
	at_boot "($B)"
	while read -r wanted line; do
		local_conf "install xen-pciback-fixup $line"
		persistent "$B" "$wanted"
	done <<-'END'
	yes /sbin/modprobe xen-pciback; /sbin/modprobe --ignore-install xen-pciback-fixup
	yes modprobe -qi xen_pciback_fixup $CMDLINE_OPTS && echo done
	no /bin/true
	no modprobe xen-pciback-fixup
	no modprobe -i xen-pciback
	no modprobe -i xen-pciback-fixup devices=all
	no insmod /root/xen-pciback-fixup.ko
	END
	says '"insmod /root/xen-pciback-fixup.ko" run in place of loading' 0 status
}

test_what_binds_a_device_at_the_next_boot() {
	unknown="$B: not known what binds it at the next boot"
	override=$ROOT/$SYS/devices/$B/driver_override
	unbind "$A" "$LEGACY" "$FAR"
	run 0 enable --persist "$B"
	hint "$unknown: bound by a service?"
	echo pciback >"$override"
	hint "$unknown, which its driver_override does not outlast"
	rm "$override"
	loads xen-pciback
	while read -r hide; do
		local_conf "options xen-pciback passthrough=1 $hide"
		next nothing
		local_conf "options xen_pciback hide=(05:00.0)"
		hint "$unknown"
		cmdline "xen-pciback.$hide"
		next nothing
		cmdline "pciback.$hide"
		hint "$unknown"
	done <<-END
	hide=(0000:03:00.1)
	hide=(04:00.0)(03:00.*)
	hide="(07:00.0) (0x3:*.*)"
	END
	local_conf "options xen-pciback hide=(05:00.0)" "options xen-pciback hide=(03:00.1)"
	next nothing
	loads loop
	hint "nothing is known to have xen-pciback loaded at boot"
	mkdir "$ROOT/sys/module/xen_pciback"
	hint "xen-pciback is built into the kernel: hide= belongs on the kernel command line"
	cmdline "xen-pciback.hide=(03:00.1)"
	next nothing
	cmdline quiet
	rm -r "$LOCAL" "$ROOT/sys/module/xen_pciback"
	mkdir "$ROOT/etc/driverctl.d"
	conf "driverctl.d/pci-$B" vfio-pci
	hint "$unknown"
	conf "driverctl.d/pci-$B" pciback
	hint "nothing is known to have xen-pciback loaded at boot"
	loads xen-pciback
	next nothing
}

test_a_mistake_in_hide() {
	without_pciback
	while read -r hide place; do
		said="hide= of xen-pciback has a mistake at \"$place\""
		cmdline "quiet xen-pciback.hide=$hide"
		complains "pciback is not there; to do: the kernel command line: $said...then reboot" 2 check
		complains "$said" 0 list
		complains "$A: not bound to pciback; to do: the kernel command line: $said" 1 enable "$A"
		complains "$said" 1 enable --all
		cmdline quiet
		local_conf "options xen-pciback hide=$hide"
		hint "$LOCAL: $said...then modprobe xen-pciback"
	done <<-END
	(0000:82.0.0) 2.0.0)
	03:00.0 03:00.0
	(03:00.0),(04:00.0) ,(04:00.0)
	(03:00.0 (03:00.0
	(10000:e1:00.0) (10000:e1:00.0)
	all all
	END
	# Built in, only the command line counts; and modprobe is no remedy.
	mkdir "$ROOT/sys/module/xen_pciback"
	next "see dmesg, as it is built into the kernel"
	cmdline "xen-pciback.hide=(03.00.0)"
	hint "hide= of xen-pciback has a mistake at \".00.0)\"...then reboot"
	rm -r "$ROOT/sys/module/xen_pciback" "$LOCAL"
	cmdline "module_blacklist=xen_pciback"
	next "module_blacklist= on the kernel command line has xen-pciback: remove it there and reboot, then modprobe xen-pciback"
	cmdline quiet
	local_conf "blacklist xen-pciback"	# which counts for the boot only
	next "modprobe xen-pciback"
}

test_who_holds_a_device_is_said() {
	while IFS=: read -r driver advice; do
		unbind "$A"
		[ "$driver" = "no driver" ] || rebind "$A" "$driver"
		for how in "2 check" "1 enable" "1 disable" "1 list"; do
			complains "$A: bound to $driver, not to pciback$advice...: xl pci-assignable-add $A" "$how" "$A"
		done
	done <<-'END'
	nvme:; dom0 may be using it; if it does not need it
	xhci_hcd:; dom0 may be using it
	vfio-pci:; a driver for KVM
	pci-stub:; a driver for KVM
	no driver:
	END
	rebind "$PORT" pcieport
	complains "$PORT: not an endpoint, and so never changed: its type is Root Port" 2 check "$PORT"
}

test_what_needs_no_change_is_no_error() {
	device 0000:00:02.0 pciback 8086 191e 0092
	while read -r bdf type; do
		run 0 check "$bdf"
		for given in "$bdf" "${bdf%.*}.*"; do
			for how in enable disable "enable --persist" "disable --persist"; do
				says "needs no change: its type is $type" "0 $how" "$given"
			done
		done
		etc
	done <<-END
	0000:00:02.0 RCiEP
	$CONVENTIONAL conventional PCI
	END
	# It fails for others: the simulated kernel does not switch them off.
	says "$CONVENTIONAL: needs no change" 1 disable --persist --all
	# It is no error if the device is not bound yet, or without the module.
	rebind "$CONVENTIONAL" uhci_hcd
	prints "$CONVENTIONAL: needs no change: its type is conventional PCI" \
		0 enable --persist "$CONVENTIONAL"
	etc
	rebind "$CONVENTIONAL" pciback
	lists "($B)" 0 enable --persist 03:00.1 07:01.0
	unload_module
	run 0 enable 00:02.0
}

test_an_address_at_which_nothing_is() {
	for bdf in 0000:30:00.0 0000:03:00.5 0001:03:00.0 "0000:0b:00.*" "0000:0b:*.*"; do
		complains "$bdf: there is no such device now; to see which there are: lspci -D" 1 enable "$bdf"
		complains "$bdf: there is no such device now" 2 check "$bdf"
		says "$bdf: there is no such device now...$bdf: added to" 0 enable --persist "$bdf"
		run 0 disable --persist "$bdf"
	done
	etc
}

test_what_xen_cannot_pass_through() {
	device 10000:e1:00.0 nvme 144d a808 0002
	for bdf in 10000:e1:00.0 10001:e1:00.0 "7fffffff:01:00.*"; do
		for how in "2 check" "1 enable" "1 enable --persist" "1 disable" "1 list"; do
			complains "$bdf: Xen cannot pass it through, as its domain is above ffff" "$how" "$bdf"
			[[ $err != *"xl pci"* ]] || fail "$err"
		done
	done
	rebind 10000:e1:00.0 pciback
	cells BDF "$(printf '%s\n' "$PORT" "$A" "$B" "$LEGACY" "$CONVENTIONAL" "$FAR" 10000:e1:00.0)"
	unbind "$A" "$LEGACY" "$B" "$FAR"
	next nothing
	complains "10000:e1:00.0: Xen cannot pass it through" 2 check 10000:e1:00.0
	run 1 enable 10000:e1:00.0
	etc
	# It can be taken out of the list.
	ours "(10000:e1:00.0)"
	run 0 disable --persist 10000:e1:00.0
	etc
}

test_a_wrong_parameter_is_named() {
	loads xen-pciback-fixup
	for word in "hide=(03:00.0)" "device=(03:00.0)" "(03:00.0)" Devices=all "rciep"; do
		local_conf "options xen-pciback-fixup $word"
		problem "$LOCAL: \"$word\" is no parameter of xen-pciback-fixup: devices= is"
	done
	local_conf "options xen-pciback-fixup dyndbg=+p async_probe"
	problem -
	cmdline "xen_pciback_fixup.hide=(03:00.0)"
	problem "the kernel command line: \"hide=(03:00.0)\" is no parameter of xen-pciback-fixup: devices= is"
	# The module ignores it: devices= is in force.
	run 0 enable --persist "$B"
	persistent "$B" yes
	has "$(said problem)" "hide=(03:00.0)"
	local_conf "options xen-pciback devices=(03:00.1) permissive"
	unbind "$PORT" "$A" "$LEGACY" "$CONVENTIONAL" "$FAR"
	conf modules-load.d/xen.conf xen-pciback
	cmdline "xen-pciback.hide=(03:00.1)"
	next "$LOCAL: \"devices=(03:00.1)\" is no parameter of xen-pciback: hide= is"
	rm "$LOCAL"
	cmdline "xen-pciback.hid=(03:00.1)"
	next "the kernel command line: \"hid=(03:00.1)\" is no parameter of xen-pciback: hide= is"
}

test_a_mistake_comes_before_modprobe() {
	unload_module
	next "modprobe xen-pciback-fixup"
	local_conf "options xen-pciback-fixup devices=(03.00.0)"
	hint "$LOCAL: devices= of"
	complains "$A: the module is not loaded; to do: $LOCAL: devices= of...then modprobe xen-pciback-fixup" \
		1 enable "$A"
	local_conf "install xen-pciback-fixup /bin/true"
	hint "$LOCAL has \"/bin/true\" run"
}

# --- the command line -------------------------------------------------------------------

test_help_and_version() {
	says "usage: pciback-fixup list...--persist" 0 --help
	run 0 list --help
	run 0 list -h
	prints "pciback-fixup $(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' \
		"$here/../../../drivers/xen/xen-pciback/fixup_main.c")" 0 -V
	is "$("$here/../pciback-fixup" --version)" "$out"
}

test_usage_errors() {
	while read -r line; do
		complains "see pciback-fixup --help" "2 $line"
		is "$out" ""
	done <<-END

	frobnicate
	--frobnicate
	list --frobnicate
	list --persist
	list --output
	list --json=yes
	check --all
	check --noheadings
	enable
	enable --persist
	enable --all $A
	disable
	disable --json $A
	status $A
	END
}

test_an_unknown_option_is_named() {
	complains "unknown option -a;" 2 enable -all
	complains "unknown option --al3l;" 2 enable --al3l
	complains 'unknown command \x1b[2J;' 2 $'\e[2J'
}

test_what_is_no_bdf_is_refused_before_anything_is_done() {
	for bdf in "" 3 03:00 03:00. 03:00.8 03:20.0 100:00.0 03:00.0x 0000:03:00.0: "03:*.0" \
		"*:00.0" "*" all 0x3:00.0 " 03:00.0" -03:00.0 +3:00.0 80000000:03:00.0 03:.0 :03:00.0 \
		100000000:03:00.0 0:0:3:0.0 03-00.0 0000::03:00.0 "03:0*.0" "03:**.*"; do
		complains "not a BDF like 0000:03:00.0, nor a pattern like 03:00.*: $bdf;" 2 disable -- "$B" "$bdf"
	done
	is "$(rciep "$B")" 1
}

test_output_that_is_lost_is_an_error() {
	"$command" list --json >/dev/full 2>"$tmp/err"
	is "$?" 2
}

# JSON has all columns; the completion and the manual must have the same.
test_the_names_of_columns_are_the_same_everywhere() {
	names="BDF VENDOR DEVICE HARDWARE GUEST RCIEP HITS DOMID DOMAIN PERSISTENT NAME"
	json "' '.join(d['$B']).upper()" "$names" 0 list --json "$B"
	is "completion.bash: $(sed -n 's/.*choices="\(BDF .*\)"/\1/p' "$here/../completion.bash")" \
		"completion.bash: $names"
	is "the manual: $(awk '/^\.SH COLUMNS/, /^\.SH PERS/ { if (tag) print; tag = /^\.TP/ }' "$here/../pciback-fixup.8" |
		sed 's/^\.BR* //; s/[",]//g' | xargs)" "the manual: $names"
	run 0 list
	hidden=$(for name in $names; do grep -qw "$name" <<<"${out%%$'\n'*}" || echo "$name"; done | xargs)
	is "hidden: $(sed -n 's/^all but \(.*\) are shown\.$/\1/p' "$here/../pciback-fixup.8" |
		sed 's/,//g; s/ and / /')" "hidden: $hidden"
}

test_each_option_is_in_the_help_and_in_the_manual() {
	run 0 --help
	for option in -h -V -o --json --noheadings --output --all --persist --help --version; do
		has "$out" "$option"
		has "$(<"$here/../pciback-fixup.8")" "${option//-/\\-}"
		[[ $option != --* ]] || has "$(<"$here/../completion.bash")" "$option"
	done
}

test_completion() {
	[ -e /usr/share/bash-completion/bash_completion ] || fail "this needs the package bash-completion"
	# shellcheck source=/dev/null
	. /usr/share/bash-completion/bash_completion
	# shellcheck source-path=SCRIPTDIR source=../completion.bash disable=SC1091
	. "$here/../completion.bash"
	PATH=$tmp:$PATH
	while IFS='|' read -r line completed; do
		# shellcheck disable=SC2034 # bash's own variables
		COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
		# Bash makes a word of a colon, too.
		read -ra COMP_WORDS <<<"${line//:/ : }"
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_pciback_fixup
		is "${COMPREPLY[*]}" "$completed"
	done <<-END
	pciback-fixup en|enable
	pciback-fixup st|status
	pciback-fixup status --|--json
	pciback-fixup list --n|--noheadings
	pciback-fixup list --output HI|HITS
	pciback-fixup list --output BDF,DOM|BDF,DOMID BDF,DOMAIN
	pciback-fixup enable --persist 0000:03:|00.0 00.1
	pciback-fixup check 0000:04|04:00.0
	END
}

# --- the Makefile -----------------------------------------------------------------------

test_install_and_uninstall() {
	make=(make -s -C "$here/.." DESTDIR="$tmp/dest" PREFIX=/usr)
	"${make[@]}" install || fail "install failed"
	is "$(cd "$tmp/dest" && find . -type f | sort | xargs)" \
		"./usr/sbin/pciback-fixup ./usr/share/bash-completion/completions/pciback-fixup ./usr/share/man/man8/pciback-fixup.8"
	"${make[@]}" uninstall || fail "uninstall failed"
	is "$(find "$tmp/dest" -type f)" ""
}

# unbuilt TEXT VARIABLE...: make of a copy elsewhere fails and says that
unbuilt() {
	! make -s -C "$tmp/of/a/copy" "${@:2}" 2>"$tmp/err" >/dev/null || fail "it was built"
	has "$(cat "$tmp/err")" "$1"
}

test_make_clean_needs_nothing() {
	mkdir -p "$tmp/of/a"
	cp -r "$here/.." "$tmp/of/a/copy"
	is "$(make -s -C "$tmp/of/a/copy" PKG_CONFIG=/nonexistent clean 2>&1 >/dev/null || echo failed)" ""
	is "$(find "$tmp/of/a/copy" -name '*.o')" ""
	unbuilt "libkmod-dev" PKG_CONFIG=false VERSION=1
	unbuilt "give VERSION="
}

# --- run all ----------------------------------------------------------------------------

ROOT=$tmp/root.made make_root
mapfile -t names < <(sed -n 's/^test_\([a-z0-9_]*\)() {$/\1/p' "${BASH_SOURCE[0]}")
ktap_set_plan ${#names[@]}
for name in "${names[@]}"; do
	chmod -R u+w "$ROOT" 2>/dev/null
	rm -rf "$ROOT"
	cp -a "$tmp/root.made" "$ROOT"
	result=fail
	("test_$name") && result=pass
	"ktap_test_$result" "${name//_/ }"
done
ktap_finished

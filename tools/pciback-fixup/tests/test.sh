#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of pciback-fixup without Xen: its objects, linked with fake.c, against a
# simulated dom0 below $ROOT. "make test" builds that.
#
# Each function test_* is one test, and its name the description. It gets
# everything fresh, and runs in a shell of its own that the first failure ends.
# shellcheck disable=SC1003 # lines that end in a backslash are meant
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command=$here/pciback-fixup
# shellcheck source-path=SCRIPTDIR source=sysfs.sh disable=SC1091
. "$here/sysfs.sh"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
export ROOT=$tmp/root
CONF=$ROOT/etc/modprobe.d/xen-pciback-fixup.conf
LOAD=$ROOT/etc/modules-load.d/xen-pciback-fixup.conf
HEADER="# Written by pciback-fixup, which replaces this file: make changes by enable and disable --persist."

# --- helpers ------------------------------------------------------------------

fail() {
	printf '%s\n' "$@" | sed 's/^/# /'
	exit 1
}

# run STATUS ARGUMENT...: what it prints is then in $out and $err
run() {
	local wanted=$1 status
	shift
	timeout 20 "$command" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(<"$tmp/out") err=$(<"$tmp/err")
	[ $status = "$wanted" ] || fail "pciback-fixup $*: exit status $status, not $wanted" \
		"$out" "$err"
}

is() {
	[ "$1" = "$2" ] || fail "it is:" "$1" "but must be:" "$2"
}

# has TEXT PART...: each PART is in it
has() {
	local text=$1 part
	shift
	for part; do
		[[ $text == *"$part"* ]] || fail "it is:" "$text" "but must contain:" "$part"
	done
}

# An error is one line on stderr.
error_has() {
	is "$(wc -l <"$tmp/err")" 1
	has "$err" "pciback-fixup: " "$@"
}

rciep() { cat "$ROOT/$SYS/devices/$1/pciback_fixup/rciep"; }

# json PYTHON_EXPRESSION: about the devices in d, by BDF; status is s
json() {
	python3 -c "import json, sys
s = json.load(sys.stdin.buffer)
d = {x['bdf']: x for x in s.get('devices', [])}
s = s.get('status', [None])[0]
print($1)" <"$tmp/out" || fail "not valid JSON:" "$out"
}

# rebind BDF DRIVER
rebind() {
	mkdir -p "$ROOT/$SYS/drivers/$2"
	ln -sfn "../../drivers/$2" "$ROOT/$SYS/devices/$1/driver"
}

without_pciback() {
	rm "$ROOT/$SYS"/devices/*/driver
	rm -r "$ROOT/$SYS/drivers/pciback"
}

# What status says after a label
said() { run 0 status; sed -n "s/^$1: *//p" "$tmp/out"; }
next() { is "$(said 'what to do next')" "$1"; }
loaded_by() { run 0 status; is "$(said 'loaded at boot by')" "$1"; }

cmdline() { echo "$1" >"$ROOT/proc/cmdline"; }
# conf FILE LINE...: what the administrator wrote
conf() { printf '%s\n' "${@:2}" >"$ROOT/etc/$1"; }
ours() { printf '%s\n' "$HEADER" "options xen-pciback-fixup devices=$1" >"$CONF"; }
ours_is() { is "$(cat -A "$CONF")" "$(printf '%s\n' "$HEADER" "options xen-pciback-fixup devices=$1" | cat -A)"; }
loaded_at_boot() { conf modules-load.d/mine.conf xen-pciback-fixup; }
persistent() {
	run 0 list --noheadings --output PERSISTENT "$1"
	is "$out" "$2"
}
etc() { (cd "$ROOT/etc" && find . -type f -o -type l | sort | tr '\n' ' '); }

as_nobody() {
	# The command may sit where only root can get at it.
	cp "$command" "$tmp/command"
	chmod 755 "$tmp/command"
	command=$tmp/nobody
	if [ "$(id -u)" = 0 ]; then
		printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups %s "$@"\n' \
			"$tmp/command" >"$command"
	else
		printf '#!/bin/sh\nexec %s "$@"\n' "$tmp/command" >"$command"
		chmod a-w "$ROOT/$SYS"/devices/*/pciback_fixup/rciep "$ROOT"/run \
			"$ROOT"/etc/modprobe.d
	fi
	chmod 755 "$command"
}

fresh() {
	chmod -R u+w "$ROOT" 2>/dev/null
	rm -rf "$ROOT"
	cp -a "$tmp/root.made" "$ROOT"
}

A=0000:03:00.0 B=0000:03:00.1 LEGACY=0000:04:00.0 FAR=ffff:e1:1f.7
PORT=0000:00:1c.0 CONVENTIONAL=0000:07:01.0 UNBOUND=0000:00:1f.3

# --- list -----------------------------------------------------------------------

test_list_prints_a_table() {
	loaded_at_boot
	ours "($A)(04:00.*)"
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

# on_a_terminal COLUMNS ARGUMENT...: what it prints on one that wide
on_a_terminal() {
	script -qec "stty cols $1; '$command' ${*:2}" /dev/null </dev/null | tr -d '\r' >"$tmp/out"
}

test_the_table_fits_a_terminal() {
	on_a_terminal 80 list "$A" "$B"
	is "$(grep -c . "$tmp/out")" 3
	! grep -E '.{81}' "$tmp/out" || fail "wider than the terminal"
	has "$(cat "$tmp/out")" "Intel Corporation"
	# One long name of a domain costs the others nothing but that.
	holds 9 "$(printf 'x%.0s' {1..200})" 4 "$A"
	on_a_terminal 80 list
	is "$(grep -c . "$tmp/out")" 7
	! grep -E '.{81}' "$tmp/out" || fail "wider than the terminal"
}

test_list_of_nothing() {
	rm "$ROOT/$SYS"/devices/*/driver
	run 0 list
	error_has "no device is bound" "xl pci-assignable-add"
	run 0 check
	error_has "no device is bound" "xl pci-assignable-add"
	run 0 list --json
	is "$(json "d")" "{}"
	run 0 list --noheadings --output BDF
	is "$out" ""
}

test_list_columns() {
	run 0 list --noheadings --output BDF
	is "$out" "$(printf '%s\n' $PORT $A $B $LEGACY $CONVENTIONAL $FAR)"
	run 0 list --output bdf,Domid,rciep,vendor,DEVICE "$B"
	is "$out" "\
BDF          DOMID RCIEP VENDOR DEVICE
$B     3 yes   0x8086 0x10d3"
	run 2 list --output BDF,FOO
	error_has "no column" "FOO"
	run 2 list --output ,
	error_has "no column"
}

test_list_of_some_devices() {
	run 0 list --noheadings --output BDF "03:00.*" "$FAR"
	is "$out" "$(printf '%s\n' $A $B $FAR)"
	run 1 list --noheadings --output BDF "$A" "$UNBOUND"
	is "$out" "$A"
	error_has "$UNBOUND: bound to nvme, not to pciback"
}

test_list_json_is_valid_and_complete() {
	loaded_at_boot
	ours "(03:00.1)"
	run 0 list --json
	is "$(json "(len(d), d['$B']['vendor'], d['$B']['device'], d['$B']['hardware'], d['$B']['guest'])")" \
		"(6, '0x8086', '0x10d3', 'Endpoint', 'RCiEP')"
	is "$(json "(d['$B']['rciep'], d['$B']['hits'], d['$B']['domid'], d['$B']['domain'], d['$B']['persistent'])")" \
		"(True, 12, 3, 'win10', True)"
	is "$(json "(d['$PORT']['rciep'], d['$PORT']['hits'], d['$PORT']['domid'], d['$PORT']['domain'], d['$PORT']['persistent'])")" \
		"(None, None, None, None, False)"
	run 0 list --json --output BDF,HITS "$B"
	is "$(json "d")" "{'$B': {'bdf': '$B', 'hits': 12}}"
}

test_domain_names_of_any_kind() {
	holds 3 'a"b\\\\c\tJ\0303\0274rg\0033[2J\0377\nd' 4 "$B"
	run 0 list --json
	is "$(json "ascii(d['$B']['domain'])")" "'a\"b\\\\\\\\c\\tJ\\xfcrg\\x1b[2J\\ufffd'"
	run 0 list
	has "$out" 'Jürg\x1b[2J'
	is "$(grep -c . "$tmp/out")" 7
	echo 0 >"$ROOT/$SYS/devices/$B/pciback_fixup/rciep"
	run 0 enable "$B"
	error_has 'Jürg\x1b[2J'
	! grep -q $'\e' "$tmp/out" "$tmp/err" || fail "an escape character went to the terminal"
}

test_list_names_the_domain_that_holds_a_device_now() {
	rm -r "$ROOT/xenstore/local/domain/0/backend/pci/3"
	run 0 list --noheadings --output DOMAIN "$B"
	is "$out" "-"		# the one that is gone is in the state Closed
	holds 12 "" 4 "$B"
	run 0 list --noheadings --output DOMAIN "$B"
	is "$out" "domain 12"
	holds 12 "new" 4 "$B"
	holds 11 "old" 4 "$B"
	run 0 list --noheadings --output DOMAIN "$B"
	is "$out" "new"
}

test_list_without_xenstore() {
	rm -r "$ROOT/xenstore"
	run 0 list
	is "$err" ""
	has "$(grep "^$B" "$tmp/out")" "12 -  "
}

test_a_xenstore_that_hangs_is_not_waited_for() {
	: >"$ROOT/xenstore/hangs"
	run 0 list
	error_has "xenstored does not answer"
	has "$out" "$B Endpoint"
	run 0 list --json
	error_has "xenstored does not answer"
	run 0 enable "$B" "$FAR"
	error_has "xenstored does not answer"
	# Completion does not ask it.
	run 0 list --noheadings --output BDF
	is "$err" ""
}

test_with_the_module_not_loaded() {
	unload_module
	run 0 list --json
	is "$(json "[(x['hardware'], x['guest'], x['rciep']) for x in d.values()][2:4]")" \
		"[('Endpoint', 'Endpoint', None), ('Legacy Endpoint', 'Legacy Endpoint', None)]"
	run 1 check "$B"
	has "$out" "to change that: modprobe xen-pciback-fixup && pciback-fixup enable $B"
	run 1 enable "$A"
	error_has "$A: " "not loaded" "modprobe xen-pciback-fixup"
}

test_a_missing_hits_is_not_known() {
	rm "$ROOT/$SYS/devices/$B/pciback_fixup/hits"
	run 0 list --noheadings --output HITS "$B"
	is "${out// /}" "-"
	run 0 list --json "$B"
	is "$(json "d['$B']['hits']")" None
}

test_list_survives_odd_config_space() {
	local dir=$ROOT/$SYS/devices/$PORT
	printf '\x40\x40' | dd of="$dir/config" bs=1 seek=64 conv=notrunc status=none
	run 0 list --noheadings --output HARDWARE "$PORT"	# a capability that is its own next
	is "$out" "conventional PCI"
	truncate -s 64 "$dir/config"
	run 0 list --noheadings --output HARDWARE "$PORT"	# what is not root may read
	is "$out" "-"
	: >"$dir/config"
	run 0 list --noheadings --output HARDWARE "$PORT"
	is "$out" "-"
}

test_without_a_pci_bus_it_is_said() {
	rm -r "${ROOT:?}/$SYS"
	run 2 list
	error_has "the PCI devices cannot be read"
}

# --- check ----------------------------------------------------------------------

REJECTED="would be rejected on a PCIe-aware (Q35) chipset"
ACCEPTED="would be accepted on a PCIe-aware (Q35) chipset"

test_check_finds_what_would_be_rejected() {
	run 1 check
	is "$err" ""
	is "$out" "\
$PORT: not judged: guests see Root Port, which is no endpoint
$A: $REJECTED: guests see Endpoint, which on bus 0 has no port above it; to change that: pciback-fixup enable $A
$B: $ACCEPTED: guests see RCiEP
$LEGACY: $REJECTED: guests see Legacy Endpoint, which on bus 0 has no port above it; to change that: pciback-fixup enable $LEGACY
$CONVENTIONAL: $ACCEPTED: guests see conventional PCI
$FAR: $ACCEPTED: guests see RCiEP"
}

test_check_json() {
	run 1 check --json
	is "$(json "(len(d), d['$A'])")" "(6, {'bdf': '$A', 'guest': 'Endpoint', 'verdict': 'would be rejected', 'reason': 'guests see Endpoint, which on bus 0 has no port above it', 'remedy': 'pciback-fixup enable $A'})"
	is "$(json "(d['$B']['verdict'], d['$B']['remedy'], d['$PORT']['verdict'])")" \
		"('would be accepted', None, 'not judged')"
	run 0 check --json "$B"
	is "$(json "list(d)")" "['$B']"
}

test_check_of_some_devices() {
	run 0 check 03:00.1
	is "$out" "$B: $ACCEPTED: guests see RCiEP"
	run 1 check "$LEGACY"
	run 0 check FFFF:E1:1F.7 "$CONVENTIONAL" "$PORT"
	run 1 check "03:*.*"
	is "$(wc -l <"$tmp/out")" 2
}

test_check_goes_by_what_guests_see() {
	echo 0x0001 >"$ROOT/$SYS/devices/$B/pciback_fixup/guest_flags"
	run 1 check "$B"
	has "$out" "$REJECTED" "though rciep is 1: dmesg says why"
}

test_check_cannot_tell() {
	run 2 check "$UNBOUND"
	error_has "$UNBOUND: bound to nvme, not to pciback" "xl pci-assignable-add $UNBOUND"
	run 2 check "00:1f.*"
	error_has "0000:00:1f.*: none of these is an endpoint that is bound"
	echo 0xffff >"$ROOT/$SYS/devices/$A/pciback_fixup/guest_flags"
	run 2 check "$A"
	error_has "$A: its type cannot be read"
	run 2 check --json "$A"
	is "$(json "(d['$A']['verdict'], d['$A']['guest'])")" "('unknown', None)"
}

test_check_where_it_cannot_look() {
	echo 00002705 >"$ROOT/sys/hypervisor/properties/features"
	run 2 check
	error_has "not a Xen dom0"
	rm -r "$ROOT/sys/hypervisor"
	run 2 check
	error_has "not a Xen dom0"
	run 2 check --json
	is "$out" ""
}

test_without_pciback() {
	without_pciback
	run 2 check
	error_has "pciback is not there" "modprobe xen-pciback"
	run 1 enable "$A"
	error_has "$A: not bound to pciback; to do: modprobe xen-pciback"
}

# --- enable, disable --------------------------------------------------------------

test_enable_writes_rciep() {
	rm -r "$ROOT/xenstore"
	echo 0 >"$ROOT/$SYS/devices/$B/pciback_fixup/rciep"
	run 0 enable 03:00.1
	is "$out$err" "$B: guests that start now see RCiEP (guest_flags 0x0091)"
	is "$(rciep "$B")" 1
}

test_enable_that_takes_no_effect_is_an_error() {
	run 1 enable --persist "$A"
	error_has "$A: rciep was written, but guests still see Endpoint (guest_flags 0x0002)"
	is "$(rciep "$A")" 1
	is "$(etc)" ""
}

test_disable_writes_rciep() {
	echo 1 >"$ROOT/$SYS/devices/$A/pciback_fixup/rciep"
	run 0 disable "$A"
	is "$out$err" "$A: guests that start now see Endpoint (guest_flags 0x0002)"
	is "$(rciep "$A")" 0
}

test_disable_that_takes_no_effect_is_an_error() {
	run 1 disable "$B"
	error_has "$B: rciep was written, but guests still see RCiEP"
}

test_a_guest_that_holds_the_device_is_warned_of() {
	run 0 enable "$B"
	is "$err" ""		# it is on already
	echo 0 >"$ROOT/$SYS/devices/$B/pciback_fixup/rciep"
	run 0 enable "$B"
	error_has "$B: warning: domain 3 (win10) holds it" "shut it down and start it again"
	echo 1 >"$ROOT/$SYS/devices/$LEGACY/pciback_fixup/rciep"
	run 0 disable "$LEGACY"
	error_has "$LEGACY: warning: domain 7 (two \"words\") holds it"
}

test_each_device_is_tried() {
	run 1 enable "$PORT" "$A" "$B"
	is "$(rciep "$A")$(rciep "$B")" 11
	is "$(wc -l <"$tmp/err")" 2
	has "$out" "$B: "
}

test_a_pattern_stands_for_the_endpoints_that_are_bound() {
	echo 0 >"$ROOT/$SYS/devices/$B/pciback_fixup/rciep"
	run 1 enable "03:00.*"
	is "$(rciep "$A")$(rciep "$B")$(rciep "$LEGACY")" 110
	run 1 enable "00:1f.*"
	error_has "0000:00:1f.*: none of these is an endpoint that is bound"
}

test_all_are_the_endpoints() {
	run 1 disable --all
	is "$(cat "$ROOT/$SYS"/devices/*/pciback_fixup/rciep | tr -d '\n')" 0000
	has "$out" "$A: " "$LEGACY: "
	has "$err" "$B: " "$FAR: "
	run 1 enable --all
	is "$(cat "$ROOT/$SYS"/devices/*/pciback_fixup/rciep | tr -d '\n')" 1111
}

test_all_of_none_is_an_error() {
	rm "$ROOT/$SYS"/devices/*:0[347]:*/driver "$ROOT/$SYS/devices/$FAR/driver"
	run 1 enable --all
	error_has "no endpoint is bound" "xl pci-assignable-add"
}

test_errors_name_the_device_and_the_remedy() {
	local verb
	for verb in enable disable; do
		run 1 $verb "$UNBOUND"
		error_has "$UNBOUND: bound to nvme, not to pciback" ": xl pci-assignable-add $UNBOUND"
		run 1 $verb "$PORT"
		error_has "$PORT: not an endpoint" "its type is Root Port"
	done
}

test_error_not_offered_by_the_module() {
	rm -r "$ROOT/$SYS/devices/$LEGACY/pciback_fixup"
	run 1 enable "$LEGACY"
	error_has "$LEGACY: the module could not take it on" "dmesg" \
		": xl pci-assignable-remove $LEGACY && xl pci-assignable-add $LEGACY"
}

test_errors_of_the_module_are_explained() {
	local errno
	for errno in "16 another module has replaced the config space operations of its bus" \
		"5 guests would not see the change, dmesg says why" "19 No such device; see dmesg"; do
		echo "$errno" >"$ROOT/$SYS/devices/$B/pciback_fixup/errno"
		run 1 enable --persist "$B"
		error_has "$B: rciep cannot be written: " "${errno#* }"
		is "$(etc)" ""
	done
}

test_error_not_root() {
	as_nobody
	run 1 enable "$B"
	error_has "$B: rciep cannot be written: Permission denied; run this as root"
	run 0 list
}

test_error_types_not_readable_by_others_than_root() {
	as_nobody
	chmod 400 "$ROOT/$SYS/devices/$B/pciback_fixup/guest_flags"
	[ "$(id -u)" = 0 ] || chmod 0 "$ROOT/$SYS/devices/$B/pciback_fixup/guest_flags"
	truncate -s 64 "$ROOT/$SYS/devices/$PORT/config"
	run 2 check "$PORT"
	error_has "$PORT: its type cannot be read; run this as root"
	run 2 check "$B"
	error_has "$B: its type cannot be read; run this as root"
	run 0 list --noheadings --output HARDWARE,GUEST,RCIEP "$B"
	is "$(tr -s ' ' <<<"$out")" "Endpoint - yes"
}

# --- persistence ------------------------------------------------------------------

test_persist_makes_both_files() {
	run 0 enable --persist "$B"
	has "$out" "$B: added to $CONF"
	ours_is "($B)"
	is "$(cat "$LOAD")" "$HEADER
xen-pciback-fixup"
	is "$(stat -c %a "$CONF" "$LOAD" | tr '\n' ' ')" "644 644 "
	is "$(etc)" "./modprobe.d/xen-pciback-fixup.conf ./modules-load.d/xen-pciback-fixup.conf "
	persistent "$B" yes
	persistent "$A" no
}

test_persist_makes_the_directories() {
	rmdir "$ROOT"/etc/*.d
	run 0 enable --persist "$B"
	persistent "$B" yes
}

test_persist_adds_and_removes() {
	run 0 enable --persist "$B" "$FAR"
	ours_is "($B)($FAR)"
	run 0 enable --persist "$B"
	has "$out" "$B: is in $CONF already"
	ours_is "($B)($FAR)"
	run 1 disable --persist "$B"		# still on, in this sysfs
	has "$out" "$B: removed from $CONF"
	ours_is "($FAR)"
	run 1 disable --persist "$FAR"
	is "$(etc)" ""				# nothing is left behind
	run 0 disable --persist "$A"
	has "$out" "$A: is not in $CONF" "$A: guests that start now see Endpoint"
}

test_persist_what_is_not_bound_yet() {
	run 0 enable --persist "$UNBOUND" 0b:00.0 "0c:00.*" "$B"
	is "$(grep -c "not bound to pciback now" "$tmp/out")" 1
	is "$(grep -c "there is no such device now" "$tmp/out")" 2
	ours_is "($UNBOUND)(0000:0b:00.0)(0000:0c:00.*)($B)"
	run 0 disable --persist 0b:00.0 "0c:00.*" "$UNBOUND"
	ours_is "($B)"
}

test_persist_only_what_can_be_switched() {
	run 1 enable --persist "$PORT"
	error_has "$PORT: not an endpoint"
	rm "$ROOT/$SYS/devices/$PORT/driver"
	run 1 enable --persist "$PORT" "$B"
	error_has "$PORT: not an endpoint"
	ours_is "($B)"
}

test_persist_before_xen_is_there() {
	rm -r "$ROOT/sys/hypervisor" "$ROOT/$SYS/drivers/pciback" "$ROOT/sys/module/xen_pciback_fixup"
	rm "$ROOT/$SYS"/devices/*/driver
	run 0 enable --persist "$A"
	ours_is "($A)"
}

test_persist_patterns() {
	rm "$ROOT/$SYS/devices/$A/driver"
	run 0 enable --persist 03:00.1
	run 0 enable --persist "03:00.*"
	ours_is "(0000:03:00.*)"
	persistent "$B" yes
	run 0 enable --persist "$B"
	has "$out" "$B: is in $CONF already"
	# Of a wildcard, the functions that are there stay.
	run 0 disable --persist "$A"
	ours_is "($B)"
	run 1 disable --persist "03:*.*"
	is "$(etc)" ""
}

test_persist_all_are_the_endpoints() {
	rm "$ROOT/$SYS"/devices/{$A,$LEGACY}/driver
	run 0 enable --all --persist
	ours_is "($B)($FAR)"
}

# The kernel takes 1024 characters: more, and nothing at all is switched on.
test_a_list_that_would_be_too_long_is_refused() {
	local -a bdfs=()
	local i
	for i in {32..151}; do bdfs+=("$(printf '0000:%02x:00.0' "$i")"); done
	ours "($B)"
	loaded_at_boot
	run 1 enable --persist "${bdfs[@]}"
	error_has "would have 1694 characters" "1024" "nothing was written"
	ours_is "($B)"
	# One that is there is no better.
	ours "$(printf '(%s)' "${bdfs[@]}")"
	persistent 03:00.1 no
	run 0 status
	has "$out" "more than the 1024 characters"
}

test_what_others_wrote_is_read_and_never_changed() {
	local before
	conf modprobe.d/local.conf '# mine \' 'options foo bar=1'
	conf modules-load.d/local.conf loop
	before=$(cat "$ROOT"/etc/*/local.conf)
	run 0 enable --persist "$B"
	run 1 disable --persist "$B"
	is "$(cat "$ROOT"/etc/*/local.conf)" "$before"
	is "$(etc)" "./modprobe.d/local.conf ./modules-load.d/local.conf "
}

# modprobe joins what follows the backslash to the comment: it has no devices=.
test_a_comment_that_goes_on() {
	loaded_at_boot
	conf modprobe.d/local.conf '# the GPU \' "options xen-pciback-fixup devices=($B)"
	persistent "$B" no
}

test_devices_in_another_file() {
	loaded_at_boot
	conf modprobe.d/zz.conf "options xen_pciback_fixup x=\"a devices=b\" \"devices=(01:00.0)\\" "(04:00.*)\" "
	persistent "$LEGACY" yes
	run 0 status
	has "$out" "(01:00.0)(04:00.*)" "from:       $ROOT/etc/modprobe.d/zz.conf"
	run 1 enable --persist "$B"
	error_has "$B: " "$ROOT/etc/modprobe.d/zz.conf" "the kernel takes one only"
	[ ! -e "$CONF" ] || fail "it was written"
	# Earlier ones would be overruled by ours.
	mv "$ROOT"/etc/modprobe.d/{zz,aa}.conf
	run 1 enable --persist "$B"
	error_has "aa.conf"
	run 1 disable --persist "$LEGACY"
	error_has "$LEGACY: is in devices= of $ROOT/etc/modprobe.d/aa.conf"
	# /run hides what /usr/lib has of the same name, as modprobe has it.
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
	run 0 status
	has "$out" "(04:00.0)" "from:       the kernel command line"
	run 1 enable --persist "$FAR"
	error_has "the kernel command line"
}

test_all_by_hand_covers_everything() {
	loaded_at_boot
	conf modprobe.d/local.conf "options xen-pciback-fixup devices=all"
	persistent "$B" yes
	run 0 enable --persist "$B"
	has "$out" "$B: is in $ROOT/etc/modprobe.d/local.conf already"
	is "$(etc)" "./modprobe.d/local.conf ./modules-load.d/mine.conf "
	run 1 disable --persist "$B"
	has "$err" "$B: is in devices= of $ROOT/etc/modprobe.d/local.conf"
}

test_blacklisted() {
	conf modprobe.d/local.conf "blacklist xen-pciback-fixup"
	run 1 enable --persist "$B"
	error_has "not in force after the next boot: $ROOT/etc/modprobe.d/local.conf blacklists xen-pciback-fixup"
	persistent "$B" no
	rm "$ROOT/etc/modprobe.d/local.conf"
	persistent "$B" yes
	cmdline "modprobe.blacklist=foo,xen_pciback_fixup"
	run 1 enable --persist "$B"
	error_has "the kernel command line blacklists xen-pciback-fixup"
	persistent "$B" no
	cmdline "quiet module_blacklist=foo,xen_pciback_fixup"
	persistent "$B" no
	run 0 status
	has "$out" "module_blacklist="
	# The kernel wants the name as it has it itself.
	cmdline "quiet module_blacklist=xen-pciback-fixup"
	persistent "$B" yes
	# It takes the last one, and nothing after "--".
	cmdline "module_blacklist=xen_pciback_fixup module-blacklist=foo -- module_blacklist=xen_pciback_fixup"
	persistent "$B" yes
}

test_an_install_line() {
	conf modprobe.d/local.conf "install xen-pciback-fixup /bin/false"
	run 1 enable --persist "$B"
	error_has "$ROOT/etc/modprobe.d/local.conf has \"/bin/false\" run in place"
	persistent "$B" no
}

test_a_module_that_is_built_in() {
	rm "$ROOT/sys/module/xen_pciback_fixup/initstate"
	run 1 enable --persist "$B"
	error_has "not in force" "built into the kernel" "xen_pciback_fixup.devices="
	persistent "$B" no
	run 1 disable --persist "$B"
	cmdline "xen_pciback_fixup.devices=(03:00.1)"
	persistent "$B" yes
}

test_a_list_with_a_mistake() {
	local list
	loaded_at_boot
	for list in "(03:00.0" "03:00.0" "(03:20.0)" "(03:00.8)" "(*:00.0)" "(03:*.0)" "(100:00.0)" \
		"(03:00.0)x" "(80000000:03:00.0)" "(0x3:00.0)" "( 03:00.0)" "ALL" "all,all" "()" "(03:00.0)all"; do
		conf modprobe.d/local.conf "options xen-pciback-fixup \"devices=$list\""
		persistent "$A" no
		run 0 status
		has "$out" "$ROOT/etc/modprobe.d/local.conf: devices= of xen-pciback-fixup has a mistake at \""
	done
}

# The module takes as many as there are.
test_leading_zeros() {
	local zeros=00000000000000000000000000000000
	loaded_at_boot
	ours "(${zeros}0:${zeros}3:$zeros.$zeros)(${zeros}4:${zeros}1f.*)"
	persistent "$A" yes
	persistent "$B" no
	echo 0x0002 >"$ROOT/$SYS/devices/$B/pciback_fixup/guest_flags"
	run 0 disable "${zeros}0:${zeros}3:$zeros.${zeros}1"
	is "$(rciep "$B")" 0
}

test_a_module_that_nothing_loads_is_not_persistent() {
	ours "($B)"
	persistent "$B" no
	run 0 status
	has "$out" "nothing is known to have xen-pciback-fixup loaded at boot"
	conf modules-load.d/mine.conf "# xen-pciback-fixup" "  xen_pciback_fixup"
	persistent "$B" yes
	mkdir "$ROOT/run/modules-load.d"
	mv "$ROOT/etc/modules-load.d/mine.conf" "$ROOT/run/modules-load.d"
	persistent "$B" yes
	: >"$ROOT/etc/modules-load.d/mine.conf"
	persistent "$B" no
}

test_an_administrators_own_load_file_stays() {
	loaded_at_boot
	run 0 enable --persist "$B"
	is "$(etc)" "./modprobe.d/xen-pciback-fixup.conf ./modules-load.d/mine.conf "
	run 1 disable --persist "$B"
	is "$(etc)" "./modules-load.d/mine.conf "
	# Also under the name of ours, and without a word.
	mv "$ROOT/etc/modules-load.d/mine.conf" "$LOAD"
	run 0 enable --persist "$UNBOUND"
	run 0 disable --persist "$UNBOUND"
	is "$err$(etc)" "./modules-load.d/xen-pciback-fixup.conf "
}

test_a_file_of_our_name_that_is_not_ours() {
	local file
	for file in modprobe.d modules-load.d; do
		conf $file/xen-pciback-fixup.conf "# mine"
		run 1 enable --persist "$B"
		error_has "$ROOT/etc/$file/xen-pciback-fixup.conf: was not written by this command: remove it"
		is "$(cat "$ROOT/etc/$file/xen-pciback-fixup.conf")" "# mine"
		rm "$ROOT/etc/$file/xen-pciback-fixup.conf"
	done
}

test_a_dangling_symbolic_link_stays_one() {
	ln -s nowhere "$CONF"
	run 1 enable --persist "$B"
	error_has "$CONF: is not a regular file"
	is "$(readlink "$CONF")" nowhere
}

test_a_fifo_is_not_waited_for() {
	local dir
	for dir in modprobe.d modules-load.d; do
		mkfifo "$ROOT/etc/$dir/fifo.conf"
		run 1 list
		error_has "$ROOT/etc/$dir/fifo.conf: is a FIFO"
		has "$out" "$B"
		run 1 enable --persist "$B"
		has "$err" "is a FIFO"
		rm "$ROOT/etc/$dir/fifo.conf"
	done
	is "$(etc)" ""
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
	run 1 enable --persist "$B"
	error_has "cannot be locked: Permission denied; run this as root"
	chmod 777 "$ROOT/run"
	run 1 enable --persist "$B"
	error_has "$CONF: cannot be written: Permission denied; run this as root"
	is "$(etc)" ""
}

test_two_at_once_lose_nothing() {
	local i
	for i in 10 11 12 13 14 15 16 17; do
		"$command" enable --persist "$i:00.0" >/dev/null &
	done
	wait
	is "$(grep -o '(0000:1[0-7]:00.0)' "$CONF" | sort | wc -l)" 8
	is "$(etc)" "./modprobe.d/xen-pciback-fixup.conf ./modules-load.d/xen-pciback-fixup.conf "
}

# --- status ---------------------------------------------------------------------------

test_status() {
	run 0 enable --persist "$B"
	run 0 status
	is "$out" "\
Xen dom0:            yes
pciback:             yes
devices bound to it: 6
module loaded:       yes
its version:         1.2.3
loaded at boot by:   $LOAD
devices= at boot:    ($B)
which is from:       $CONF
problem:             -
what to do next:     if its guest is to have a Q35 chipset: pciback-fixup enable --persist $A"
	run 0 status --json
	is "$(json "s")" "{'dom0': True, 'pciback': True, 'bound': 6, 'module': True, 'version': '1.2.3', 'loader': '$LOAD', 'devices': '($B)', 'source': '$CONF', 'problem': None, 'next': 'if its guest is to have a Q35 chipset: pciback-fixup enable --persist $A'}"
}

test_status_says_what_to_do_next() {
	rm "$ROOT/$SYS"/devices/{$A,$LEGACY}/driver
	next "pciback-fixup enable --persist $B"
	run 0 enable --persist --all
	cmdline "xen-pciback.hide=(03:00.1)(ffff:e1:*.*)"
	echo xen-pciback >"$ROOT/etc/modules-load.d/pciback.conf"
	next nothing
	rm "$LOAD"
	has "$(said problem)" "put its name into a file in /etc/modules-load.d"
	run 0 enable --persist --all
	rm "$ROOT/$SYS"/devices/*/driver
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

# Config space has no IDs of a virtual function.
test_a_virtual_function_in_every_command() {
	unload_module
	vf $VF igbvf 8086 10ca 0002
	run 0 enable --persist $VF
	ours_is "($VF)"
	run 0 disable --persist $VF
	run 1 enable $VF
	error_has "$VF: bound to igbvf, not to pciback"
	run 2 check $VF
	error_has "$VF: bound to igbvf, not to pciback"
	rebind $VF pciback
	run 1 check $VF
	has "$out" "$VF: $REJECTED"
	run 0 list --noheadings --output HARDWARE,GUEST,VENDOR,DEVICE $VF
	is "$out" "Endpoint Endpoint 0x8086 0x10ca"
	run 1 enable $VF
	error_has "$VF: the module is not loaded"
	run 1 disable $VF
	error_has "$VF: the module is not loaded"
	rm "$ROOT/$SYS"/devices/*:0[0347]:*/driver "$ROOT/$SYS/devices/$FAR/driver"
	mkdir "$ROOT/sys/module/xen_pciback_fixup"
	next "if its guest is to have a Q35 chipset: pciback-fixup enable --persist $VF"
}

test_only_what_reads_all_ones_is_gone() {
	local enable
	head -c 256 /dev/zero | tr '\0' '\377' >"$ROOT/$SYS/devices/$CONVENTIONAL/config"
	for enable in "2 check" "1 enable" "1 enable --persist"; do
		# shellcheck disable=SC2086 # two words or three
		run $enable "07:*.*"
		error_has "$CONVENTIONAL: its type cannot be read; it does not answer"
	done
	next "look with pciback-fixup check$([ "$(id -u)" = 0 ] || echo ", as root")"
	ours "($CONVENTIONAL)"
	run 1 disable --persist --all
	has "$out" "$CONVENTIONAL: removed from $CONF"
	# The last octet of the header says otherwise.
	printf '\0' | dd of="$ROOT/$SYS/devices/$CONVENTIONAL/config" bs=1 seek=63 conv=notrunc status=none
	run 0 list --noheadings --output HARDWARE $CONVENTIONAL
	[ "$out" != - ] || fail "it is taken for gone"
}

test_a_line_with_more_than_a_name_loads_nothing() {
	local line
	ours "($B)"
	conf modules "xen-pciback-fixup devices=($B)"
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
		conf modules-load.d/a.conf "$line"
		loaded_by "$ROOT/etc/modules-load.d/a.conf"
	done
}

test_other_ways_to_be_loaded_at_boot() {
	local line
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
	local line
	ours "($B)"
	mkdir -p "$ROOT/sys/module/radeon"
	for line in "softdep xen-pciback post: a xen_pciback_fixup" "softdep radeon pre: xen-pciback-fixup" \
		"install radeon /sbin/modprobe xen-pciback-fixup; /sbin/modprobe --first-time --ignore-install radeon" \
		"install xen-pciback /sbin/modprobe -i xen-pciback && /sbin/modprobe xen-pciback-fixup"; do
		conf modprobe.d/local.conf "$line"
		persistent "$B" no
		loaded_by -
		has "$out" "local.conf has it loaded with"
		: >"$ROOT/sys/module/radeon/initstate"
		echo xen-pciback >"$ROOT/etc/modules-load.d/pciback.conf"
		persistent "$B" yes
		run 0 status
		has "$out" "$ROOT/etc/modprobe.d/local.conf, with "
		rm "$ROOT/sys/module/radeon/initstate" "$ROOT/etc/modules-load.d/pciback.conf"
	done
}

test_an_install_line_that_loads() {
	local line
	loaded_at_boot
	ours "($B)"
	while read -r wanted line; do
		conf modprobe.d/local.conf "install xen-pciback-fixup $line"
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
	run 0 status
	has "$out" '"insmod /root/xen-pciback-fixup.ko" run in place of loading'
}

# What the next boot binds, by a hint only: it is no error.
test_what_binds_a_device_at_the_next_boot() {
	local hide unknown="$B: not known what binds it at the next boot" override=$ROOT/$SYS/devices/$B/driver_override
	rm "$ROOT/$SYS"/devices/{$A,$LEGACY,$FAR}/driver
	run 0 enable --persist "$B"
	hint() { has "$(said 'what to do next')" "$1"; }
	hint "$unknown: bound by a service?"
	echo pciback >"$override"
	hint "$unknown, which its driver_override does not outlast"
	rm "$override"
	echo xen-pciback >"$ROOT/etc/modules-load.d/pciback.conf"
	while read -r hide; do
		conf modprobe.d/pciback.conf "options xen-pciback passthrough=1 $hide"
		next nothing
		conf modprobe.d/pciback.conf "options xen_pciback hide=(05:00.0)"
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
	conf modprobe.d/pciback.conf "options xen-pciback hide=(05:00.0)" "options xen-pciback hide=(03:00.1)"
	next nothing
	rm "$ROOT/etc/modules-load.d/pciback.conf"
	hint "nothing is known to have xen-pciback loaded at boot"
	mkdir "$ROOT/sys/module/xen_pciback"
	hint "xen-pciback is built into the kernel: hide= belongs on the kernel command line"
	cmdline "xen-pciback.hide=(03:00.1)"
	next nothing
	cmdline quiet
	rm -r "$ROOT/etc/modprobe.d/pciback.conf" "$ROOT/sys/module/xen_pciback"
	mkdir "$ROOT/etc/driverctl.d"
	echo vfio-pci >"$ROOT/etc/driverctl.d/pci-$B"
	hint "$unknown"
	echo pciback >"$ROOT/etc/driverctl.d/pci-$B"
	hint "nothing is known to have xen-pciback loaded at boot"
	echo xen-pciback >"$ROOT/etc/modules-load.d/pciback.conf"
	next nothing
}

test_a_mistake_in_hide() {
	local hide place said
	without_pciback
	while read -r hide place; do
		said="hide= of xen-pciback has a mistake at \"$place\""
		cmdline "quiet xen-pciback.hide=$hide"
		run 2 check
		error_has "pciback is not there; to do: the kernel command line: $said" "then reboot"
		run 0 list
		error_has "$said"
		run 1 enable "$A"
		error_has "$A: not bound to pciback; to do: " "$said"
		run 1 enable --all
		error_has "$said"
		cmdline quiet
		conf modprobe.d/pciback.conf "options xen-pciback hide=$hide"
		run 0 status
		has "$out" "$ROOT/etc/modprobe.d/pciback.conf: $said" "then modprobe xen-pciback"
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
	run 0 status
	has "$out" "hide= of xen-pciback has a mistake at \".00.0)\"" "then reboot"
	rm -r "$ROOT/sys/module/xen_pciback" "$ROOT/etc/modprobe.d/pciback.conf"
	cmdline "module_blacklist=xen_pciback"
	next "module_blacklist= on the kernel command line has xen-pciback: remove it there and reboot, then modprobe xen-pciback"
	cmdline quiet
	conf modprobe.d/pciback.conf "blacklist xen-pciback"	# which counts for the boot only
	next "modprobe xen-pciback"
}

test_who_holds_a_device_is_said() {
	local driver part
	for driver in "nvme; dom0 may be using it; if it does not need it" "xhci_hcd; dom0 may be using it" \
		"vfio-pci; a driver for KVM" "pci-stub; a driver for KVM" "no driver"; do
		if [ "$driver" = "no driver" ]; then rm "$ROOT/$SYS/devices/$A/driver"; else rebind $A "${driver%%;*}"; fi
		for part in "2 check" "1 enable" "1 disable" "1 list"; do
			# shellcheck disable=SC2086 # two words
			run $part $A
			error_has "$A: bound to ${driver%%;*}, not to pciback${driver#"${driver%%;*}"}" \
				": xl pci-assignable-add $A"
		done
	done
	rebind $PORT pcieport
	run 2 check $PORT
	error_has "$PORT: not an endpoint" "its type is Root Port"
}

test_what_needs_no_change_is_no_error() {
	local of as verb
	device 0000:00:02.0 pciback 8086 191e 0092
	for of in "0000:00:02.0 RCiEP" "$CONVENTIONAL conventional PCI"; do
		run 0 check "${of%% *}"
		for as in "${of%% *}" "${of%%.*}.*"; do
			for verb in enable disable "enable --persist" "disable --persist"; do
				# shellcheck disable=SC2086 # a word more
				run 0 $verb "$as"
				has "$out" "needs no change: its type is ${of#* }"
			done
		done
		is "$(etc)" ""
	done
	run 1 disable --persist --all	# for those that the fake kernel keeps on
	has "$out" "$CONVENTIONAL: needs no change"
	# Nor is it an error if it is not bound yet, nor without the module.
	rebind $CONVENTIONAL uhci_hcd
	run 0 enable --persist $CONVENTIONAL
	is "$out" "$CONVENTIONAL: needs no change: its type is conventional PCI"
	is "$(etc)" ""
	rebind $CONVENTIONAL pciback
	run 0 enable --persist 03:00.1 07:01.0
	ours_is "($B)"
	unload_module
	run 0 enable 00:02.0
}

test_an_address_at_which_nothing_is() {
	local bdf
	for bdf in 0000:30:00.0 0000:03:00.5 0001:03:00.0 "0000:0b:00.*" "0000:0b:*.*"; do
		run 1 enable "$bdf"
		error_has "$bdf: there is no such device now; to see which there are: lspci -D"
		run 2 check "$bdf"
		error_has "$bdf: there is no such device now"
		run 0 enable --persist "$bdf"
		has "$out" "$bdf: there is no such device now" "$bdf: added to"
		run 0 disable --persist "$bdf"
	done
	is "$(etc)" ""
}

test_what_xen_cannot_pass_through() {
	local bdf word
	device 10000:e1:00.0 nvme 144d a808 0002
	for bdf in 10000:e1:00.0 10001:e1:00.0 "7fffffff:01:00.*"; do
		for word in "2 check" "1 enable" "1 enable --persist" "1 disable" "1 list"; do
			# shellcheck disable=SC2086 # two words or three
			run $word "$bdf"
			error_has "$bdf: Xen cannot pass it through, as its domain is above ffff"
			[[ $err != *"xl pci"* ]] || fail "$err"
		done
	done
	rebind 10000:e1:00.0 pciback
	rm "$ROOT/$SYS"/devices/{$A,$LEGACY,$B,$FAR}/driver
	next nothing
	run 2 check 10000:e1:00.0
	error_has "10000:e1:00.0: Xen cannot pass it through"
	run 1 enable 10000:e1:00.0
	is "$(etc)" ""
	# What is in the list can be taken out.
	ours "(10000:e1:00.0)"
	run 0 disable --persist 10000:e1:00.0
	is "$(etc)" ""
}

test_a_wrong_parameter_is_named() {
	local word
	loaded_at_boot
	for word in "hide=(03:00.0)" "device=(03:00.0)" "(03:00.0)" Devices=all "rciep"; do
		conf modprobe.d/local.conf "options xen-pciback-fixup $word"
		is "$(said problem)" "$ROOT/etc/modprobe.d/local.conf: \"$word\" is no parameter of xen-pciback-fixup: devices= is"
	done
	conf modprobe.d/local.conf "options xen-pciback-fixup dyndbg=+p async_probe"
	is "$(said problem)" -
	cmdline "xen_pciback_fixup.hide=(03:00.0)"
	is "$(said problem)" "the kernel command line: \"hide=(03:00.0)\" is no parameter of xen-pciback-fixup: devices= is"
	# The module ignores it: devices= is in force.
	run 0 enable --persist "$B"
	persistent "$B" yes
	has "$(said problem)" "hide=(03:00.0)"
	cmdline quiet
	conf modprobe.d/local.conf "options xen-pciback devices=(03:00.1) permissive"
	rm "$ROOT/$SYS"/devices/*/driver
	rebind "$B" pciback
	conf modules-load.d/xen.conf xen-pciback
	cmdline "xen-pciback.hide=(03:00.1)"
	next "$ROOT/etc/modprobe.d/local.conf: \"devices=(03:00.1)\" is no parameter of xen-pciback: hide= is"
	rm "$ROOT/etc/modprobe.d/local.conf"
	cmdline "xen-pciback.hid=(03:00.1)"
	next "the kernel command line: \"hid=(03:00.1)\" is no parameter of xen-pciback: hide= is"
}

test_a_mistake_comes_before_modprobe() {
	unload_module
	next "modprobe xen-pciback-fixup"
	conf modprobe.d/local.conf "options xen-pciback-fixup devices=(03.00.0)"
	has "$(said 'what to do next')" "$ROOT/etc/modprobe.d/local.conf: devices= of"
	run 1 enable "$A"
	error_has "$A: the module is not loaded; to do: $ROOT/etc/modprobe.d/local.conf: devices= of" \
		"then modprobe xen-pciback-fixup"
	conf modprobe.d/local.conf "install xen-pciback-fixup /bin/true"
	has "$(said 'what to do next')" "$ROOT/etc/modprobe.d/local.conf has \"/bin/true\" run"
}

# --- the command line -------------------------------------------------------------------

test_help_and_version() {
	run 0 --help
	has "$out" "usage: pciback-fixup list" "--persist"
	run 0 list --help
	run 0 list -h
	run 0 -V
	is "$out" "pciback-fixup $(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' \
		"$here/../../../drivers/xen/xen-pciback/fixup_main.c")"
	is "$("$here/../pciback-fixup" --version)" "$out"
}

test_usage_errors() {
	local line
	while read -r line; do
		# shellcheck disable=SC2086 # it is a command line
		run 2 $line
		error_has "see pciback-fixup --help"
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
	run 2 enable -all
	error_has "unknown option -a;"
	run 2 enable --al3l
	error_has "unknown option --al3l;"
	run 2 $'\e[2J'
	error_has 'unknown command \x1b[2J;'
}

test_what_is_no_bdf_is_refused_before_anything_is_done() {
	local bdf
	for bdf in "" 3 03:00 03:00. 03:00.8 03:20.0 100:00.0 03:00.0x 0000:03:00.0: "03:*.0" \
		"*:00.0" "*" all 0x3:00.0 " 03:00.0" -03:00.0 +3:00.0 80000000:03:00.0 03:.0 :03:00.0 \
		100000000:03:00.0 0:0:3:0.0 03-00.0 0000::03:00.0 "03:0*.0" "03:**.*"; do
		run 2 disable -- "$B" "$bdf"
		error_has "not a BDF" "$bdf"
	done
	is "$(rciep "$B")" 1
}

test_output_that_is_lost_is_an_error() {
	"$command" list --json >/dev/full 2>"$tmp/err"
	is "$?" 2
}

# Those of the code, which all are in JSON, stand in the completion and in the manual, too.
test_the_names_of_columns_are_the_same_everywhere() {
	local names
	run 0 list --json "$B"
	names=$(json "' '.join(d['$B']).upper()")
	is "$(sed -n 's/.*choices="\(BDF .*\)"/\1/p' "$here/../completion.bash")" "$names"
	is "$(awk '/^\.SH COLUMNS/, /^\.PP/ { if (tag) print; tag = /^\.TP/ }' "$here/../pciback-fixup.8" |
		sed 's/^\.BR* //; s/[",]//g' | xargs)" "$names"
}

# Each option is in the summary, in the manual's synopsis or list, and among what is completed.
test_each_option_is_in_the_help_and_in_the_manual() {
	local option
	for option in -h -V -o --json --noheadings --output --all --persist --help --version; do
		run 0 --help
		has "$out" "$option"
		grep -qF -- "${option//-/\\-}" "$here/../pciback-fixup.8" || fail "no $option in the manual"
		case $option in
		--*) grep -qF -- "$option" "$here/../completion.bash" || fail "no $option to complete" ;;
		esac
	done
}

test_completion() {
	[ -e /usr/share/bash-completion/bash_completion ] || fail "this needs the package bash-completion"
	mkdir -p "$tmp/bin"
	ln -sf "$command" "$tmp/bin/pciback-fixup"
	PATH=$tmp/bin:$PATH bash -c '
		. /usr/share/bash-completion/bash_completion && . "$1" || exit
		complete_line() {
			COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
			# As bash splits it: a colon is a word, too.
			read -ra COMP_WORDS <<<"${1//:/ : }"
			[[ $1 != *" " ]] || COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_pciback_fixup
			echo "${COMPREPLY[*]}"
		}
		complete_line "pciback-fixup en"
		complete_line "pciback-fixup st"
		complete_line "pciback-fixup status --"
		complete_line "pciback-fixup list --n"
		complete_line "pciback-fixup list --output HI"
		complete_line "pciback-fixup list --output BDF,DOM"
		complete_line "pciback-fixup enable --persist 0000:03:"
		complete_line "pciback-fixup check 0000:04"' \
		bash "$here/../completion.bash" >"$tmp/out" 2>&1
	is "$(cat "$tmp/out")" "enable
status
--json
--noheadings
HITS
BDF,DOMID BDF,DOMAIN
00.0 00.1
04:00.0"
}

# --- the Makefile -----------------------------------------------------------------------

test_install_and_uninstall() {
	local make=(make -s -C "$here/.." DESTDIR="$tmp/dest" PREFIX=/usr)
	"${make[@]}" install || fail "install failed"
	is "$(cd "$tmp/dest" && find . -type f | sort | tr '\n' ' ')" \
		"./usr/sbin/pciback-fixup ./usr/share/bash-completion/completions/pciback-fixup ./usr/share/man/man8/pciback-fixup.8 "
	"${make[@]}" uninstall || fail "uninstall failed"
	is "$(find "$tmp/dest" -type f)" ""
	rm -r "$tmp/dest"
}

test_make_clean_needs_nothing() {
	mkdir -p "$tmp/of/a"
	cp -r "$here/.." "$tmp/of/a/copy"
	make -s -C "$tmp/of/a/copy" PKG_CONFIG=/nonexistent clean 2>"$tmp/err" || fail "clean failed"
	is "$(cat "$tmp/err")$(find "$tmp/of/a/copy" -name '*.o')" ""
	! make -s -C "$tmp/of/a/copy" PKG_CONFIG=false VERSION=1 2>"$tmp/err" >"$tmp/out" || fail "it was built"
	has "$(cat "$tmp/err")" "libkmod-dev"
	! make -s -C "$tmp/of/a/copy" 2>"$tmp/err" >"$tmp/out" || fail "it was built without a version"
	has "$(cat "$tmp/err")" "give VERSION="
	rm -r "$tmp/of"
}

# --- run all ----------------------------------------------------------------------------

ROOT=$tmp/root.made make_root
mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)() {$/\1/p' "${BASH_SOURCE[0]}")

echo "TAP version 13"
echo "1..${#tests[@]}"
number=0 failures=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	description=${test#test_}
	fresh
	if ("$test"); then
		echo "ok $number - ${description//_/ }"
	else
		echo "not ok $number - ${description//_/ }"
		failures=$((failures + 1))
	fi
done
[ $failures = 0 ]

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of pciback-fixup without Xen: against a made-up sysfs, a made-up
# xenstore and a file of its own in place of modprobe's.
# usage: test.sh [COMMAND]
#
# Each function test_* is one test, and its name the description. It gets
# everything fresh, and runs in a shell of its own that the first failure ends.
# shellcheck disable=SC1003 # lines that end in a backslash are meant
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command=$(realpath "${1:-$here/../pciback-fixup}")
# shellcheck source-path=SCRIPTDIR source=sysfs.sh disable=SC1091
. "$here/sysfs.sh"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
SYSFS=$tmp/sys CONF=$tmp/modprobe.d/fixup.conf
export PCIBACK_FIXUP_SYSFS=$SYSFS PCIBACK_FIXUP_CONF=$CONF
export PCIBACK_FIXUP_XENSTORE=$tmp/xenstore-ls

# --- helpers ------------------------------------------------------------------

fail() {
	printf '%s\n' "$@" | sed 's/^/# /'
	exit 1
}

skip() {
	echo "$*" >"$tmp/skip"
	exit 4
}

# run STATUS ARGUMENT...: what it prints is then in $out and $err
run() {
	local wanted=$1 status
	shift
	"$command" "$@" >"$tmp/out" 2>"$tmp/err"
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

rciep() { cat "$SYSFS/bus/pci/devices/$1/pciback_fixup/rciep"; }

# json PYTHON_EXPRESSION: about the devices in d, by BDF
json() {
	python3 -c "import json, sys
d = {x['bdf']: x for x in json.load(sys.stdin)}
print($1)" <"$tmp/out" || fail "not valid JSON:" "$out"
}

# conf LINE...: what the administrator wrote
conf() { printf '%s\n' "$@" >"$CONF"; }
conf_is() { is "$(cat -A "$CONF")" "$(printf '%s\n' "$@" | cat -A)"; }

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
		chmod a-w "$SYSFS"/bus/pci/devices/*/pciback_fixup/rciep
	fi
	chmod 755 "$command"
}

fresh() {
	rm -rf "$SYSFS" "$tmp/modprobe.d"
	cp -a "$tmp/sys.made" "$SYSFS"
	mkdir "$tmp/modprobe.d"
	printf '#!/bin/sh\necho "$@" >%s\ncat <<END\n%s\nEND\n' "$tmp/xenstore-ls.args" \
		'/local/domain/0/backend/pci/2/0/state = "6"
/local/domain/0/backend/pci/2/0/domain = "gone"
/local/domain/0/backend/pci/2/0/dev-0 = "0000:03:00.1"
/local/domain/0/backend/pci/3/0/state = "4"
/local/domain/0/backend/pci/3/0/domain = "win10"
/local/domain/0/backend/pci/3/0/num_devs = "1"
/local/domain/0/backend/pci/3/0/dev-0 = "0000:03:00.1"
/local/domain/0/backend/pci/7/0/dev-0 = "0000:07:01.0"
/local/domain/0/backend/pci/7/0/dev-1 = "0000:04:00.0"
/local/domain/0/backend/pci/7/0/domain = "two \"words\\"' >"$PCIBACK_FIXUP_XENSTORE"
	chmod 755 "$PCIBACK_FIXUP_XENSTORE"
}

A=0000:03:00.0 B=0000:03:00.1 LEGACY=0000:04:00.0 FAR=10000:e1:1f.7
PORT=0000:00:1c.0 CONVENTIONAL=0000:07:01.0 UNBOUND=0000:00:1f.3

# --- list -----------------------------------------------------------------------

test_list_prints_a_table() {
	conf "options xen-pciback-fixup devices=($A)(04:00.*)"
	run 0 list
	is "$err" ""
	is "$(awk 'NR == 1 { at = index($0, "NAME") }
		{ $0 = substr($0, 1, at - 1); sub(/ +$/, ""); print }' "$tmp/out")" "\
BDF            HARDWARE          GUESTS SEE          HITS  DOMAIN          PERSISTENT
0000:00:1c.0   Root Port         Root Port              -  -               no
0000:03:00.0   Endpoint          Endpoint               0  -               yes
0000:03:00.1   Endpoint          RCiEP                 12  3 win10         no
0000:04:00.0   Legacy Endpoint   Legacy Endpoint        0  7 two \\         yes
0000:07:01.0   conventional PCI  conventional PCI       -  7 two \\         no
10000:e1:1f.7  Endpoint          RCiEP                  3  -               no"
	is "$(cat "$tmp/xenstore-ls.args")" "-f /local/domain/0/backend/pci"
}

test_list_takes_names_from_pci_ids() {
	grep -qs '^8086  *Intel' /usr/share/misc/pci.ids || skip "no pci.ids"
	run 0 list
	has "$(grep "^$A" "$tmp/out")" "Intel Corporation 82574L"
}

test_list_of_nothing() {
	rm -r "$SYSFS/bus/pci/devices"
	run 0 list
	is "$(wc -l <"$tmp/out")" 1
	run 0 list --json
	is "$out" "[]"
	run 0 list --bdf
	is "$out$err" ""
}

test_list_bdf() {
	PCIBACK_FIXUP_XENSTORE=/nonexistent run 0 list --bdf
	is "$out" "$(printf '%s\n' $PORT $A $B $LEGACY $CONVENTIONAL $FAR)"
}

test_list_json_is_valid_and_complete() {
	conf "options xen-pciback-fixup devices=all"
	run 0 list --json
	is "$(json "(len(d), d['$B']['vendor'], d['$B']['device'], d['$B']['hardware_type'], d['$B']['guest_type'])")" \
		"(6, '0x8086', '0x10d3', 'Endpoint', 'RCiEP')"
	is "$(json "(d['$B']['rciep'], d['$B']['hits'], d['$B']['domid'], d['$B']['domain'], d['$B']['persistent'])")" \
		"(True, 12, 3, 'win10', True)"
	is "$(json "(d['$PORT']['rciep'], d['$PORT']['hits'], d['$PORT']['domid'], d['$PORT']['domain'])")" \
		"(None, None, None, None)"
}

test_list_json_escapes_what_xenstore_says() {
	printf '#!/bin/sh\nprintf '\''%s'\''\n' \
		'/local/domain/0/backend/pci/5/0/dev-3 = "0000:03:00.0"\n/local/domain/0/backend/pci/5/0/domain = "a\\b\tc\303\251\377d"\n' \
		>"$PCIBACK_FIXUP_XENSTORE"
	run 0 list --json
	is "$(json "ascii(d['$A']['domain'])")" "'a\\\\b\\tc\\xe9\\ufffdd'"
}

test_list_without_xenstore() {
	PCIBACK_FIXUP_XENSTORE=/nonexistent run 0 list
	is "$err" ""
	has "$(grep "^$B" "$tmp/out")" "12  -  "
}

test_list_does_not_wait_for_a_xenstore_that_hangs() {
	printf '#!/bin/sh\nexec sleep 60\n' >"$PCIBACK_FIXUP_XENSTORE"
	SECONDS=0
	run 0 list
	[ "$SECONDS" -lt 30 ] || fail "it took $SECONDS s"
}

test_list_with_the_module_not_loaded() {
	unload_module
	run 0 list --json
	is "$(json "[(x['hardware_type'], x['guest_type'], x['rciep']) for x in d.values()][2:4]")" \
		"[('Endpoint', 'Endpoint', None), ('Legacy Endpoint', 'Legacy Endpoint', None)]"
}

test_list_with_a_file_that_cannot_be_read() {
	conf "options xen-pciback-fixup devices=(03:00.8)"
	run 1 list --json
	error_has "$CONF" "correct it by hand"
	is "$(json "d['$A']['persistent']")" None
}

test_list_survives_odd_config_space() {
	local dir=$SYSFS/bus/pci/devices/$PORT
	printf '\x40\x40' | dd of="$dir/config" bs=1 seek=64 conv=notrunc status=none
	run 0 list		# a capability that is its own next
	has "$(grep "^$PORT" "$tmp/out")" "conventional PCI"
	truncate -s 64 "$dir/config"
	run 0 list		# what is not root may read
	has "$(grep "^$PORT" "$tmp/out")" "unknown"
	: >"$dir/config"
	run 0 list
	has "$(grep "^$PORT" "$tmp/out")" "unknown"
}

# --- check ----------------------------------------------------------------------

test_check_finds_what_is_rejected() {
	run 1 check
	is "$err" ""
	is "$out" "\
$PORT: not an endpoint, not judged: guests see Root Port
$A: rejected (Code 10): guests see Endpoint, which on bus 0 has no port above it; to mend it: pciback-fixup enable $A
$B: accepted: guests see RCiEP
$LEGACY: rejected (Code 10): guests see Legacy Endpoint, which on bus 0 has no port above it; to mend it: pciback-fixup enable $LEGACY
$CONVENTIONAL: accepted: guests see conventional PCI
$FAR: accepted: guests see RCiEP"
}

test_check_of_one_device() {
	run 0 check 03:00.1
	is "$out" "$B: accepted: guests see RCiEP"
	run 1 check "$LEGACY"
	run 0 check 10000:E1:1F.7
	run 0 check "$CONVENTIONAL"
	run 0 check "$PORT"
}

test_check_with_the_module_not_loaded() {
	unload_module
	run 1 check "$B"
	has "$out" "to mend it: modprobe xen-pciback-fixup && pciback-fixup enable $B"
}

test_check_goes_by_what_guests_see() {
	echo 0x0001 >"$SYSFS/bus/pci/devices/$B/pciback_fixup/guest_flags"
	run 1 check "$B"
	has "$out" "rejected" "though rciep is 1" "unload"
}

test_check_cannot_tell() {
	run 2 check "$UNBOUND"
	error_has "$UNBOUND: not bound to pciback" "xl pci-assignable-add $UNBOUND"
	run 2 check 0000:0b:00.0
	error_has "0000:0b:00.0: no such device"
	echo 0xffff >"$SYSFS/bus/pci/devices/$A/pciback_fixup/hardware_flags"
	run 2 check "$A"
	error_has "$A: its type cannot be read"
}

test_check_with_nothing_bound() {
	rm "$SYSFS"/bus/pci/devices/*/driver
	run 0 check
	has "$out" "no device is bound" "xl pci-assignable-add"
}

# --- enable, disable --------------------------------------------------------------

test_enable_writes_rciep() {
	echo 0 >"$SYSFS/bus/pci/devices/$B/pciback_fixup/rciep"
	run 0 enable 03:00.1
	is "$out$err" "$B: guests that start now see RCiEP (guest_flags 0x0091)"
	is "$(rciep "$B")" 1
}

test_enable_that_takes_no_effect_is_an_error() {
	run 1 enable --persist "$A"
	error_has "$A: rciep was written, but guests still see Endpoint (guest_flags 0x0002)"
	is "$(rciep "$A")" 1
	[ ! -e "$CONF" ] || fail "it went into the file"
}

test_disable_writes_rciep() {
	echo 1 >"$SYSFS/bus/pci/devices/$A/pciback_fixup/rciep"
	run 0 disable "$A"
	is "$out$err" "$A: guests that start now see Endpoint (guest_flags 0x0002)"
	is "$(rciep "$A")" 0
}

test_disable_that_takes_no_effect_is_an_error() {
	run 1 disable "$B"
	error_has "$B: rciep was written, but guests still see RCiEP"
}

test_each_device_is_tried() {
	run 1 enable "$PORT" "$A" "$B"
	is "$(rciep "$A")$(rciep "$B")" 11
	is "$(wc -l <"$tmp/err")" 2
	has "$out" "$B: "
}

test_all_are_the_endpoints() {
	run 1 disable --all
	is "$(cat "$SYSFS"/bus/pci/devices/*/pciback_fixup/rciep | tr -d '\n')" 0000
	has "$out" "$A: " "$LEGACY: "
	has "$err" "$B: " "$FAR: "
	run 1 enable --all
	is "$(cat "$SYSFS"/bus/pci/devices/*/pciback_fixup/rciep | tr -d '\n')" 1111
}

test_all_of_none_is_an_error() {
	rm "$SYSFS"/bus/pci/devices/*:0[34]:*/driver "$SYSFS/bus/pci/devices/$FAR/driver"
	run 1 enable --all
	error_has "no endpoint is bound" "xl pci-assignable-add"
}

test_errors_name_the_device_and_the_remedy() {
	local verb
	for verb in enable disable; do
		run 1 $verb "$UNBOUND"
		error_has "$UNBOUND: not bound to pciback" ": xl pci-assignable-add $UNBOUND"
		run 1 $verb 0b:00.0
		error_has "0000:0b:00.0: no such device" "lspci -D"
		run 1 $verb "$PORT"
		error_has "$PORT: not an endpoint" "its type is Root Port"
		run 1 $verb "$CONVENTIONAL"
		error_has "$CONVENTIONAL: not an endpoint" "its type is conventional PCI"
	done
}

test_error_module_not_loaded() {
	unload_module
	run 1 enable "$A"
	error_has "$A: " "not loaded" "modprobe xen-pciback-fixup"
}

test_error_pciback_not_loaded() {
	rm "$SYSFS"/bus/pci/devices/*/driver
	rm -r "$SYSFS/bus/pci/drivers/pciback"
	run 1 enable "$A"
	error_has "$A: not bound" "modprobe xen-pciback && xl pci-assignable-add $A"
}

test_error_not_offered_by_the_module() {
	rm -r "$SYSFS/bus/pci/devices/$LEGACY/pciback_fixup"
	run 1 enable "$LEGACY"
	error_has "$LEGACY: the module could not take it on" "dmesg" \
		": xl pci-assignable-remove $LEGACY && xl pci-assignable-add $LEGACY"
}

test_error_not_root() {
	as_nobody
	run 1 enable "$B"
	error_has "$B: rciep cannot be written: Permission denied; run this as root"
	run 0 list
}

test_error_type_not_readable_by_others_than_root() {
	as_nobody
	truncate -s 64 "$SYSFS/bus/pci/devices/$PORT/config"
	run 2 check "$PORT"
	error_has "$PORT: its type cannot be read; run this as root"
}

# --- the file that modprobe reads ----------------------------------------------------

test_persist_makes_the_file() {
	run 0 enable --persist "$B"
	has "$out" "$B: added to $CONF"
	conf_is "options xen-pciback-fixup devices=($B)"
	is "$(stat -c %a "$CONF")" 644
	is "$(ls "$tmp/modprobe.d")" fixup.conf
}

test_persist_adds_to_the_list_and_keeps_the_rest() {
	conf "# Bob's: the GPU" "" "alias foo bar" \
		"#options xen-pciback-fixup devices=(09:00.0)" \
		"  options	xen_pciback-fixup  debug=1 devices=(04:00.0) more=\"a b\"  " \
		"options xen-pciback-fixup-too devices=(01:00.0)" "options other devices=all" ""
	run 0 enable --persist "$B"
	conf_is "# Bob's: the GPU" "" "alias foo bar" \
		"#options xen-pciback-fixup devices=(09:00.0)" \
		"  options	xen_pciback-fixup  debug=1 devices=(04:00.0)($B) more=\"a b\"  " \
		"options xen-pciback-fixup-too devices=(01:00.0)" "options other devices=all" ""
}

test_persist_adds_a_line_if_there_is_no_list() {
	conf "options xen-pciback-fixup debug=1"
	run 0 enable --persist "$B"
	conf_is "options xen-pciback-fixup debug=1" "options xen-pciback-fixup devices=($B)"
}

test_persist_adds_to_a_last_line_without_an_end() {
	printf '# no newline' >"$CONF"
	run 0 enable --persist "$B"
	conf_is "# no newline" "options xen-pciback-fixup devices=($B)"
	printf 'options foo \\\n' >"$CONF"
	run 0 enable --persist "$B"
	conf_is 'options foo \' "" "options xen-pciback-fixup devices=($B)"
}

test_persist_edits_the_list_that_counts() {
	conf "options xen-pciback-fixup devices=(01:00.0)" \
		"options xen-pciback-fixup devices=(02:00.0) devices=(04:00.0)" "# end"
	run 0 enable --persist "$B"
	conf_is "options xen-pciback-fixup devices=(01:00.0)" \
		"options xen-pciback-fixup devices=(02:00.0) devices=(04:00.0)($B)" "# end"
}

test_persist_with_continued_lines() {
	conf 'options xen-pciback-fixup debug=1 \' '	devices=(01:00.0)\' '(03:00.0) \' ' x=1'
	run 0 enable --persist "$B"
	conf_is 'options xen-pciback-fixup debug=1 \' '	devices=(01:00.0)\' "(03:00.0)($B) \\" ' x=1'
	run 0 disable --persist "$A"
	conf_is 'options xen-pciback-fixup debug=1 \' "	devices=(01:00.0)($B) \\" ' x=1'
}

test_persist_with_quotes() {
	conf 'options xen-pciback-fixup "devices=(01:00.0)" x=1'
	run 0 enable --persist "$B"
	conf_is "options xen-pciback-fixup \"devices=(01:00.0)($B)\" x=1"
	conf 'options xen-pciback-fixup devices="(01:00.0)"'
	run 0 enable --persist "$B"
	conf_is "options xen-pciback-fixup devices=\"(01:00.0)($B)\""
}

test_persist_twice_is_said() {
	conf "options xen-pciback-fixup devices=(03:0.1)"
	run 0 enable --persist "$B"
	has "$out" "$B: devices= in $CONF covers it already"
	conf_is "options xen-pciback-fixup devices=(03:0.1)"
}

test_unpersist_removes_each_spelling_and_nothing_else() {
	conf "# mine" "options xen-pciback-fixup devices=(0:3:0.0)(04:00.0)(0000:03:00.0)(03:00.1) x=1"
	run 0 disable --persist "$A"
	has "$out" "$A: removed from $CONF" "$A: guests that start now see Endpoint"
	conf_is "# mine" "options xen-pciback-fixup devices=(04:00.0)(03:00.1) x=1"
}

test_unpersist_the_last_one_leaves_an_empty_list() {
	conf "options xen-pciback-fixup devices=(03:00.0)"
	run 0 disable --persist "$A"
	conf_is "options xen-pciback-fixup devices="
	run 0 enable --persist "$B"
	conf_is "options xen-pciback-fixup devices=($B)"
}

test_unpersist_what_is_not_listed_is_said() {
	run 0 disable --persist "$A"
	has "$out" "$A: is not in $CONF" "$A: guests that start now"
	[ ! -e "$CONF" ] || fail "the file was made"
}

test_unpersist_a_device_that_is_gone() {
	conf "options xen-pciback-fixup devices=(0b:00.0)(03:00.1)"
	run 0 disable --persist 0b:00.0
	conf_is "options xen-pciback-fixup devices=(03:00.1)"
	run 1 disable --persist 0b:00.0
	error_has "0000:0b:00.0: no such device"
}

test_unpersist_with_the_module_not_loaded() {
	unload_module
	conf "options xen-pciback-fixup devices=(03:00.0)"
	run 0 disable --persist "$A"
	conf_is "options xen-pciback-fixup devices="
}

test_wildcards_cover() {
	local list
	for list in "(03:00.*)" "(0000:03:*.*)" "(03:00.0)(03:00.1)(03:*.*)"; do
		conf "options xen-pciback-fixup devices=$list"
		run 0 enable --persist "$B"
		has "$out" "$B: a wildcard in $CONF covers it already"
		run 1 disable --persist "$A"
		error_has "$A: a wildcard in $CONF covers it" "by hand"
		is "$(rciep "$A")" 0
		conf_is "options xen-pciback-fixup devices=$list"
	done
}

test_all_covers() {
	conf "options xen-pciback-fixup devices=all"
	run 0 enable --persist "$B"
	has "$out" "$B: devices=all in $CONF covers it already"
	run 1 disable --persist "$A"
	error_has "$A: devices=all in $CONF covers it" "by hand"
	conf_is "options xen-pciback-fixup devices=all"
}

test_a_list_with_a_mistake_is_left_alone() {
	local list
	for list in "(03:00.0" "03:00.0" "(03:20.0)" "(03:00.8)" "(*:00.0)" "(03:*.0)" "(100:00.0)" \
		"(03:00.0)x" "(80000000:03:00.0)" "(0x3:00.0)" "( 03:00.0)" "ALL" "all,all" "()" "(03:00.0)all"; do
		conf "options xen-pciback-fixup devices=$list"
		run 1 enable --persist "$B"
		error_has "$CONF: devices= is neither all nor a list" "by hand"
		conf_is "options xen-pciback-fixup devices=$list"
	done
	printf 'a\0b\n' >"$CONF"
	run 1 enable --persist "$B"
	error_has "$CONF: cannot be read"
	is "$(wc -c <"$CONF")" 4
}

test_the_file_is_replaced_and_keeps_its_mode() {
	conf "# mine"
	chmod 640 "$CONF"
	[ "$(id -u)" != 0 ] || chown 65534:65534 "$CONF"
	exec 9<"$CONF"
	local before
	before=$(stat -c '%a %u:%g' "$CONF")
	run 0 enable --persist "$B"
	is "$(stat -c '%a %u:%g' "$CONF")" "$before"
	is "$(cat <&9)" "# mine"	# who has it open reads all of the old one
	is "$(ls "$tmp/modprobe.d")" fixup.conf
}

test_a_symbolic_link_stays_one() {
	mkdir "$tmp/modprobe.d/real"
	echo "# mine" >"$tmp/modprobe.d/real/a.conf"
	ln -s real/a.conf "$CONF"
	run 0 enable --persist "$B"
	[ -L "$CONF" ] || fail "the link was replaced"
	conf_is "# mine" "options xen-pciback-fixup devices=($B)"
}

test_what_cannot_be_written_is_said() {
	as_nobody
	chmod a+w "$SYSFS"/bus/pci/devices/*/pciback_fixup/rciep
	chmod 555 "$tmp/modprobe.d"
	conf_dir_of_root=$(stat -c %a "$tmp/modprobe.d")
	is "$conf_dir_of_root" 555
	run 1 enable --persist "$B"
	error_has "$CONF: cannot be written: Permission denied; run this as root"
	chmod 755 "$tmp/modprobe.d"
	is "$(ls "$tmp/modprobe.d")" ""
}

test_two_at_once_lose_nothing() {
	for _ in 1 2 3 4 5 6 7 8; do
		"$command" enable --persist "$B" >/dev/null &
		"$command" enable --persist "$FAR" >/dev/null &
	done
	wait
	is "$(tr -d '\n' <"$CONF" | wc -c)" "$(printf '%s' "options xen-pciback-fixup devices=($B)($FAR)" | wc -c)"
}

# --- the command line -------------------------------------------------------------------

test_help_and_version() {
	run 0 --help
	has "$out" "usage: pciback-fixup list" "--persist"
	run 0 list --help
	run 0 --version
	is "$out" "pciback-fixup $(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' \
		"$here/../../../drivers/xen/xen-pciback/fixup_main.c")"
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
	list $A
	list --persist
	list --json --bdf
	check --all
	check $A $B
	enable
	enable --persist
	enable --all $A
	disable
	disable --json $A
	END
}

test_what_is_no_bdf_is_refused_before_anything_is_done() {
	local bdf
	for bdf in "" 3 03:00 03:00. 03:00.8 03:20.0 100:00.0 03:00.0x 0000:03:00.0: 03:00.* \
		"03:*.*" all 0x3:00.0 " 03:00.0" -03:00.0 +3:00.0 80000000:03:00.0 \
		100000000:03:00.0 0:0:3:0.0 03-00.0; do
		run 2 disable -- "$A" "$bdf"
		error_has "not a BDF" "$bdf"
	done
	is "$(rciep "$B")" 1
}

test_output_that_is_lost_is_an_error() {
	[ -e /dev/full ] || skip "no /dev/full"
	"$command" list --json >/dev/full 2>"$tmp/err"
	is "$?" 2
}

test_completion_offers_devices() {
	local lib=/usr/share/bash-completion/bash_completion
	[ -e $lib ] || skip "no bash-completion"
	mkdir -p "$tmp/bin"
	ln -sf "$command" "$tmp/bin/pciback-fixup"
	PATH=$tmp/bin:$PATH bash -c '
		. '$lib' && . "$1" || exit
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
		complete_line "pciback-fixup list --j"
		complete_line "pciback-fixup enable 0000:03:"
		complete_line "pciback-fixup check 0000:04"' \
		bash "$here/../completion.bash" >"$tmp/out" 2>&1
	is "$(cat "$tmp/out")" "enable
--json
00.0 00.1
04:00.0"
}

# --- run all ----------------------------------------------------------------------------

SYSFS=$tmp/sys.made make_sysfs
mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)() {$/\1/p' "${BASH_SOURCE[0]}")

echo "TAP version 13"
echo "1..${#tests[@]}"
number=0 failures=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	description=${test#test_}
	fresh
	("$test")
	case $? in
	0) echo "ok $number - ${description//_/ }" ;;
	4) echo "ok $number - ${description//_/ } # SKIP $(cat "$tmp/skip")" ;;
	*)
		echo "not ok $number - ${description//_/ }"
		failures=$((failures + 1))
		;;
	esac
done
[ $failures = 0 ]

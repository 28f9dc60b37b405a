#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The command pciback-fixup in a real dom0: what it prints is true, and the remedies that it
# prints work.

# shellcheck source=../dom0/lib.sh
. /rig/dom0/lib.sh

need_rig
fixup=/rig/bin/pciback-fixup
conf=/etc/modprobe.d/xen-pciback-fixup.conf
load=/etc/modules-load.d/xen-pciback-fixup.conf
rm -f $conf $load
put "$BDF" 0

# says STATUS TEXT ARGUMENT...: it exits with the status, and prints the text
says() {
	local status=$1 text=$2
	shift 2
	echo "# pciback-fixup $*"
	$fixup "$@" >/tmp/said 2>&1
	local got=$?
	[ "$got" = "$status" ] && grep -qF -- "$text" /tmp/said && return
	echo "# exit status $got, must be $status; it said, without \"$text\":"
	sed 's/^/# /' /tmp/said
	return 1
}

# follow: run the command that was printed last, after "to change that: " and the like
follow() {
	local command
	command=$(sed -n 's/.*; to [a-z ]*: //p' /tmp/said | tail -n 1)
	echo "# as it says: $command"
	bash -c "$command" >/dev/null 2>&1
}

assign 00:19.0
assign 00:14.0

ktap_set_plan 32
check "status: what is there, and what to do" eval 'says 0 "pciback-fixup enable --persist $BDF" status && grep -q "^Xen dom0: *yes" /tmp/said && grep -qx "its version: *$(cat $MODULE/version)" /tmp/said'
check "list shows the device, with its name" says 0 82574L list
check "list shows what guests see" grep -q "^$BDF *Endpoint *Endpoint .*82574L" /tmp/said
check "list says that no domain has it" grep -qE "^$BDF .* - +no " /tmp/said
check "list --output" eval 'says 0 "$BDF" list --noheadings --output BDF && grep -qx "$BDF" /tmp/said'
check "check: it would be rejected" says 1 "would be rejected on a PCIe-aware (Q35) chipset" check "$BDF"
check "what check prints changes that" eval 'follow && in_force "$BDF"'
check "check: accepted then" says 0 "would be accepted on a PCIe-aware (Q35) chipset: guests see RCiEP" check "$BDF"
check "list shows an RCiEP" eval 'says 0 "$BDF" list && grep -q "^$BDF *Endpoint *RCiEP" /tmp/said'
check "lspci agrees" eval 'lspci -vv -s "$BDF" | grep -q "Root Complex Integrated Endpoint"'

name=$'quo"te \303\274 \e[1m'
PAUSED=yes check "a guest holds the device" guest_starts pv holder "$GUEST" "$BDF"
domid=$(xl domid holder)
xenstore-write "/local/domain/0/backend/pci/$domid/0/domain" "$name"
check "list shows its name, but no escape character" says 0 $'quo"te \303\274 \\x1b[1m' list "$BDF"
check "... and as JSON" eval 'says 0 "\\u001b[1m" list --json "$BDF" && grep -qF "quo\\\"te" /tmp/said && grep -q "\"domid\": $domid," /tmp/said'
check "disable warns of it" says 0 "warning: domain $domid (" disable "$BDF"
# libxl complains that the backend of a guest that never ran is not ready.
xl destroy holder 2>/dev/null
check "... and not once it is gone" eval 'says 0 "guests that start now see RCiEP" enable "$BDF" && ! grep -q warning /tmp/said'

check "disable" eval 'says 0 "guests that start now see Endpoint" disable "$BDF" && is "$(get "$BDF" rciep)" 0'
check "a conventional function needs no change" says 0 "needs no change: its type is conventional PCI" enable 00:19.0
check "a port cannot be switched" says 1 "its type is Root Port" enable 00:14.0
check "a device that is not there" says 1 "no such device" enable 7f:1f.7
check "one that is not bound" says 1 "xl pci-assignable-add 0000:07:00.0" enable 07:00.0
later "unassign 0000:07:00.0 '$(driver 07:00.0)'"
check "what is printed then binds it" eval 'follow && says 0 "guests that start now see RCiEP" enable 07:00.0'
check "enable --all" eval 'says 0 "$BDF" enable --all && in_force "$BDF"'
check "disable --all" eval 'says 0 "$BDF" disable --all && is "$(get 07:00.0 rciep)" 0'
check "a pattern" eval 'says 0 "$BDF" enable "${BDF%.*}.*" && in_force "$BDF"'
check "enable --persist writes both files" eval 'says 0 "$BDF: added to" enable --persist "$BDF" && grep -q "($BDF)" $conf && grep -qx xen-pciback-fixup $load'

check "not root: it says so" eval '! as_nobody $fixup enable "$BDF" 2>/tmp/said && grep -q "run this as root" /tmp/said'

put "$BDF" 0
module_unload
check "not loaded: it says so" says 1 "modprobe xen-pciback-fixup" enable "$BDF"
install -D -t "/lib/modules/$(uname -r)/updates" "$PCIBACK_FIXUP_MODULE"
depmod
check "what is printed then loads it" eval 'follow && test -d $MODULE'
check "... with what was made persistent, which is in force" \
	eval 'is "$(cat "$MODULE"/parameters/devices)" "($BDF)" && in_force "$BDF"'
check "status knows the list and its file" eval 'says 0 "($BDF)" status && grep -qx "which is from: *$conf" /tmp/said'
check "disable --persist removes both files" eval 'says 0 "$BDF: removed from" disable --persist "$BDF" && test ! -e $conf && test ! -e $load'
check "... over a reload" eval 'module_unload && modprobe xen-pciback-fixup && is "$(get "$BDF" rciep)" 0'
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the commands in README.md, section "Use", and in the pages for administrators as they
# are printed. Each has to succeed.

# shellcheck source=../../lib.sh
. /rig/kselftest/lib.sh

need_rig
need_device
put "$BDF" 0
module_unload
mkdir -p "/lib/modules/$(uname -r)/updates" /etc/{modprobe,modules-load}.d
cp "$PCIBACK_FIXUP_MODULE" "/lib/modules/$(uname -r)/updates/"
depmod
[ "$(driver 03:00.0)" != pciback ] || unassign 0000:03:00.0

# Blocks that begin with one of these are run. The others need the source, a network, a
# firmware's keys, or a fault.
mine='^(cd|modprobe|rmmod|xl|echo|cat|grep|lspci|for|pciback-fixup|ls|readlink|uname|options|dmesg)( |$)'
# A signature needs keys of the firmware; "state reset" is in a guest's log.
other='sig_enforce|state reset'
# The administrator's own file, as the pages call it
own=/etc/modprobe.d/local-pciback-fixup.conf
# The files that the commands may write
written=(/etc/mod{probe,ules-load}.d/{xen,local}-pciback-fixup.conf)

# All pages, so that a new one is not forgotten
pages=(/rig/README.md /rig/docs/{xen-pciback-fixup,install,boot,sysfs,troubleshooting}.rst)
mapfile -t list < <(for page in "${pages[@]}"; do awk -f /rig/jobs/blocks.awk "$page"; done |
	grep -E -- "$mine" | grep -vE -- "$other")

ktap_set_plan $((${#list[@]} + 2))
check "the documents have commands" test ${#list[@]} -ge 40
# The job q35 does what q35.rst says.
check "no page is left out" test "$(printf '%s\n' /rig/docs/*.rst | sort)" = \
	"$(printf '%s\n' "${pages[@]:1}" /rig/docs/q35.rst | sort)"
# run_block BLOCK: a single line in this shell, as it may be a cd
run_block() {
	local status=0
	case $1 in
	*$'\001'*) tr '\001' '\n' <<<"$1" | bash -e >/tmp/block.out 2>&1 || status=1 ;;
	*) eval "$1" >/tmp/block.out 2>&1 || status=1 ;;
	esac
	[ "$status" = 0 ] || sed 's/^/# /' /tmp/block.out
	return "$status"
}

for block in "${list[@]}"; do
	# As on the reader's machine: the module is loaded, no file is left of an earlier block.
	[ -d "$MODULE" ] || module_load devices=
	rm -f "${written[@]}"
	case $block in
	'options '*)
		echo "$block" >"$own"
		check "$block" eval 'modprobe -c | tr - _ | grep -qF "$(tr - _ <"$own")"'
		continue
		;;
	'modprobe -c'*)
		echo 'options xen-pciback-fixup devices=(0000:03:00.0)' >"$own"
		;;
	'pciback-fixup check'*)
		# It fails if a device would be rejected.
		pciback-fixup enable --all >/dev/null
		;;
	*rmmod*)
		# The page is about one card.
		put "$BDF" 0
		put 03:00.1 0
		;;
	esac
	check "${block//$'\001'/; }" run_block "$block"
done
rm -f "${written[@]}"
[ -d "$MODULE" ] || { cd / && module_load devices=; }
ktap_finished

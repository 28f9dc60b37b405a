#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Do in dom0 what the documents say: the commands in README.md, section "Use", and
# in the pages for administrators are run as they stand, and have to succeed.

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

# A block is for a dom0 shell if it begins with one of these. What needs the
# source, the net, keys of a firmware, or trouble that is not there, is not run.
mine='^(cd|modprobe|rmmod|xl|echo|cat|grep|lspci|for|pciback-fixup|ls|readlink|uname|options|dmesg)( |$)'
# Attaching needs a guest that runs; a guest's log is not dom0's.
other='sig_enforce|xl pci-attach|state reset'
# A file of the administrator's own, as the pages call it
own=/etc/modprobe.d/local-pciback-fixup.conf
# All that the commands may write
written=(/etc/mod{probe,ules-load}.d/{xen,local}-pciback-fixup.conf)

# Each page is named here, so that a new one is not forgotten. install.rst and signing.rst
# are about building and about firmware; what dom0 can do of them is run.
pages=(/rig/README.md /rig/docs/{xen-pciback-fixup,install,boot,sysfs,log,signing,troubleshooting}.rst)
mapfile -t list < <(for page in "${pages[@]}"; do awk -f /rig/jobs/blocks.awk "$page"; done |
	grep -E -- "$mine" | grep -vE -- "$other")

ktap_set_plan $((${#list[@]} + 2))
check "the documents have commands" test ${#list[@]} -ge 40
# What q35.rst says is done by the job q35, which has a guest for it.
check "no page is left out" test "$(printf '%s\n' /rig/docs/*.rst | sort)" = \
	"$(printf '%s\n' "${pages[@]:1}" /rig/docs/q35.rst | sort)"
# run_block BLOCK: a single line here, for it may be a cd
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
	# Each starts with the module loaded, as on the reader's machine, and without what
	# an earlier one has left for the next boot.
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
		# The page's reader has no other cards.
		put "$BDF" 0
		put 03:00.1 0
		;;
	esac
	check "${block//$'\001'/; }" run_block "$block"
done
rm -f "${written[@]}"
[ -d "$MODULE" ] || { cd / && module_load devices=; }
ktap_finished

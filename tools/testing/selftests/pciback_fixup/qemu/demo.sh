#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make demo: what real guests see of a passed-through endpoint, with the
# overlay off and on. Exits 0 only if every row is as it must be.
. "$(dirname "$0")/machine.sh"

series=${KERNEL:-6.12}
"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}"
"$QEMU_DIR/deps.sh" "linux-headers-$(kver "$series")"
run_job "$series" demo >"$BUILD/demo.txt" || { cat "$BUILD/demo.txt"; exit 1; }
say "done"

hardware=$(sed -n 's/^hardware //p' "$BUILD/demo.txt")
changed=$(printf '0x%04x' $((hardware & ~0xf0 | 0x90)))
row='%-5s  %-7s  %-8s  %-37s  %-13s  %s\n'
# shellcheck disable=SC2059 # the format of every row
{
	printf "\n$row" Guest Overlay Register "Guest's kernel calls it" "Windows' rule" "As it must be"
	failed=0
	for kind in pv hvm; do
		for overlay in off on; do
			read -r _ _ flags verdict name < <(grep "^$kind $overlay " "$BUILD/demo.txt") || :
			case $overlay in
			off) want="$hardware rejected PCIe Endpoint" ;;
			on) want="$changed accepted PCIe Root Complex Integrated Endpoint" ;;
			esac
			good=yes
			if [ "${flags-} ${verdict-} ${name-}" != "$want" ]; then
				good="NO, but: $want"
				failed=1
			fi
			printf "$row" ${kind^^} "$overlay" "${flags:-none}" "${name:-none}" "${verdict:-none}" "$good"
		done
	done
}
echo
if [ $failed = 0 ]; then
	echo "By the rule that Windows is known to apply, a guest with a PCIe-aware chipset (Q35) would"
	echo "reject the device as it is (Code 10), and accept it with the overlay on. No Windows was run."
fi
clean_log "$BUILD/run/demo-$series/console.log" || failed=1
exit $failed

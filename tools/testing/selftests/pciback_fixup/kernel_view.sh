#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dom0's kernel knows the same of the device with the overlay off and on, and the
# registers that it writes keep their values.
#   LNKCTL   write this to Link Control first: 0040, Common Clock Configuration
. "$(dirname "$0")/lib.sh"

need_device

# What Linux derives from its cached copy of the register, and from the link
facts() (
	cd "$PCI/$BDF" || exit
	grep -s . {max,current}_link_{speed,width} reset_method d3cold_allowed \
		aer_dev_correctable msi_bus power_state
	# Slots and services belong to ports only.
	ls -d link/* ./*pcie* 2>/dev/null
)

# LNKCTL and LNKCTL2 as the hardware has them; v1 capabilities lack the second.
link_control() { setpci -s "$BDF" CAP_EXP+10.w CAP_EXP+30.w; }

write_flags() { # the register is read-only, switched on as well as off
	setpci -s "$BDF" "CAP_EXP+2.w=$1" && is "$(get "$BDF" guest_flags)" "$2" &&
		put "$BDF" 0 && is "$(get "$BDF" guest_flags)" "$hardware" && put "$BDF" 1
}

if [ -n "${LNKCTL-}" ]; then ktap_set_plan 9; else ktap_set_plan 8; fi
put "$BDF" 0
[ -z "${LNKCTL-}" ] || {
	setpci -s "$BDF" "CAP_EXP+10.w=$LNKCTL"
	check "LNKCTL takes $LNKCTL" is "$(setpci -s "$BDF" CAP_EXP+10.w)" "$LNKCTL"
}
hardware=$(get "$BDF" hardware_flags)
off=$(facts)
link=$(link_control)
check "facts are there to be compared" test "$(wc -l <<<"$off")" -ge 4
put "$BDF" 1
check "link, AER, reset: the same while on" is "$(facts)" "$off"
check "LNKCTL, LNKCTL2: the same while on" is "$(link_control)" "$link"
check "a write of 0 to the register changes nothing" write_flags 0000 "$(rciep_of "$hardware")"
check "a write of ffff to the register changes nothing" write_flags ffff "$(rciep_of "$hardware")"
if [ -e "$PCI/$BDF/reset" ]; then
	check "a reset while on" reset "$BDF"
else
	ktap_test_skip "a reset while on" "the kernel knows no way to reset $BDF"
fi
check "LNKCTL, LNKCTL2: the same after a reset" is "$(link_control)" "$link"
put "$BDF" 0
check "off again: all the same" is "$(facts) $(link_control)" "$off $link"
ktap_finished

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck source=../dom0/lib.sh
. /rig/dom0/lib.sh
set +u
demo_guest() { guest "$1" demo "$GUEST" "$2" && report demo; }
PS1='dom0:\w# '

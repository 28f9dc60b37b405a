#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device's four files: names, modes, what can be written and read.
. "$(dirname "$0")/lib.sh"

need_device
d=$(dir "$BDF")

accepts() { # VALUE RCIEP
	put "$BDF" "$1" && is "$(get "$BDF" rciep)" "$2"
}

rejects() { # VALUE: EINVAL, and nothing changes
	local before
	before=$(cat "$d"/{rciep,hardware_flags,guest_flags})
	put "$BDF" "$1" && return 1
	grep -q "Invalid argument" "$TMP"/put.err || { sed 's/^/# /' "$TMP"/put.err; return 1; }
	is "$(cat "$d"/{rciep,hardware_flags,guest_flags})" "$before"
}

read_only() { ! { echo 1 >"$d/$1"; } 2>/dev/null; }

values_bad="2 -1 maybe o x"

ktap_set_plan $((1 + 1 + 6 + 1 + 14 + 6 + 6 + 3 + 3))
check "there are these four files, and no others" \
	is "$(cd "$d" && echo *)" "$FILES"
check "rciep has mode 644" is "$(stat -c %a "$d/rciep")" 644
for f in "hardware_flags 444" "guest_flags 400" "hits 444"; do
	check "${f% *} has mode ${f#* }" is "$(stat -c %a "$d/${f% *}")" "${f#* }"
	check "${f% *} cannot be written" read_only "${f% *}"
done
check "the driver's folder leads there too" \
	test "$PCIBACK/$BDF/pciback_fixup" -ef "$d"

for v in 1 y Y on On ON yes; do check "\"$v\" switches on" accepts "$v" 1; done
for v in 0 n N off Off OFF no; do check "\"$v\" switches off" accepts "$v" 0; done
put "$BDF" 0
for v in $values_bad ""; do check "off: \"$v\" is refused" rejects "$v"; done
put "$BDF" 1
for v in $values_bad ""; do check "on: \"$v\" is refused" rejects "$v"; done

for f in hardware_flags guest_flags; do
	check "$f is of the form 0x%04x" grep -qxE '0x[0-9a-f]{4}' "$d/$f"
done
check "hits is a number" grep -qxE '[0-9]+' "$d/hits"
check "everybody may read hardware_flags" as_nobody grep -q . "$d/hardware_flags"
check "only root may read guest_flags, a real config read" \
	not as_nobody grep -q . "$d/guest_flags" 2>/dev/null

unprivileged() {
	as_nobody sh -c "echo 0 >$d/rciep" 2>"$TMP"/put.err && return 1
	grep -q "Permission denied" "$TMP"/put.err && is "$(get "$BDF" rciep)" 1
}
check "only root may write: EACCES" unprivileged
ktap_finished

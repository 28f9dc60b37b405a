# SPDX-License-Identifier: GPL-2.0
# Print the results of the job four-guests as a table. A row is a test:
# "ok NUMBER - GUEST OVERLAY CHIPSET BUS REGISTER VERDICT NAME"
function row(a, b, c, d, e, f, g, h) {
	printf "%-5s  %-7s  %-9s  %-3s  %-8s  %-37s  %-13s  %s\n", a, b, c, d, e, f, g, h
}
BEGIN { print ""; row("Guest", "Overlay", "Chipset", "Bus", "Register", "Guest's kernel calls it", "Windows' rule", "As it must be") }
/^# it is / { sub(/.*but must be /, ""); want = $0 }
/ - (PV|HVM) / {
	good = /^ok/ ? "yes" : "NO, but: " want
	sub(/.* - /, "")
	name = $7
	for (i = 8; i <= NF; i++) name = name " " $i
	row($1, $2, $3, $4, $5, name, $6, good)
}
/^ok .* - hvm-/ { sub(/.* - /, ""); also = also $0 "\n" }
END { print ""; if (also) print also }

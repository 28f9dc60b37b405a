# SPDX-License-Identifier: GPL-2.0
# Make the table of make bench from lines "NAME VALUE". Columns, separated by tabs: what,
# without the module, with it, the figure that has a bound, the bound, whether it is kept.

{ v[$1] = $2 }

# A row: a count, or with a case the ratio of two. A missing figure is a failure.
function row(what, name, bound, case,    without, with, figure, format, ok, kept) {
	figure = v[case ? name "-" case : name]
	ok = figure ~ /^[0-9.]+$/ && (figure > 0 || bound == 0)
	format = "%.1f"
	if (case) {
		without = v[name "-without"]
		with = figure
		ok = ok && without > 0
		figure = ok ? with / without : 0
		format = "%.4f"
	}
	kept = ok && figure <= bound ? "yes" : "NO"
	printf "%s\t%s\t%s\t%s\t" format "\t%s\n", what, without, with,
		ok ? sprintf(format, figure) : "missing", bound, kept
	if (kept == "NO")
		bad = 1
}

END {
	print "measured\twithout\twith\tratio, or added\tat most\tkept"
	row("dom0: a read that is changed", "dom0-flags", 1.011, "on")
	row("dom0: a read that passes", "dom0-vendor", 1.005, "on")
	row("dom0: of another function of the bus", "dom0-neighbour", 1.005, "on")
	row("dom0: on another bus", "dom0-other-bus", 1.0001, "on")
	row("dom0: loaded, nothing is on", "dom0-flags", 1.0001, "off")
	row("added to a read that is changed", "bus-changed", 62)
	row("added to a read that passes", "bus-passed", 28)
	row("added on another bus", "bus-other-bus", 0)
	row("changed, 256 functions of the bus on", "bus-changed-256-functions", v["bus-changed"])
	row("passes, 256 functions of the bus on", "bus-passed-256-functions", v["bus-passed"])
	row("changed, and 64 buses", "bus-changed-64-buses", v["bus-changed"])
	row("passes, and 64 buses", "bus-passed-64-buses", v["bus-passed"])
	row("write 1 to rciep, instructions", "write-1", 1000000)
	row("write 0 to rciep, instructions", "write-0", 1000000)
	row("bytes for a bus", "bytes-bus", 4096)
	exit bad
}

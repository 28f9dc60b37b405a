# SPDX-License-Identifier: GPL-2.0
# Make the table of make bench from lines "NAME VALUE". Columns, separated by tabs: what,
# without the module, with it, the figure that has a bound, the bound, whether it is kept.

{ v[$1] = $2 }

function line(what, without, with, figure, bound, format,    ok) {
	ok = figure <= bound ? "yes" : "NO"
	if (ok == "NO")
		bad = 1
	printf "%s\t%s\t%s\t" format "\t%s\t%s\n", what, without, with, figure,
		sprintf(format, bound), ok
}
# A missing figure is a failure.
function there(name) {
	if (v[name] ~ /^[0-9.]+$/ && v[name] + 0 > 0 || name ~ /^bus-other/ && v[name] == "0.00")
		return 1
	printf "%s\t\t\t%s\t-\tNO\n", "missing: " name, "-"
	bad = 1
	return 0
}
function ratio(what, name, case, bound) {
	if (there(name "-without") && there(name "-" case))
		line(what, v[name "-without"], v[name "-" case],
		     v[name "-" case] / v[name "-without"], bound, "%.4f")
}
function count(what, name, bound) {
	if (there(name))
		line(what, "", "", v[name], bound, "%.1f")
}

END {
	print "measured\twithout\twith\tratio, or added\tat most\tkept"
	ratio("dom0: a read that is changed", "dom0-flags", "on", 1.011)
	ratio("dom0: a read that passes", "dom0-vendor", "on", 1.005)
	ratio("dom0: of another function of the bus", "dom0-neighbour", "on", 1.005)
	ratio("dom0: on another bus", "dom0-other-bus", "on", 1.0001)
	ratio("dom0: loaded, nothing is on", "dom0-flags", "off", 1.0001)
	count("added to a read that is changed", "bus-changed", 62)
	count("added to a read that passes", "bus-passed", 28)
	count("added on another bus", "bus-other-bus", 0)
	count("changed, 256 functions of the bus on", "bus-changed-256-functions", v["bus-changed"])
	count("passes, 256 functions of the bus on", "bus-passed-256-functions", v["bus-passed"])
	count("changed, and 64 buses", "bus-changed-64-buses", v["bus-changed"])
	count("passes, and 64 buses", "bus-passed-64-buses", v["bus-passed"])
	count("write 1 to rciep, instructions", "write-1", 1000000)
	count("write 0 to rciep, instructions", "write-0", 1000000)
	count("bytes for a bus", "bytes-bus", 4096)
	exit bad
}

# SPDX-License-Identifier: GPL-2.0
# Print KCSAN's reports of data races that name our functions, and how many others there
# are; all else of the log goes to standard error. Reports are between lines of "=". Not
# ours is that the PCI core stores bus->ops under a lock which its readers, and ours in
# their place, do not take.
/^=+$/ && !report { report = $0; next }
/^=+$/ {
	if (report ~ /data-race in pci_bus_set_ops \/ toggle_reader/) ops++
	else if (report ~ /fixup_/) { print report; ours++ }
	else others++
	report = ""
	next
}
report { report = report "\n" $0; next }
{ print >"/dev/stderr" }
END {
	printf "# data races: %d of readers of bus->ops, %d others of the kernel, %d with our functions\n",
		ops, others, ours
}

# SPDX-License-Identifier: GPL-2.0
# Print KCSAN's reports of data races that name our functions, and the number of other
# reports; the rest of the log goes to standard error. Lines of "=" enclose a report. A race
# on bus->ops is not ours: the PCI core stores it under a lock that its readers do not take.
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

# SPDX-License-Identifier: GPL-2.0
# Print a kernel's log without the reports that match the pattern in the variable known
/WARNING: possible circular|BUG: Invalid wait|unchecked MSR|vmalloc error/ {
	report = ""
	in_report = 1
	ours = $0 !~ known
}
in_report {
	report = report $0 "\n"
	if (lock_follows) ours = $0 !~ known
	lock_follows = /is trying to (acquire )?lock/
	if (/<\/TASK>/) { if (ours) printf "%s", report; in_report = 0 }
	next
}
{ print }
END { if (in_report) printf "%s", report }

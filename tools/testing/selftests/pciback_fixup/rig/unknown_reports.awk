# SPDX-License-Identifier: GPL-2.0
# A kernel's log without the reports that the variable known has a pattern for
/WARNING: possible circular|BUG: Invalid wait|unchecked MSR|vmalloc error/ {
	report = ""
	in_report = 1
	ours = $0 !~ known
}
in_report {
	report = report $0 "\n"
	if (/is trying to (acquire )?lock/) {
		getline
		report = report $0 "\n"
		ours = $0 !~ known
	}
	if (/<\/TASK>/) { if (ours) printf "%s", report; in_report = 0 }
	next
}
{ print }
END { if (in_report) printf "%s", report }

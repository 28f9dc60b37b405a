# SPDX-License-Identifier: GPL-2.0
# Write TAP into files in the folder out: the lines after "# test: NAME" into one of that
# name, or, without such a line, all of them into one called results.
function begin(name) {
	file = out "/" name ".tap"
	printf "%s", early >file	# comments before the first test
	early = ""
}
/^# stack: / { sub(/^# stack: /, ""); print >(out "/stack"); next }
/^# test: / { sub(/^# test: /, ""); gsub(/[ :]/, "-"); begin($0); next }
/^TAP version/ { next }		# a comment may precede it
!file && /^((not )?ok |1\.\.)/ { begin("results") }
!file { early = early $0 "\n"; next }
{ print >file }
END { if (!file) begin("results") }

# SPDX-License-Identifier: GPL-2.0
# Write TAP into files in the folder out: after each line "# test: NAME" one of that name,
# and without such a line one that is called results.
function begin(name) {
	file = out "/" name ".tap"
	printf "%s", early >file	# what was said before the first test
	early = ""
}
/^# stack: / { sub(/^# stack: /, ""); print >(out "/stack"); next }
/^# test: / { sub(/^# test: /, ""); gsub(/[ :]/, "-"); begin($0); next }
/^TAP version/ { next }		# it comes too late after a comment
!file && /^((not )?ok |1\.\.)/ { begin("results") }
!file { early = early $0 "\n"; next }
{ print >file }
END { if (!file) begin("results") }

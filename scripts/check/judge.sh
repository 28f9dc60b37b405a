#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# judge.sh DIR: count the results in a folder of TAP files. Fail if a test failed or was
# skipped, or a plan was not kept.
set -euo pipefail
cd "$1"

# What failed comes last: often no more than the end of a long output is kept.
{ grep -l '^not ok' -- */end.tap || :; } | while IFS=/ read -r part _; do
	echo "$part failed; the end of its log:"
	tail -n 40 "$part/log" || :
done
status=0
prove -Qr --ext tap --source File --file-option extensions=.tap . || status=1
# prove prints the numbers of failed tests. Print their names, and the comments before them.
find . -name '*.tap' -printf '%P\n' | sort | xargs -r awk '
	FNR == 1 { said = "" }
	/^#/ { said = said $0 "\n"; next }
	/^not ok / { printf "%s%s: %s\n", said, FILENAME, $0 }
	/^(not )?ok / { said = "" }'
! grep -r '# SKIP' . || { echo "the tests above were skipped"; status=1; }
exit $status

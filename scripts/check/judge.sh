#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# judge.sh DIR: count the results in a folder of TAP files, and fail if a test failed,
# a plan was not kept, or something was skipped: nothing is to be skipped here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

status=0
prove -r --ext tap --source File --file-option extensions=.tap . || status=1
# prove names failed tests by number. These are their names, and what was said of them.
find . -name '*.tap' | sort | while read -r file; do
	awk -v file="${file#./}" -f "$here/failed.awk" "$file"
done
if grep -r '# SKIP' .; then
	echo "these were skipped"
	status=1
fi
{ grep -l '^not ok' -- */end.tap || :; } | while IFS=/ read -r part _; do
	echo "$part failed; what it said last:"
	tail -n 40 "$part/log" || :
done
exit $status

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Draw the documents' pictures from their sources; with --check, see whether those that
# are kept show the same. Where things are depends on the fonts of a machine: words, boxes
# and arrows are compared.
# usage: drawings.sh [--check]
set -euo pipefail

cd "$(dirname "$0")/../Documentation/admin-guide"
command -v dot >/dev/null || {
	echo "error: there is no dot: install the package graphviz" >&2
	exit 1
}

content() { grep -oE '<(title|text)[^>]*>[^<]*' "$1" | sed 's/<[^>]*>//' | sort; }

status=0
for source in *.dot; do
	picture=${source%.dot}.svg
	if [ "${1-}" = --check ]; then
		diff <(content "$picture") <(dot -Tsvg "$source" | content /dev/stdin) >&2 || {
			echo "error: $picture is not what $source says: make drawings" >&2
			status=1
		}
	else
		dot -Tsvg -o "$picture" "$source"
	fi
done
exit $status

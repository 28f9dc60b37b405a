#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compare lists that stand in several files, so that none goes stale. Prints TAP.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

cd "$TOP"
# all_in FILE WORD...: FILE has each word
all_in() {
	local word status=0
	for word in "${@:2}"; do
		grep -qw -e "$word" "$1" || { echo "$1 has no $word"; status=1; }
	done
	return "$status"
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mapfile -t attributes < <(sed -nE 's/^static DEVICE_ATTR[A-Z_]*\((.*)\);/\1/p' "$MODULE_DIR/fixup_main.c")
for file in "$SELFTESTS/abi.sh" Documentation/ABI/testing/* Documentation/admin-guide/sysfs.rst; do
	succeeds "sysfs files: all in ${file##*/}" all_in "$file" "${attributes[@]:?}"
done
succeeds "sysfs files: FILES in lib.sh has them" \
	is "$(sed -n 's/^FILES="\(.*\)".*/\1/p' "$SELFTESTS/lib.sh")" "$(printf '%s\n' "${attributes[@]}" | sort | xargs)"
succeeds "selftests: the Makefile has those of the folder" \
	is "$(grep -oE '[a-z_]+\.sh' "$SELFTESTS/Makefile" | sort -u | xargs)" "$(cd "$SELFTESTS" && echo *.sh)"
mapfile -t programs < <(cd "$SELFTESTS" && find ./*.sh ! -name lib.sh ! -name ktap_helpers.sh -printf '%f\n')
succeeds "selftests: all are executable" is "$(cd "$SELFTESTS" && find "${programs[@]:?}" ! -perm -100)" ""
cat "$RIG"/jobs/{selftests,count-reads} >"$tmp/jobs"
succeeds "selftests: each in rig/jobs/selftests or count-reads" all_in "$tmp/jobs" "${programs[@]%.sh}"
for file in $(git grep -l 'libpci-dev'); do
	succeeds "the command's libraries: all in $file" \
		all_in "$file" libpci-dev libkmod-dev libsmartcols-dev libxen-dev
done
succeeds "one range of kernel versions" is "$(git grep -hoE '\<6\.[0-9]+ to [0-9.]+[0-9]' | sort -u)" \
	"$(sed -nE 's/.*in dom0, with Linux ([0-9.]+ to [0-9.]+) .*/\1/Ip' README.md)"
mapfile -t driver < <(find "$MODULE_DIR" -name 'fixup_*.[ch]' ! -name '*kunit*' | sort)
python3 -B "$AUDITS/mutations.py" "${driver[@]}" >"$tmp/known"
for file in "${driver[@]}"; do
	sed -nE "s/^[ \t]+(.+)/${file##*/}: branch: \1\n${file##*/}: line: \1/p" "$file"
done >>"$tmp/known"
for file in mutants coverage; do
	succeeds "$file.txt: names what there is" \
		is "$(grep "^fixup_.*:" "$AUDITS/$file.txt" | grep -vxFf "$tmp/known")" ""
done
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make lint: the module built for every flavour of Debian 12's kernels with gcc and
# clang and of the newest that Debian has with its gcc, and what the kernel's own
# checkers of both, shellcheck and Sphinx have to say. Prints TAP;
# a finding is a failure.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

FLAVOURS="amd64 cloud-amd64 rt-amd64"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" clang sparse \
	coccinelle shellcheck git python3-sphinx
kvers=()
for series in $SERIES; do
	for flavour in $FLAVOURS; do
		kvers+=("$(kver "$series" "$flavour")")
	done
done
need "${kvers[@]/#/linux-headers-}"
source=$(build_source 6.12)
suite=$(suite_of newest)
root=$(build_kbuild "$suite")
mapfile -t newest < <(in_suite "$suite" headers | sed 's/linux-headers-//')
newest_source=$(in_suite "$suite" build_source "$(cut -d . -f 1,2 <<<"${newest[0]}")")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# verdict NAME FILE: passes if the checker had nothing to say
verdict() {
	if [ -s "$2" ]; then
		sed 's/^/# /' "$2"
		result 1 "$1"
	else
		result 0 "$1"
		touch "$(stamp "$1")"
	fi
}

# The slow checks of the driver's files are cached as builds are: known NAME says
# whether the same checker has passed the same files.
mkdir -p "$CACHE/lint"
{
	cat "$MODULE_DIR"/* "$CHECKS/lint.sh"
	dpkg-query -W gcc-12 clang sparse coccinelle 2>/dev/null || :
	echo "$source $root"
} >"$out/inputs"
stamp() { echo "$CACHE/lint/$( (echo "$1"; cat "$out/inputs") | key -)"; }
known() { [ -e "$(stamp "$1")" ] && result 0 "$1 (the same files passed before)"; }

# build KVER [VARIABLE=VALUE...]: what the compiler and sparse say of a build
build() {
	local kver=$1 dir make
	shift
	dir=$(mktemp -d -p "$out")
	cp "$MODULE_DIR"/{fixup_*.[ch],Makefile*} "$dir/"
	make=(make M="$dir")
	[[ " ${newest[*]} " != *" $kver "* ]] || make=(in_root "$root/root" "$dir" make M=/tmp)
	"${make[@]}" -C "/lib/modules/$kver/build" W=1 "$@" modules >"$dir/log" 2>&1 || :
	[ -e "$dir/xen-pciback-fixup.o" ] || cat "$dir/log"
	cat "$dir/log" >"$out/build.log"
}

# Debian's kernels are configured for gcc. This is clang, without the flags that
# only gcc knows; so objtool misses what they do, and clang finds fault with the
# kernel's headers. What it says of our files is what counts.
cat >"$out/clang" <<'EOF'
#!/bin/sh
for arg; do
	shift
	case $arg in
	-mfunction-return=* | -fconserve-stack | -mrecord-mcount) ;;
	-ftrivial-auto-var-init=*) ;;
	*) set -- "$@" "$arg" ;;
	esac
done
exec clang "$@" -Qunused-arguments -Wno-unknown-warning-option
EOF
chmod +x "$out/clang"

# check NAME PATTERN KVER [VARIABLE=VALUE...]: a build whose lines with PATTERN are findings
check() {
	known "$1" && return
	build "${@:3}" >"$out/log"
	grep -E "$2" "$out/build.log" >>"$out/log" || :
	verdict "$1" "$out/log"
}

for kver in "${kvers[@]}"; do
	check "gcc and sparse, $kver" 'warning:|error:|\*\*\*' "$kver" C=2
	check "clang, $kver" '/fixup_[a-z]+\.[ch]:[0-9]+:[0-9]+: (warning|error):' \
		"$kver" CC="$out/clang"
done
# These headers lack scripts/checker-valid.sh, which C=2 runs.
for kver in "${newest[@]}"; do
	check "gcc, $kver of $suite" 'warning:|error:|\*\*\*' "$kver"
done

cd "$TOP"
mapfile -t sources < <(git ls-files 'drivers/*.[ch]' 'tools/testing/*.[ch]')
mapfile -t kbuild < <(git ls-files 'drivers/*Makefile*' 'drivers/*Kconfig')
for checkers in "$source" "$newest_source"; do
	series=$(basename "$checkers" | cut -d - -f 2)
	# Linux 6.1 has no kzalloc_obj().
	"$checkers/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary \
		--show-types --ignore ALLOC_WITH_SIZEOF -f "${sources[@]}" "${kbuild[@]}" \
		>"$out/log" 2>&1 || :
	verdict "checkpatch --strict of Linux $series" "$out/log"

	"$checkers/scripts/kernel-doc" -none -Wall drivers/xen/xen-pciback/*.[ch] \
		>"$out/log" 2>&1 || :
	verdict "kernel-doc of Linux $series" "$out/log"
done

# Those of the kernel's semantic patches that report; the rest only rewrite. Two need
# an OCaml compiler, and are about other drivers.
grep -rlw 'virtual report' "$source/scripts/coccinelle" | xargs grep -L ocaml | sort >"$out/cocci"
cocci="the kernel's $(wc -l <"$out/cocci") coccinelle checks"
if ! known "$cocci"; then
	while read -r file; do
		spatch -D report --no-show-diff --very-quiet --cocci-file "$file" \
			--include-headers --dir drivers/xen/xen-pciback \
			-I "$source/include" 2>"$out/spatch" ||
			{ echo "$file: spatch failed:"; tail -n 3 "$out/spatch"; }
	done <"$out/cocci" >"$out/log"
	verdict "$cocci" "$out/log"
fi

sphinx-build -q -W --keep-going -n -b html Documentation "$out/html" >"$out/log" 2>&1 || :
verdict "documents: built with warnings as errors" "$out/log"

git ls-files | while read -r file; do
	if head -n 1 "$file" | grep -qE '^#!.*sh$|^# SPDX.*' &&
	   head -n 3 "$file" | grep -qE '^#!.*sh$|^# shellcheck shell='; then
		echo "$file"
	fi
done >"$out/scripts"
xargs shellcheck -x <"$out/scripts" >"$out/log" 2>&1 || :
verdict "shellcheck: $(wc -l <"$out/scripts") scripts" "$out/log"

finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make lint: the module built for every flavour of the kernels that the three stacks
# have, with gcc and, but for the newest, sparse and clang, each in a root of its suite;
# and what the kernel's own checkers, shellcheck and Sphinx have to say. Prints TAP;
# a finding is a failure.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" \
	coccinelle shellcheck git python3-sphinx
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
root=
stamp() {
	echo "$CACHE/lint/$( (echo "$1 $root"; cat "$MODULE_DIR"/* "$CHECKS/lint.sh") | key -)"
}
known() { [ -e "$(stamp "$1")" ] && result 0 "$1 (the same files passed before)"; }

# Debian's kernels are configured for gcc. This is clang, without the flags that
# only gcc knows; so objtool misses what they do, and clang finds fault with the
# kernel's headers. What it says of our files is what counts.
cat >"$out/clang" <<'EOF'
#!/bin/sh
for arg; do
	shift
	case $arg in
	-mfunction-return=* | -fconserve-stack | -mrecord-mcount | \
		-fmin-function-alignment=*) ;;
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
	rm -rf "$out/module"
	mkdir "$out/module"
	cp "$MODULE_DIR"/{fixup_*.[ch],Makefile*} "$out/clang" "$out/module/"
	make_module "$root" "$3" "$out/module" W=1 "${@:4}" >"$out/build.log" 2>&1 || :
	{
		[ -e "$out/module/xen-pciback-fixup.o" ] || cat "$out/build.log"
		grep -E "$2" "$out/build.log" || :
	} >"$out/log"
	verdict "$1" "$out/log"
}

finding='warning:|error:|\*\*\*'
clang_finding='/fixup_[a-z]+\.[ch]:[0-9]+:[0-9]+: (warning|error):'
for STACK in $STACKS; do
	# The newest headers lack scripts/checker-valid.sh, which C=2 runs.
	root=$( ([ "$STACK" = newest ] || COMPILER_PACKAGES+=(clang sparse); build_compiler))/root
	suite=$(suite_of "$STACK")
	for kver in $(for flavour in "${FLAVOURS[@]}"; do kvers "$flavour"; done); do
		if [ "$STACK" = newest ]; then
			check "gcc, $kver of $suite" "$finding" "$kver"
		else
			check "gcc and sparse, $kver of $suite" "$finding" "$kver" C=2
			# shellcheck disable=SC2016 # for make
			check "clang, $kver of $suite" "$clang_finding" "$kver" 'CC=$(M)/clang'
		fi
	done
done

cd "$TOP"
mapfile -t sources < <(git ls-files 'drivers/*.[ch]' 'tools/testing/*.[ch]')
mapfile -t kbuild < <(git ls-files 'drivers/*Makefile*' 'drivers/*Kconfig')
for STACK in bookworm newest; do
	checkers=$(build_source latest)
	series=$(series_of latest)
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
source=$(STACK=bookworm build_source latest)
root=$source
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

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make lint: build the module for every kernel flavour of the three stacks, with gcc and,
# except for the newest, sparse and clang; run the kernel's own checkers, shellcheck and
# Sphinx. Prints TAP; a finding is a failure.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/image.sh"

# coccinelle needs libpython3.N.so, but does not depend on it.
need "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}" \
	coccinelle libpython3-dev shellcheck git python3-sphinx
cd "$TOP"

# build DIR ROOT PATTERN KVER [VARIABLE=VALUE...]: the module, without output like PATTERN
build() {
	local dir=$1
	cp "$MODULE_DIR"/{fixup_*.[ch],Makefile*} "$dir/"
	make_module "$2" "$4" "$dir" W=1 "${@:5}" >"$dir.log" 2>&1 || :
	[ -e "$dir/xen-pciback-fixup.o" ] || { cat "$dir.log"; return 1; }
	! grep -E "$3" "$dir.log" && find "$dir" -mindepth 1 -delete
}

# once NAME FUNCTION ARGUMENT...: a test that is not repeated after it passed, until a file
# of the driver changes
once() { KEY=$(cat "$MODULE_DIR"/*) succeeds "$1" cached lint "${@:2}"; }

finding='warning:|error:|\*\*\*'
# Debian's kernels are configured for gcc. Without the flags that only gcc knows, objtool
# and clang also complain about the kernel: only what clang says of our files counts.
clang=(CC=clang KCFLAGS="-Qunused-arguments -Wno-unknown-warning-option"
	ccflags-remove-y="-mfunction-return=% -fconserve-stack -mrecord-mcount \
		-fmin-function-alignment=% -ftrivial-auto-var-init=%")
clang_finding='/fixup_[a-z]+\.[ch]:[0-9]+:[0-9]+: (warning|error):'
for STACK in $STACKS; do
	# The newest headers lack scripts/checker-valid.sh, which C=2 runs.
	root=$( ([ "$STACK" = newest ] || COMPILER_PACKAGES+=(clang sparse); build_compiler))/root
	suite=$(suite_of "$STACK")
	for kver in $(for flavour in "${FLAVOURS[@]}"; do kvers "$flavour"; done); do
		if [ "$STACK" = newest ]; then
			once "gcc, $kver of $suite" build "$root" "$finding" "$kver"
		else
			once "gcc and sparse, $kver of $suite" build "$root" "$finding" "$kver" C=2
			once "clang, $kver of $suite" build "$root" "$clang_finding" "$kver" "${clang[@]}"
		fi
	done
done

# Files for QEMU's source have QEMU's style.
mapfile -t sources < <(git ls-files 'drivers/*.[ch]' 'tools/testing/*.[ch]' 'scripts/*/cost/*.c' ':!*/q35/*')
mapfile -t kbuild < <(git ls-files 'drivers/*Makefile*' 'drivers/*Kconfig')
for STACK in bookworm newest; do
	source=$(build_source latest)
	series=$(series_of latest)
	# Linux 6.1 has no kzalloc_obj().
	succeeds "checkpatch --strict of Linux $series" \
		"$source/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary \
		--show-types --ignore ALLOC_WITH_SIZEOF -f "${sources[@]}" "${kbuild[@]}"
	succeeds "kernel-doc of Linux $series" \
		silent "$source/scripts/kernel-doc" -none -Wall drivers/xen/xen-pciback/*.[ch]
done

# The kernel's semantic patches that report; others only rewrite. Two need an OCaml
# compiler, and are about other drivers.
source=$(STACK=bookworm build_source latest)
mapfile -t patches < <(grep -rlw 'virtual report' "$source/scripts/coccinelle" |
	xargs grep -L ocaml | sort)
coccinelle() { # DIR SOURCE PATCH...
	local patch log=$1/log
	for patch in "${@:3}"; do
		spatch -D report --no-show-diff --very-quiet --cocci-file "$patch" \
			--include-headers --dir drivers/xen/xen-pciback -I "$2/include" 2>"$log" ||
			{ echo "$patch: spatch failed:"; tail -n 3 "$log"; }
	done | tee "$log.found"
	[ ! -s "$log.found" ]
}
once "the kernel's ${#patches[@]} coccinelle checks" coccinelle "$source" "${patches[@]}"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
succeeds "documents: built with warnings as errors" \
	silent sphinx-build -q -W --keep-going -n -b html Documentation "$tmp/html"

mapfile -t scripts < <(git ls-files -co --exclude-standard | xargs awk 'FNR > 3 { nextfile }
	/^#!.*sh$|^# shellcheck shell=/ { print FILENAME; nextfile }')
succeeds "shellcheck: ${#scripts[@]} scripts" shellcheck -x "${scripts[@]}"
ktap_finished

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check: all tests of the module. Each of them prints a line "ok - NAME" or
# "not ok - NAME"; the last line counts them. With --all, those of the packages
# and of the kernel tree as well.
. "$(dirname "$0")/machine.sh"

passed=0
failed=0
skipped=0
out=$BUILD/check
rm -rf "$out"
mkdir -p "$out"

# result STATUS NAME: count a test
result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
		passed=$((passed + 1))
	else
		echo "not ok - $2"
		failed=$((failed + 1))
	fi
}

# part NAME COMMAND...: run it beside one other part, its results into a file
part() {
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || :; done
	{
		status=0 start=$SECONDS
		say "$name begins"
		("$@") >"$out/$name" 2> >(grep --line-buffered -v '^TAP version' |
			sed -u "s/^/$name: /" >&2) || status=$?
		say "$name took $((SECONDS - start)) s"
		echo $status >"$out/$name.status"
	} &
}

# collect NAME: wait for a part, and count its results
collect() {
	local name=$1 line
	until [ -e "$out/$name.status" ]; do
		kill -0 "$queue" 2>/dev/null || [ -e "$out/$name.status" ] || {
			result 1 "$name: was not run to its end, the queue is gone"
			return
		}
		sleep 1
	done
	echo "# $name"
	while IFS= read -r line; do
		case $line in
		*'# SKIP'*)
			echo "$line"
			skipped=$((skipped + 1))
			;;
		[0-9]*' passed, '*) ;;	# a part's own count
		'not ok '*) result 1 "$name: ${line#*- }" ;;
		'ok '*) result 0 "$name: ${line#*- }" ;;
		*) echo "$line" ;;
		esac
	done <"$out/$name"
	result "$(cat "$out/$name.status")" "$name: ran to its end"
}

# The demonstration, and each row of its table as a test
demo() {
	local status=0
	"$QEMU_DIR/demo.sh" >"$out/demo.table" || status=1
	sed -nE -e 's/^(PV|HVM) +(on|off) .* yes$/ok - \1 guest, overlay \2/p' \
		-e 's/^(PV|HVM) +(on|off) .* NO.*/not ok - \1 guest, overlay \2/p' \
		"$out/demo.table"
	return $status
}

guests() { GUEST_SERIES=$SERIES job 6.12 guests; }

fuzz() { SECONDS_OF_FUZZ=20 "$QEMU_DIR/fuzz.sh"; }

dom0() { CPUS=2 job "$1" check; }

# A reboot of dom0 keeps what it wrote to its disk: QEMU goes on.
persist() { MORE_ARGS=(-action reboot=reset); job 6.12 persist; }

command_tests() {
	"$QEMU_DIR/deps.sh" bash-completion pci.ids python3 || return
	make -s -C "$TOP/tools/pciback-fixup" test
}

more=()
[ "${1-}" != --all ] || more=(in-tree packages rpm command)

"$QEMU_DIR/deps.sh" "${RIG_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"
for series in $SERIES; do
	"$QEMU_DIR/deps.sh" "linux-headers-$(kver "$series")"
done
# What several parts use, before two of them run at once.
build_xen >/dev/null
build_root >/dev/null
for series in $SERIES; do
	status=0
	build_module "$(kver "$series")" >/dev/null || status=1
	result $status "the module builds without a warning for $(kver "$series")"
	build_guest_initrd "$series" "$(build_kernel "$series")" >/dev/null
	build_dom0_initrd "$series" "$(build_kernel "$series")" >/dev/null
done
build_source 6.12 >/dev/null

# There are two cores, so two parts run at a time, the long ones first; in a process
# group of their own, which ends with us.
set -m
{
	part lint "$QEMU_DIR/lint.sh"
	part guests guests
	part demo demo
	part dom0-debug dom0 debug
	[ ${#more[@]} = 0 ] || part packages "$TOP/packaging/test-deb.sh"
	part dom0-6.12 dom0 6.12
	part dom0-6.1 dom0 6.1
	[ ${#more[@]} = 0 ] || part in-tree "$QEMU_DIR/intree.sh"
	part persist persist
	part kunit "$QEMU_DIR/kunit.sh"
	part cost "$QEMU_DIR/bench.sh" --short
	part fuzz fuzz
	part gates "$QEMU_DIR/gates.sh"
	[ ${#more[@]} = 0 ] || part rpm "$TOP/packaging/test-rpm.sh"
	[ ${#more[@]} = 0 ] || part command command_tests
	wait
} &
queue=$!
set +m
trap 'kill -- -$queue 2>/dev/null || :' EXIT
trap 'exit 1' INT TERM HUP

for name in lint demo dom0-6.12 kunit guests dom0-debug persist cost fuzz gates dom0-6.1 "${more[@]}"; do
	collect "$name"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]

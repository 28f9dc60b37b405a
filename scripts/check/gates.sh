#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The scripts that judge the tests must fail when they should: each gate gives one of them
# something broken. Needs no machine. Prints TAP.
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/boot.sh"

need perl procps python3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# All tests rest on this function.
broken() { false; true; }
said=$(succeeds a broken; succeeds b true)
[ "$said" = $'not ok 1 - a\nok 2 - b' ] || die "succeeds() says: $said"

says() { # STATUS TEXT COMMAND...: it exits with STATUS, and its output has TEXT
	local said status=0
	said=$("${@:3}" 2>&1) || status=$?
	echo "$said"
	[[ $status = "$1" && $said = *"$2"* ]]
}

# The logs of Xen and dom0
log() { printf %s "$1" >"$tmp/console"; clean_log "$tmp/console"; }
succeeds "clean_log: a clean log" log $'a line\nanother\n'
fails "clean_log: a missing file" clean_log "$tmp/none"
fails "clean_log: an empty file" log ''
splat=$'sysrq: Show\nWARNING: CPU: 0 PID: 1 at kernel/x.c:1\nRIP: 0010:x+0x1/0x2\n'$(seq 99)
fails "clean_log: a warning" log "$splat"
succeeds "clean_log: ... is shown with what follows" says 1 "RIP: 0010:x" log "$splat"

# The key of a cached folder covers the functions that fill it.
cp -r "$SELFTESTS" "$tmp/selftests"
sed -i 's/cpio --quiet/cpio/' "$tmp/selftests/rig/image.sh"
recipe_in() { bash -c '. "$0/rig/image.sh" && recipe fill_initrd' "$1"; }
recipe=$(recipe_in "$SELFTESTS")
changed=$(recipe_in "$tmp/selftests")
succeeds "cached: goes by what a builder calls" is "$changed" "${recipe/cpio --quiet/cpio}"
fails "cached: ... which counts" is "$changed" "$recipe"

# machine.py with a QEMU that runs $JOB, passes its output on as results, and goes on
cat >"$tmp/qemu" <<'EOF'
#!/bin/bash
echo "the console" >console.log
eval "$JOB" >"$(printf '%s\n' "$@" | sed -n 's/.*id=results,path=//p')"
exec sleep 86420
EOF
chmod +x "$tmp/qemu"
machine() { JOB=$1 "$RIG/machine.py" "$tmp" "$tmp/qemu"; }
too_long='echo "@stage 1 the stage"'
succeeds "machine.py: a job that is done" machine 'echo a line; echo "@end 0"'
succeeds "machine.py: a job that fails" says 3 "(status 3)" machine 'echo "@end 3"'
succeeds "machine.py: a stage that takes too long" \
	says 1 "did not end in time: the stage" machine "$too_long"
succeeds "machine.py: ... shows the console" says 1 "the console" machine "$too_long"
succeeds "machine.py: QEMU goes down" says 1 "went down during: Xen and dom0" machine exit
succeeds "machine.py: QEMU crashes" says 1 "QEMU crashed (SIGSEGV)" machine 'kill -SEGV $$'
succeeds "machine.py: no QEMU is left" not pgrep -f "sleep 86420"

# A machine that, the first time, ends with STATUS, this on its console and this QEMU log
ends_with() { # STATUS CONSOLE [QEMU]
	local said=("$@") dir=$tmp/down/run/$STACK/a-job-latest
	BUILD=$tmp/down
	rm -rf "$BUILD"
	run_machine() {
		echo "ok 1 - run"
		mkdir -p "$dir"
		[ ! -e "$dir.first.log" ] || said=(0 "a line")
		echo "${said[1]}" >"$dir/console.log"
		echo "${said[2]-}" >"$dir/qemu.log"
		return "${said[0]}"
	}
	[ "$(job latest a-job | grep -c 'ok 1 - run')" = 1 ] && [ -e "$dir.first.log" ] &&
		clean_log "$dir/console.log"
}
other=$' ? do_idle+0x1/0x2\nModules linked in: xen_pciback_fixup(OE)'
succeeds "run_job: a crash far from PCI" ends_with 1 $'Kernel panic\n'"$other"
succeeds "run_job: a report far from PCI" ends_with 0 $'Oops: int3\n'"$other"
succeeds "run_job: QEMU crashes" ends_with 1 '' 'QEMU crashed (SIGSEGV)'
fails "run_job: a stage that does not end" ends_with 1 $'sysrq: Show\nCall Trace:'
succeeds "run_job: a crash below PCI fails, and is shown" says 1 "pci_read_config_word" \
	ends_with 1 $'Kernel panic\n ? pci_read_config_word+0x1/0x2'
fails "run_job: a report with the module" ends_with 0 $'Oops: 0\nfixup_take+0x1/0x2'

# How the output of a part of make check is judged
part() { # COMMAND...
	rm -rf "$tmp/check"
	BUILD=$tmp "$CHECKS/part.sh" a-part "$@"
	"$CHECKS/judge.sh" "$tmp/check"
}
tap() { part printf '%s\n' "$@"; }
succeeds "a test that runs what it plans" tap '1..2' 'ok 1 - a' 'ok 2 - b'
succeeds "several tests" tap '# test: a' 1..1 'ok 1 - a' '# test: b' 'ok 1 - b' 1..1
fails "a test that plans 3 and runs 2" tap '1..3' 'ok 1 - a' 'ok 2 - b'
fails "the same, before one that keeps its plan" \
	tap '# test: a' '1..3' 'ok 1 - a' 'ok 2 - b' '# test: b' 'ok 1 - b' 1..1
fails "a test that fails" tap '1..2' 'ok 1 - a' 'not ok 2 - b'
fails "a test without a plan" tap 'ok 1 - a' 'ok 2 - b'
fails "a test that skips" tap '1..2' 'ok 1 - a' 'ok 2 - b # SKIP no'
fails "a test that skips all" tap '1..0 # SKIP no device'
succeeds "output before the first test" tap 'a warning' '# test: a' 1..1 'ok 1 - a'
fails "a part that says nothing" part true
fails "a part with two plans" tap 1..1 'ok 1 - a' 1..1
fails "a test that says nothing" tap '# test: a' '# test: b' 'ok 1 - b' 1..1
broken='echo "ok 1 - a"; echo 1..1; echo the reason >&2; exit 1'
fails "a part that ends with an error" part bash -c "$broken"
succeeds "... whose last words are shown" says 1 $'\nthe reason' part bash -c "$broken"
last() { [[ $(part bash -c "$broken" 2>&1 | tail -n 1) = *"not ok 1 - ran to its end"* ]]; }
succeeds "... and last what failed" last

# The cost table, with a figure for each row
for name in dom0-{flags,vendor,neighbour,other-bus}-{without,on} dom0-flags-off; do
	echo "$name 5000"
done >"$tmp/values"
for name in bus-{changed,passed}{,-256-functions,-64-buses} write-1 write-0 bytes-bus; do
	echo "$name 20"
done >>"$tmp/values"
echo "bus-other-bus 0.00" >>"$tmp/values"
table() { sed "$1" "$tmp/values" | awk -f "$CHECKS/cost/table.awk"; }
succeeds "cost: all figures in their bounds" table ''
fails "cost: a figure is missing" table /dom0-vendor-on/d
fails "cost: a figure is empty" table 's/^write-1 .*/write-1 /'
fails "cost: a figure out of its bound" table 's/^dom0-vendor-on .*/dom0-vendor-on 6000/'

# Folders that make and QEMU cannot take
path() { BUILD=$1 bash -c '. "$0/lib.sh"' "$RIG"; }
succeeds "a build folder" path "$tmp"
fails "a build folder with a blank" path "$tmp/a b"
fails "a build folder with a comma" path "$tmp/a,b"
language() { LC_ALL=de_DE.UTF-8 bash -c '. "$0/lib.sh"; [ "$(env | grep ^LC_ALL=)" = LC_ALL=C ]' "$RIG"; }
succeeds "programs speak English" language

# An apt-get that finds its lock taken once, and then exits with STATUS
mkdir "$tmp/bin"
cat >"$tmp/bin/apt-get" <<'EOF'
#!/bin/bash
mkdir "$BUILD/tried" 2>/dev/null || { [[ $* = *Lock::Timeout=600* ]] && exit "$STATUS"; }
echo 'E: Could not get lock /x/lock. It is held by process 1 (dpkg)'
exit 100
EOF
ln -s /bin/true "$tmp/bin/sleep"
chmod +x "$tmp/bin/apt-get"
locked() { # STATUS
	rm -rf "$tmp/tried"
	BUILD=$tmp STATUS=$1 PATH=$tmp/bin:$PATH bash -c '. "$0/lib.sh"; SUDO= apt_get update' "$RIG"
}
succeeds "apt's lock is waited for, with a word" \
	says 0 "waiting for apt's lock, which is held by process 1 (dpkg)" locked 0
succeeds "the command that fails is named, not what runs it" \
	says 1 "error: apt-get failed" locked 1

# A copy of check.sh, with parts that sleep
mkdir -p "$tmp/scripts/check" "$tmp/${SELFTESTS#"$TOP/"}"
cp "$CHECKS"/{check.sh,judge.sh,part.sh,*.awk} "$tmp/scripts/check/"
cp -r "$RIG" "$SELFTESTS/ktap_helpers.sh" "$tmp/${SELFTESTS#"$TOP/"}/"
printf '%s\n' 'check: a b' 'a b:' '	@$(dir $(lastword $(MAKEFILE_LIST)))part.sh $@ $(DO)' \
	'names: ; @echo $(NAMES)' >"$tmp/scripts/check/parts.mk"
export DO="timeout 1000 sleep 97531" NAMES="a b"
sleeping() { pgrep -f 'sleep 97531' >/dev/null; }
ended() { ! kill -0 "$check" 2>/dev/null; }
run_check=(env "BUILD=$tmp/build" "$tmp/scripts/check/check.sh" check)
one='printf "ok 1 - a\n1..1\n"'
DO=$one succeeds "check.sh: two parts" "${run_check[@]}"
DO=$one NAMES="a b c" fails "check.sh: a part that make does not run" "${run_check[@]}"
begin() {
	"${run_check[@]}" >"$tmp/said" 2>&1 &
	check=$!
	wait_for 10 sleeping
}
begin
kill -TERM $check
succeeds "check.sh: SIGTERM ends it" wait_for 10 ended
succeeds "check.sh: ... and its parts" wait_for 10 not sleeping
begin
succeeds "check.sh: a second run in the same tree waits" \
	says 124 "waiting for another, which has" timeout 2 "${run_check[@]}"
pkill -KILL -P $check make
succeeds "check.sh: it ends when make is killed" wait_for 10 ended
succeeds "check.sh: ... says so" grep -q "not all parts were run" "$tmp/said"
pkill -f 'sleep 97531' || :
status=0
wait $check || status=$?
succeeds "check.sh: ... and fails" is $status 1
ktap_finished

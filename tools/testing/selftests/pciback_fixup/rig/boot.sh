#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the test machine in QEMU, without KVM.
#   boot.sh SERIES JOB     have a dom0 do a job, which prints TAP
#   boot.sh SERIES shell   the same machine, to try things by hand
# SERIES is that of dom0's kernel: a series of the stack, "latest", or "debug".
# Other scripts source this.

. "$(dirname "${BASH_SOURCE[0]}")/image.sh"
. "$RIG/machine.sh"
. "$RIG/stubdom.sh"
. "$RIG/q35/q35.sh"

# THREAD=single: all CPUs run in one thread, which is faster and steadier, but has few races.
QEMU=(qemu-system-x86_64 -machine q35 -accel "tcg${THREAD:+,thread=$THREAD}" -display none -vga none
	-no-reboot -nic none)

# Additional arguments: MORE_ARGS for QEMU, DOM0_ARGS for dom0's kernel
read -ra MORE_ARGS <<<"${MORE_ARGS-}"
DOM0_ARGS=${DOM0_ARGS-}

# kernel_of SERIES: the folder of dom0's kernel
kernel_of() { if [ "$1" = debug ]; then build_debug_kernel xen; else build_kernel "$1"; fi; }

# module_of KERNEL: the path of the module for it; a debug kernel includes it
module_of() {
	local dir
	find "$1/lib/modules" -name xen-pciback-fixup.ko | grep . && return
	dir=$(build_module "$(cat "$1/kver")") && echo "$dir/xen-pciback-fixup.ko"
}

# make_payload KERNEL FILE JOB: write a tar archive with dom0's /rig
make_payload() {
	local dom0=$1 file=$2 job=$3 tree module guest kernel initrd programs model
	module=$(module_of "$dom0") || return
	tree=$(mktemp -d -p "$BUILD" payload.XXXXXX)
	mkdir -p "$tree"/{guest,modules}
	cp -r "$RIG"/{dom0,jobs} "$TOP/README.md" "$tree/"
	cp -r "$TOP/Documentation/admin-guide" "$tree/docs"
	programs=$(build_programs) || return
	mkdir "$tree/kselftest"
	find "$SELFTESTS" "$programs" -maxdepth 1 -type f -exec cp -t "$tree/kselftest" {} +
	cp -r "$programs/bin" "$tree/"
	cp "$programs/static/config_reads" "$tree/bin/"
	for guest in ${GUEST_SERIES:-latest}; do
		guest=$(series_of "$guest") || return
		kernel=$(build_kernel "$guest") || return
		initrd=$(build_initrd "guest-initrd-$guest" "$kernel" "$RIG/guest/init" \
			"$GUEST_MODULES" "$programs"/static/*) || return
		cp "$kernel/vmlinuz" "$tree/guest/vmlinuz-$guest"
		cp "$initrd/initrd.gz" "$tree/guest/initrd-$guest.gz"
		[ "$job" = stubdomain ] || continue
		initrd=$(build_stubdom "$guest" "$kernel") || return
		cp "$initrd/initrd" "$tree/guest/stubdom-$guest"
	done
	cp "$module" "$tree/modules/"
	case $job-$(cat "$dom0/kver") in
	selftests*-amd64)	# not for a debug kernel
		module=$(build_bus_modules "$(cat "$dom0/kver")") || return
		cp "$module/simulated_bus.ko" "$tree/modules/"
		;;
	q35*)
		model=$(build_device_model) || return
		install -D -t "$tree/build/q35" "$model"/*
		;;
	esac
	tar -C "$tree" -cf "$file" .
	rm -rf "$tree"
}

# boot_args SERIES JOB DIR: sets QEMU_ARGS
boot_args() {
	local series=$1 job=$2 dir=$3 kernel initrd root
	# errexit is off if the caller tests our status.
	[ "$series" = debug ] || series=$(series_of "$series") || return
	kernel=$(kernel_of "$series") || return
	initrd=$(build_initrd "dom0-initrd-$series" "$kernel" "$RIG/dom0/init" "$DOM0_MODULES") || return
	root=$(build_root) || return
	mkdir -p "$dir"
	make_payload "$kernel" "$dir/payload.tar" "$job" || return
	QEMU_ARGS=(
		-cpu "qemu64,+svm,+npt" -smp "${CPUS:-1}" -m 3072
		-kernel "$root/xen.elf"
		-append "console=com1 dom0_mem=1500M loglvl=all guest_loglvl=all"
		-initrd "$kernel/vmlinuz console=hvc0 panic=1 sysrq_always_enabled rig.job=$job rig.stack=$STACK $DOM0_ARGS,$initrd/initrd.gz"
		"${DEVICES[@]}"
		-drive "file=$root/root.img,if=virtio,format=raw,snapshot=on"
		-drive "file=$dir/payload.tar,if=virtio,format=raw,readonly=on"
		"${MORE_ARGS[@]}"
	)
	# The NVMe below the switch has the data of dom0's /dev/vdb, and the xHCI a device.
	[[ $job != q35* ]] || QEMU_ARGS+=(
		-drive "file=$dir/payload.tar,if=none,id=data,format=raw,readonly=on"
		-device "nvme-ns,drive=data,bus=switched" -device usb-mouse
	)
}

# What no log may contain: splats of the kernel and of Xen, reports of sanitizers
SPLAT='BUG|WARNING:|Oops|Call Trace|general protection|INFO: (possible|task|rcu)'
SPLAT+='|unreferenced object|refcount_t:|KFENCE|KASAN|Kernel panic'
SPLAT+='|\(XEN\).*(Assertion|FATAL|panic|Xen BUG|Xen WARN)'

# Known reports, by a text in them. Lockdep reports of Linux 6.12 itself name the function
# that takes the lock: xenstored maps a guest's ring, a PCIe slot is unplugged, and aer_inject
# takes a sleeping lock of PREEMPT_RT below pci_lock. A PV dom0 reads an MSR of AMD's at boot,
# which Xen does not allow. The last is an allocation that a test makes fail.
KNOWN='gntdev_mmap|pciehp_unconfigure_device|aer_inj_(read|write)_config'
KNOWN+='|RDMSR from 0xc0010055|fail_nth: vmalloc error'

# first_report FILE: the first splat in a log, and what follows; fails if there is none
first_report() {
	awk -v known="$KNOWN" -f "$RIG/unknown_reports.awk" "$1" | sed -nE "/$SPLAT/,\$p" |
		sed -n 1,60p | grep ''
}

# crash_of DIR: the same of a machine's console, before what machine.py asks the kernel for
crash_of() { sed '/sysrq: Show/,$d' "$1/console.log" 2>/dev/null | first_report -; }

# clean_log FILE: it has no splat
clean_log() {
	[ -s "$1" ] || { echo "error: there is no log in $1" >&2; return 1; }
	! first_report "$1" | sed -n 1,30p >&2
}

# run_job SERIES JOB: do it, and print its results; fails if a stage does not end in time
run_job() {
	local dir=$BUILD/run/$STACK/$2-$1 status=0
	wait_lock "$dir.lock" "$dir"
	run_machine "$@" >"$dir.tap" || status=1
	if emulators_fault "$dir"; then
		status=0
		run_machine "$@" >"$dir.tap" || status=1
	fi
	[ $status = 0 ] || crash_of "$dir" >&2 || :
	cat "$dir.tap"
	return $status
}

# emulators_fault DIR: QEMU crashed, or the log's first report has no function of PCI or ours.
# Then keep the log: the caller runs the machine once more. QEMU's TCG makes a Linux crash now
# and then, also one without Xen and this module. The second time, it fails.
emulators_fault() {
	local said
	if ! grep -qs 'QEMU crashed' "$1/qemu.log"; then
		said=$(crash_of "$1") || return
		! grep -qiE '(pci|fixup)[^ ]*\+0x' <<<"$said" || return
	fi
	mv "$1/console.log" "$1.first.log"
	say "QEMU crashed, or its Linux far from PCI: booting once more; that log is $1.first.log"
}

run_machine() {
	local dir=$BUILD/run/$STACK/$2-$1 status=0
	rm -rf "$dir"
	boot_args "$1" "$2" "$dir" || return
	say "booting Xen with dom0 $1, of the stack $STACK"
	SECONDS_BEFORE=$SECONDS "$RIG/machine.py" "$dir" "${QEMU[@]}" "${QEMU_ARGS[@]}" || status=1
	rm -f "$dir"/{files,payload}.tar
	return $status
}

# job SERIES JOB: run it, and check the logs; prints TAP
job() {
	run_job "$1" "$2" || return
	echo "# test: logs"
	succeeds "no splat in the logs of Xen and dom0" \
		clean_log "$BUILD/run/$STACK/$2-$1/console.log"
	ktap_finished
}

machine_shell() { # SERIES
	boot_args "$1" shell "$BUILD/run/$STACK/shell"
	say "booting; leave with exit, or end the machine with ctrl-a x"
	cd "$BUILD/run/$STACK/shell"
	exec "${QEMU[@]}" "${QEMU_ARGS[@]}" -serial mon:stdio 2>qemu.log
}

# qemu_bare, boot_bare KERNEL DIR SECONDS ARGUMENTS [QEMU_ARGUMENT...]: boot a machine without
# Xen from DIR/initrd.gz, whose init prints "rig: done" at its end; the log is DIR/console.log
qemu_bare() {
	timeout "$3" "${QEMU[@]}" -cpu qemu64 "${@:5}" -kernel "$1/vmlinuz" \
		-initrd "$2/initrd.gz" -append "console=ttyS0 panic=-1 $4" \
		-serial "file:$2/console.log" </dev/null >"$2/qemu.log" 2>&1
}
boot_bare() {
	# 139 is SIGSEGV: QEMU 7.2 may crash as Linux sizes BARs with a second CPU running.
	qemu_bare "$@" || [ $? != 139 ] || echo "QEMU crashed" >>"$2/qemu.log"
	grep -q "rig: done" "$2/console.log" || ! emulators_fault "$2" || qemu_bare "$@" || :
	grep -q "rig: done" "$2/console.log" && return
	tail -n 25 "$2/console.log" >&2
	die "the machine did not come to its end in $3 s; all of its console is in $2/console.log"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
[ $# = 2 ] || die "usage: boot.sh SERIES JOB"
need "${RIG_PACKAGES[@]}"
[ "$1" != debug ] || need "${KERNEL_PACKAGES[@]}"
if [ "$2" = shell ]; then machine_shell "$1"; else job "$@"; fi

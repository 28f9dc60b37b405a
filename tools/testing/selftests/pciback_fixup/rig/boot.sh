#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test machine, and how QEMU runs it. Needs no KVM, and no hardware.
#   boot.sh SERIES JOB     have a dom0 do a job, which prints TAP
#   boot.sh SERIES shell   the same machine, to try things by hand
# SERIES is that of dom0's kernel, or "latest" of those that the stack has, or "debug".
# Others source this.

. "$(dirname "${BASH_SOURCE[0]}")/image.sh"
. "$RIG/stubdom.sh"

QEMU=(qemu-system-x86_64 -machine "q35,accel=tcg" -display none -no-reboot -nic none)

# The PCI Express devices. The firmware numbers the buses in this order:
#
#   00:10.0 root port
#    `- 01:00.0 e1000e		v1 capability
#   00:11.0 root port
#    `- 02:00.0 nvme		v2; SR-IOV, VFs at 02:00.1 and .2
#   00:12.0 root port
#    |- 03:00.0 qemu-xhci	v2 \ one card with two functions
#    `- 03:00.1 e1000e		v1 /
#   00:13.0 root port
#    `- 04:00.0 upstream switch port
#        `- 05:00.0 downstream switch port
#            `- 06:00.0 nvme	v2
#   00:14.0 root port with a hot-plug slot
#    `- 07:00.0 e1000e		"hot"
#   00:17.0 root port
#    `- 0?:00.0 virtio-rng	its Link Control can be written
#   00:18.0 e1000e		on the root bus, so an RCiEP already
#   00:19.0 edu			conventional PCI
DEVICES=(
	-device "pcie-root-port,id=rp1,bus=pcie.0,addr=0x10,chassis=1,slot=1"
	-device "e1000e,romfile=,bus=rp1"
	-device "pcie-root-port,id=rp2,bus=pcie.0,addr=0x11,chassis=2,slot=2"
	-device "nvme-subsys,id=subsys0"
	-device "nvme,serial=sriov,subsys=subsys0,bus=rp2,sriov_max_vfs=2,sriov_vq_flexible=4,sriov_vi_flexible=2,max_ioqpairs=6,msix_qsize=7"
	-device "pcie-root-port,id=rp3,bus=pcie.0,addr=0x12,chassis=3,slot=3"
	-device "qemu-xhci,bus=rp3,addr=0.0,multifunction=on"
	-device "e1000e,romfile=,bus=rp3,addr=0.1"
	-device "pcie-root-port,id=rp4,bus=pcie.0,addr=0x13,chassis=4,slot=4"
	-device "x3130-upstream,id=up,bus=rp4"
	-device "xio3130-downstream,id=down,bus=up,chassis=5,slot=5"
	-device "nvme,serial=switched,bus=down"
	-device "pcie-root-port,id=rp5,bus=pcie.0,addr=0x14,chassis=6,slot=6"
	-device "e1000e,romfile=,id=hot,bus=rp5"
	-device "pcie-root-port,id=rp8,bus=pcie.0,addr=0x17,chassis=9,slot=9"
	-device "virtio-rng-pci,bus=rp8"
	-device "e1000e,romfile=,bus=pcie.0,addr=0x18"
	-device "edu,bus=pcie.0,addr=0x19"
)

# More for Xen's command line and for dom0's, and for QEMU's.
XEN_ARGS=${XEN_ARGS-}
read -ra MORE_ARGS <<<"${MORE_ARGS-}"
DOM0_ARGS=${DOM0_ARGS-}

# kernel_of SERIES: the folder of dom0's kernel: a series, or "debug"
kernel_of() {
	if [ "$1" = debug ]; then
		build_debug_kernel xen
	else
		build_kernel "$1"
	fi
}

# module_of SERIES KERNEL: the path of the module for it
module_of() {
	local dir
	if [ "$1" = debug ]; then
		find "$2/lib/modules" -name xen-pciback-fixup.ko
	else
		dir=$(build_module "$(cat "$2/kver")") || return
		echo "$dir/xen-pciback-fixup.ko"
	fi
}

# make_payload MODULE FILE JOB: what dom0 finds in /rig, as a tar archive; in /rig/more it
# finds what is in the folder MORE_PAYLOAD
make_payload() {
	local module=$1 file=$2 job=$3 tree guest kernel initrd programs
	tree=$(mktemp -d -p "$BUILD" payload.XXXXXX)
	mkdir -p "$tree"/{guest,modules}
	cp -r "$RIG"/{dom0,jobs} "$TOP/README.md" "$tree/"
	cp -r "$TOP/Documentation/admin-guide" "$tree/docs"
	programs=$(build_programs) || return
	mkdir "$tree/kselftest"
	find "$SELFTESTS" -maxdepth 1 -type f -exec cp -t "$tree/kselftest" {} +
	find "$programs" -maxdepth 1 -type f -exec cp -t "$tree/kselftest" {} +
	cp -r "$programs/bin" "$tree/"
	cp "$programs/static/config_reads" "$tree/bin/"
	for guest in ${GUEST_SERIES:-latest}; do
		guest=$(series_of "$guest") || return
		kernel=$(build_kernel "$guest") || return
		initrd=$(build_guest_initrd "$guest" "$kernel" "$programs") || return
		cp "$kernel/vmlinuz" "$tree/guest/vmlinuz-$guest"
		cp "$initrd/initrd.gz" "$tree/guest/initrd-$guest.gz"
		[ "$job" = stubdomain ] || continue
		initrd=$(build_stubdom "$guest" "$kernel") || return
		cp "$initrd/initrd" "$tree/guest/stubdom-$guest"
	done
	cp "$module" "$tree/modules/"
	[ -z "${MORE_PAYLOAD-}" ] || cp -r "$MORE_PAYLOAD" "$tree/more"
	tar -C "$tree" -cf "$file" .
	rm -rf "$tree"
}

# boot_args SERIES JOB DIR: fills QEMU_ARGS
boot_args() {
	local series=$1 job=$2 dir=$3 kernel module initrd root
	# errexit is off where the caller asks for our status.
	[ "$series" = debug ] || series=$(series_of "$series") || return
	kernel=$(kernel_of "$series") || return
	module=$(module_of "$series" "$kernel") || return
	initrd=$(build_dom0_initrd "$series" "$kernel") || return
	root=$(build_root) || return
	mkdir -p "$dir"
	make_payload "$module" "$dir/payload.tar" "$job" || return
	QEMU_ARGS=(
		-cpu "qemu64,+svm,+npt" -smp "${CPUS:-1}" -m 3072
		-kernel "$root/xen.elf"
		-append "console=com1 dom0_mem=1500M loglvl=all guest_loglvl=all $XEN_ARGS"
		-initrd "$kernel/vmlinuz console=hvc0 panic=1 sysrq_always_enabled rig.job=$job rig.stack=$STACK $DOM0_ARGS,$initrd/initrd.gz"
		-global "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"
		-device "intel-iommu,intremap=on,aw-bits=48"
		-drive "file=$root/root.img,if=virtio,format=raw,snapshot=on"
		-drive "file=$dir/payload.tar,if=virtio,format=raw,readonly=on"
		-device "virtio-serial-pci"
		-chardev "socket,id=monitor,path=monitor,server=on,wait=off"
		-mon "chardev=monitor,mode=readline"
		-chardev "socket,id=to-monitor,path=monitor"
		-device "virtserialport,chardev=to-monitor,name=monitor"
		"${DEVICES[@]}" "${MORE_ARGS[@]}"
	)
}

# give_up DIR WHY...: say what was seen last
give_up() {
	local dir=$1
	shift
	{
		echo "error: $*"
		echo "The console ends with:"
		tail -n 25 "$dir/console.log" | sed 's/^/    /'
		echo "All of it is in $dir/console.log"
	} >&2
	return 1
}

# What no log may hold: kernel splats, Xen's, and what the sanitizers say.
SPLAT='BUG|WARNING:|Oops|Call Trace|general protection|INFO: (possible|task|rcu)'
SPLAT+='|unreferenced object|refcount_t:|KFENCE|KASAN|Kernel panic'
SPLAT+='|\(XEN\).*(Assertion|FATAL|panic|Xen BUG|Xen WARN)'

# Lockdep reports of Linux 6.12 itself, known by the function that takes the
# lock: xenstored's mapping of a guest's ring, an unplugged PCIe slot, and
# aer_inject, which takes a sleeping lock of PREEMPT_RT below pci_lock. Lockdep
# is off after its first report, so there is one of them at most. Then a register
# of AMD's that Xen does not show to a PV dom0, which asks for it as it boots. And
# an allocation for a module's file, that a test made to fail.
KNOWN='gntdev_mmap|pciehp_unconfigure_device|aer_inj_(read|write)_config'
KNOWN+='|RDMSR from 0xc0010055|fail_nth: vmalloc error'

# clean_log FILE: shows what should not be there, and fails, if there is any
clean_log() {
	[ -s "$1" ] || { echo "error: there is no log in $1" >&2; return 1; }
	! awk -v known="$KNOWN" -f "$RIG/unknown_reports.awk" "$1" | grep -nE "$SPLAT" >&2
}

# press_keys: what to write to a monitor while the machine runs. QEMU's TCG with SVM
# loses the wake-up of a halted CPU now and then: its timer's interrupt is pending in
# the local APIC, and it sleeps on. Any other interrupt ends that. Guests take as long with
# it as without.
press_keys() { while sleep 0.5; do echo "sendkey shift"; done; }

# ask_why DIR: have a machine that stands still say on its console where: Xen, what dom0's
# CPUs do, and then Linux, what it knows of them and which tasks are blocked
ask_why() {
	local keys
	for keys in $'\1\1\1' 0 $'\1\1\1' $'\17l' $'\17w'; do
		echo -n "$keys" >"$1/console.in"
		sleep 2
	done
}

# run_job SERIES JOB: boot a machine, have its dom0 do a job, and print what the
# job prints. Fails if the job does, or if a stage does not end in time.
run_job() {
	local dir=$BUILD/run/$STACK/$2-$1
	wait_lock "$dir.lock" "$dir"
	run_machine "$@" && return
	# As Linux patches its code at boot, QEMU's TCG with two CPUs may run a breakpoint
	# that is in memory no more. Nothing was tested by then.
	[ ! -s "$dir/results" ] && grep -qs 'Oops: int3' "$dir/console.log" || return 1
	mv "$dir/console.log" "$dir.int3.log"
	say "this is known of QEMU: booting once more; that log is kept as $dir.int3.log"
	run_machine "$@"
}

run_machine() {
	local series=$1 job=$2 dir=$BUILD/run/$STACK/$2-$1 status='' log qemu line limit deadline stage
	rm -rf "$dir"
	boot_args "$series" "$job" "$dir" || return
	mkfifo "$dir"/console.{in,out}
	exec 8<>"$dir/console.out"	# it has an end once we close it too
	cat "$dir/console.out" >"$dir/console.log" 8<&- &
	log=$!
	stage="Xen and dom0 come up"
	say "booting Xen with dom0 $series, of the stack $STACK"
	deadline=$((SECONDS + 240))
	# From there: a socket's path must not be long.
	exec 9< <(cd "$dir" && exec 8<&- && exec "${QEMU[@]}" "${QEMU_ARGS[@]}" -monitor stdio \
		-serial pipe:console \
		-chardev "file,id=results,path=/dev/fd/3" \
		-device "virtserialport,chardev=results,name=results" \
		-chardev "file,id=files,path=files.tar" \
		-device "virtserialport,chardev=files,name=files" \
		< <(press_keys) 3>&1 >/dev/null 2>qemu.log)
	qemu=$!
	# shellcheck disable=SC2064 # this process, whatever comes later
	trap "kill $qemu 2>/dev/null || :" EXIT
	while [ -z "$status" ]; do
		limit=$((deadline - SECONDS))
		if [ $limit -le 0 ]; then
			status=timeout
		elif IFS= read -r -u 9 -t $limit line; then
			line=${line%$'\r'}
			echo "$line" >>"$dir/results"
			case $line in
			'@stage '*)
				read -r _ limit stage <<<"$line"
				deadline=$((SECONDS + limit))
				say "$stage"
				;;
			'@end '*) status=${line#@end } ;;
			*) echo "$line" ;;
			esac
		elif ! kill -0 $qemu 2>/dev/null; then
			status=qemu
		fi
	done
	exec 9<&-
	[ "$status" != timeout ] || ask_why "$dir"
	# It is not asked to end: QEMU 7.2 may crash as Xen turns off the IOMMU, which still
	# knows the bus of a switch that was pulled out.
	kill -KILL $qemu 2>/dev/null || :
	exec 8<&-
	wait $qemu $log 2>/dev/null || :
	trap - EXIT
	mkdir -p "$dir/guests"
	tar -C "$dir/guests" -xf "$dir/files.tar" 2>/dev/null || :
	rm -f "$dir"/{files,payload}.tar
	case $status in
	0) return 0 ;;
	timeout) give_up "$dir" "this stage did not end in time: $stage" ;;
	qemu) give_up "$dir" "the machine went down during: $stage ($(tail -n 3 "$dir/qemu.log"))" ;;
	*) echo "error: the job $job failed in dom0 (status $status)" >&2; return 1 ;;
	esac
}

# job SERIES JOB: run it, and look at the logs; prints results
job() {
	run_job "$1" "$2" || return
	echo "# test: logs"
	check "no splat in the logs of Xen and dom0" \
		clean_log "$BUILD/run/$STACK/$2-$1/console.log"
	finish
}

machine_shell() { # SERIES
	boot_args "$1" shell "$BUILD/run/$STACK/shell"
	say "booting; leave with exit, or end the machine with ctrl-a x"
	cd "$BUILD/run/$STACK/shell"
	exec "${QEMU[@]}" "${QEMU_ARGS[@]}" -serial mon:stdio 2>qemu.log
}

# boot_bare KERNEL DIR SECONDS ARGUMENTS [QEMU_ARGUMENT...]: a machine without Xen, from
# DIR/initrd.gz, whose init says "rig: done" at its end; the log is DIR/console.log
boot_bare() {
	timeout "$3" "${QEMU[@]}" -cpu qemu64 "${@:5}" -kernel "$1/vmlinuz" \
		-initrd "$2/initrd.gz" -append "console=ttyS0 panic=-1 $4" \
		-serial "file:$2/console.log" </dev/null >"$2/qemu.log" 2>&1 || :
	grep -q "rig: done" "$2/console.log" ||
		give_up "$2" "the machine did not come to its end in $3 s"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
[ $# = 2 ] || die "usage: boot.sh SERIES JOB"
need "${RIG_PACKAGES[@]}"
[ "$1" != debug ] || need "${KERNEL_PACKAGES[@]}"
if [ "$2" = shell ]; then machine_shell "$1"; else job "$@"; fi

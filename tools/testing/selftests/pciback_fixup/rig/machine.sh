# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The devices of the test machine, as QEMU's arguments. The firmware numbers the buses of
# the PCI Express devices in this order:
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

DEVICES=()
for n in 1 2 3 4 5 8; do
	DEVICES+=(-device "pcie-root-port,id=rp$n,bus=pcie.0,addr=0x1$((n - 1)),chassis=$n,slot=$n")
done
sriov=sriov_max_vfs=2,sriov_vq_flexible=4,sriov_vi_flexible=2,max_ioqpairs=6,msix_qsize=7
DEVICES+=(
	-device "e1000e,romfile=,bus=rp1"
	-device "nvme-subsys,id=subsys0"
	-device "nvme,serial=sriov,subsys=subsys0,bus=rp2,$sriov"
	-device "qemu-xhci,bus=rp3,addr=0.0,multifunction=on"
	-device "e1000e,romfile=,bus=rp3,addr=0.1"
	-device "x3130-upstream,id=up,bus=rp4"
	-device "xio3130-downstream,id=down,bus=up,chassis=9,slot=9"
	-device "nvme,id=switched,serial=switched,bus=down"
	-device "e1000e,id=hot,romfile=,bus=rp5"
	-device "virtio-rng-pci,bus=rp8"
	-device "e1000e,romfile=,bus=pcie.0,addr=0x18"
	-device "edu,bus=pcie.0,addr=0x19"
	-device "intel-iommu,intremap=on,aw-bits=48"
	# PCI Express hot-plugs the slots, not ACPI.
	-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
	# dom0 has ports to the host, and one to the monitor, which plugs devices for it.
	-device virtio-serial-pci
	-chardev "socket,id=monitor,path=monitor,server=on,wait=off"
	-mon "chardev=monitor,mode=readline"
	-chardev "socket,id=to-monitor,path=monitor"
	-device "virtserialport,chardev=to-monitor,name=monitor"
)

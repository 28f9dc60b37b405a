// SPDX-License-Identifier: GPL-2.0
/*
 * What standing in for the ops of a bus costs each read, counted on a simulated
 * bus. To be run where the clock counts instructions: QEMU's -icount
 * with shift=0. Prints lines "bench: NAME INSTRUCTIONS" as it is loaded; linked
 * together with the driver's own fixup_bus.c. Where there are two CPUs, it
 * prints instead how many reads one and both make in some time.
 *
 *   bus 0   01.0 to 1f.7   248 functions, bridges to bus 1 to 64 among them
 *   bus 1   00.0 to 1f.7   256 Endpoints
 *   bus 2 to 64     00.0   an Endpoint each
 */

#define pr_fmt(fmt) "bench: " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "fixup_bus.h"

#define BENCH_DOMAIN	0x4b55
#define BENCH_BUSES	64
#define BENCH_READS	1000
#define BENCH_CAP	0x40

static struct pci_sysdata bench_sysdata = {
	.domain = BENCH_DOMAIN,
	.node = NUMA_NO_NODE,
};

static u8 bench_endpoint[256] = {
	[PCI_VENDOR_ID] = 0x34, 0x12, 0xef, 0xbe,
	[PCI_STATUS] = PCI_STATUS_CAP_LIST,
	[PCI_CLASS_REVISION + 3] = 0xff,
	[PCI_HEADER_TYPE] = 0x80,
	[PCI_CAPABILITY_LIST] = BENCH_CAP,
	[BENCH_CAP] = PCI_CAP_ID_EXP,
	[BENCH_CAP + PCI_EXP_FLAGS] = 0x02,
};

/* The device number counts from 1; 00.0 would be a host bridge. */
static unsigned int bench_bridge_to(unsigned int devfn)
{
	return devfn >= PCI_DEVFN(1, 0) ? devfn - PCI_DEVFN(1, 0) + 1 : 0;
}

static int bench_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	u8 bridge[64] = {
		[PCI_VENDOR_ID] = 0x34, 0x12, 0x1d, 0xb4,
		[PCI_CLASS_DEVICE] = 0x04, 0x06,
		[PCI_HEADER_TYPE] = 0x80 | PCI_HEADER_TYPE_BRIDGE,
	};
	unsigned int to;

	*val = 0;
	if (bus->number) {
		if (bus->number == 1 || !devfn)
			memcpy(val, bench_endpoint + where % 253, size);
		else
			*val = ~0;
		return PCIBIOS_SUCCESSFUL;
	}

	to = bench_bridge_to(devfn);
	if (!to || to > BENCH_BUSES || where + size > sizeof(bridge)) {
		*val = ~0;
		return PCIBIOS_SUCCESSFUL;
	}
	bridge[PCI_SECONDARY_BUS] = to;
	bridge[PCI_SUBORDINATE_BUS] = to;
	memcpy(val, bridge + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int bench_write(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops bench_ops = {
	.read = bench_read,
	.write = bench_write,
};

/* The least of some rounds, in hundredths of an instruction */
static u64 bench_reads(struct pci_dev *pdev, int where)
{
	u64 best = U64_MAX;
	unsigned long flags;
	int round, i;
	u32 val;

	for (round = 0; round < 5; round++) {
		u64 start, end;

		local_irq_save(flags);
		start = ktime_get_ns();
		for (i = 0; i < BENCH_READS; i++)
			pdev->bus->ops->read(pdev->bus, pdev->devfn, where, 2, &val);
		end = ktime_get_ns();
		local_irq_restore(flags);
		best = min(best, end - start);
	}

	return best * 100 / BENCH_READS;
}

static void bench_say(const char *name, u64 hundredths)
{
	pr_info("%s %llu.%02llu\n", name, hundredths / 100, hundredths % 100);
}

static struct pci_dev *bench_dev(int bus, unsigned int devfn)
{
	struct pci_dev *pdev;

	pdev = pci_get_domain_bus_and_slot(BENCH_DOMAIN, bus, devfn);
	pci_dev_put(pdev);	/* the bridge holds it */
	return pdev;
}

static int bench_on(int bus, unsigned int devfn)
{
	struct pci_dev *pdev = bench_dev(bus, devfn);

	int ret = -ENOMEM;

	if (!pdev)
		return -ENODEV;

	mutex_lock(&xen_pcibk_fixup_lock);
	if (xen_pcibk_fixup_find(pdev, true))
		ret = xen_pcibk_fixup_on(pdev);
	mutex_unlock(&xen_pcibk_fixup_lock);
	return ret;
}

/* Readers in time, where there is a second CPU: each reads its own function. */
struct bench_reader {
	struct task_struct *task;
	struct pci_dev *pdev;
	unsigned long reads;
};

static int bench_reader(void *data)
{
	struct bench_reader *reader = data;
	struct pci_dev *pdev = reader->pdev;
	u32 val;
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < BENCH_READS; i++)
			pdev->bus->ops->read(pdev->bus, pdev->devfn, 0, 2, &val);
		reader->reads += BENCH_READS;
		cond_resched();
	}

	return 0;
}

/* How many reads so many CPUs make in a time; the most of some rounds */
static unsigned long bench_parallel(int cpus)
{
	unsigned long best = 0;
	int round, cpu;

	for (round = 0; round < 8; round++) {
		struct bench_reader readers[2] = {};
		unsigned long sum = 0;

		for (cpu = 0; cpu < cpus; cpu++) {
			struct bench_reader *reader = &readers[cpu];
			struct task_struct *task;

			reader->pdev = bench_dev(1, cpu);
			task = kthread_create(bench_reader, reader, "bench");
			if (IS_ERR(task))
				continue;
			kthread_bind(task, cpu);
			reader->task = task;
		}
		for (cpu = 0; cpu < cpus; cpu++)
			if (readers[cpu].task)
				wake_up_process(readers[cpu].task);
		msleep(300);
		for (cpu = 0; cpu < cpus; cpu++) {
			if (readers[cpu].task)
				kthread_stop(readers[cpu].task);
			sum += readers[cpu].reads;
		}
		best = max(best, sum);
	}

	return best;
}

static int bench_run_parallel(void)
{
	int ret;

	pr_info("cpus-one-without %lu\n", bench_parallel(1));
	pr_info("cpus-two-without %lu\n", bench_parallel(2));
	ret = bench_on(1, 0) ?: bench_on(1, 1);
	if (ret)
		return ret;
	pr_info("cpus-one-on %lu\n", bench_parallel(1));
	pr_info("cpus-two-on %lu\n", bench_parallel(2));
	return 0;
}

static int bench_run(void)
{
	struct pci_dev *pdev = bench_dev(1, 0), *other = bench_dev(1, 1);
	u64 changed, passed, others;
	int i, ret;

	if (!pdev || !other)
		return -ENODEV;

	changed = bench_reads(pdev, BENCH_CAP + PCI_EXP_FLAGS);
	passed = bench_reads(pdev, 0);
	others = bench_reads(other, BENCH_CAP + PCI_EXP_FLAGS);

	ret = bench_on(1, 0);
	if (ret)
		return ret;
	bench_say("changed", bench_reads(pdev, BENCH_CAP + PCI_EXP_FLAGS) - changed);
	bench_say("passed", bench_reads(pdev, 0) - passed);
	bench_say("other-function", bench_reads(other, BENCH_CAP + PCI_EXP_FLAGS) - others);
	bench_say("other-bus", bench_reads(bench_dev(2, 0), 0) - passed);

	for (i = 1; i < 256; i++) {
		ret = bench_on(1, i);
		if (ret)
			return ret;
	}
	bench_say("changed-256-functions", bench_reads(pdev, BENCH_CAP + PCI_EXP_FLAGS) - changed);
	bench_say("passed-256-functions", bench_reads(pdev, 0) - passed);

	for (i = 2; i <= BENCH_BUSES; i++) {
		ret = bench_on(i, 0);
		if (ret)
			return ret;
	}
	bench_say("changed-64-buses", bench_reads(pdev, BENCH_CAP + PCI_EXP_FLAGS) - changed);
	bench_say("passed-64-buses", bench_reads(pdev, 0) - passed);
	return 0;
}

static int __init bench_init(void)
{
	LIST_HEAD(resources);
	struct pci_bus *root;
	int ret;

	pci_lock_rescan_remove();
	root = pci_scan_root_bus(NULL, 0, &bench_ops, &bench_sysdata, &resources);
	pci_unlock_rescan_remove();
	if (!root)
		ret = -ENOMEM;
	else if (num_online_cpus() > 1)
		ret = bench_run_parallel();
	else
		ret = bench_run();
	pr_info("end %d\n", ret);

	/* The machine is switched off next: nothing is taken down. */
	return ret;
}
module_init(bench_init);

MODULE_DESCRIPTION("The cost of xen-pciback-fixup's read path");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * Count what replacing the ops of a bus costs each read, on simulated_bus. The clock must
 * count instructions: QEMU's -icount with shift=0. Prints lines "bench: NAME INSTRUCTIONS"
 * when it is loaded. It is linked with the driver's own fixup_bus.c.
 */

#define pr_fmt(fmt) "bench: " fmt

#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include "fixup_bus.h"
#include "fixup_kunit_bridge.h"

#define BENCH_READS	1000
#define BENCH_FLAGS	(0x40 + PCI_EXP_FLAGS)

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

	pdev = pci_get_domain_bus_and_slot(SIM_DOMAIN, bus, devfn);
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
	if (xen_pcibk_fixup_record(pdev))
		ret = xen_pcibk_fixup_on(pdev);
	mutex_unlock(&xen_pcibk_fixup_lock);
	return ret;
}

static int bench_run(void)
{
	struct pci_dev *pdev = bench_dev(1, 0), *other = bench_dev(1, 1);
	u64 changed, passed, others;
	int i, ret;

	if (!pdev || !other)
		return -ENODEV;

	changed = bench_reads(pdev, BENCH_FLAGS);
	passed = bench_reads(pdev, 0);
	others = bench_reads(other, BENCH_FLAGS);

	ret = bench_on(1, 0);
	if (ret)
		return ret;
	bench_say("changed", bench_reads(pdev, BENCH_FLAGS) - changed);
	bench_say("passed", bench_reads(pdev, 0) - passed);
	bench_say("other-function", bench_reads(other, BENCH_FLAGS) - others);
	bench_say("other-bus", bench_reads(bench_dev(2, 0), 0) - passed);

	for (i = 1; i < 256; i++) {
		ret = bench_on(1, i);
		if (ret)
			return ret;
	}
	bench_say("changed-256-functions", bench_reads(pdev, BENCH_FLAGS) - changed);
	bench_say("passed-256-functions", bench_reads(pdev, 0) - passed);

	for (i = 2; i < SIM_BUSES; i++) {
		ret = bench_on(i, 0);
		if (ret)
			return ret;
	}
	bench_say("changed-64-buses", bench_reads(pdev, BENCH_FLAGS) - changed);
	bench_say("passed-64-buses", bench_reads(pdev, 0) - passed);
	return 0;
}

static int __init bench_init(void)
{
	int ret = bench_run();

	pr_info("end %d\n", ret);

	/* The machine is switched off next: nothing is taken down. */
	return ret;
}
module_init(bench_init);

MODULE_DESCRIPTION("The cost of xen-pciback-fixup's read path");
MODULE_LICENSE("GPL");

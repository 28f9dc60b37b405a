// SPDX-License-Identifier: GPL-2.0
/*
 * Count the instructions that replacing the ops of a bus adds to a read, on simulated_bus.
 * The clock must count instructions: QEMU's -icount with shift=0. Prints lines "bench: NAME
 * INSTRUCTIONS" when it is loaded. Linked with the driver's own fixup_bus.c.
 */

#define pr_fmt(fmt) "bench: " fmt

#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include "fixup_bus.h"
#include "fixup_kunit_bridge.h"

#define BENCH_READS	1000
#define BENCH_FLAGS	(0x40 + PCI_EXP_FLAGS)

/* In hundredths of an instruction */
static u64 bench_reads(struct pci_dev *pdev, int where)
{
	unsigned long flags;
	u64 start, end;
	u32 val;
	int i;

	local_irq_save(flags);
	start = ktime_get_ns();
	for (i = 0; i < BENCH_READS; i++)
		pdev->bus->ops->read(pdev->bus, pdev->devfn, where, 2, &val);
	end = ktime_get_ns();
	local_irq_restore(flags);

	return (end - start) * 100 / BENCH_READS;
}

static void bench_say(const char *name, const char *suffix, u64 hundredths)
{
	pr_info("%s%s %llu.%02llu\n", name, suffix, hundredths / 100, hundredths % 100);
}

static struct pci_dev *bench_dev(int bus, unsigned int devfn)
{
	struct pci_dev *pdev;

	pdev = pci_get_domain_bus_and_slot(SIM_DOMAIN, bus, devfn);
	pci_dev_put(pdev);	/* the bridge holds it */
	return pdev;
}

/* Of 1:00.0, with nothing switched on */
static u64 changed, passed;

/* Switch functions on, and print what reads of 1:00.0 take more than before. */
static int bench_on(const char *suffix, int bus, int last_bus, int devfn, int last_devfn)
{
	struct pci_dev *pdev;
	int i, ret = 0;

	mutex_lock(&xen_pcibk_fixup_lock);
	for (; !ret && bus <= last_bus; bus++) {
		for (i = devfn; !ret && i <= last_devfn; i++) {
			pdev = bench_dev(bus, i);
			ret = pdev && xen_pcibk_fixup_record(pdev) ?
			      xen_pcibk_fixup_on(pdev) : -ENODEV;
		}
	}
	mutex_unlock(&xen_pcibk_fixup_lock);

	pdev = bench_dev(1, 0);
	bench_say("changed", suffix, bench_reads(pdev, BENCH_FLAGS) - changed);
	bench_say("passed", suffix, bench_reads(pdev, 0) - passed);
	return ret;
}

static int bench_run(void)
{
	struct pci_dev *pdev = bench_dev(1, 0), *other = bench_dev(2, 0);
	int ret;

	if (!pdev || !other)
		return -ENODEV;

	changed = bench_reads(pdev, BENCH_FLAGS);
	passed = bench_reads(pdev, 0);

	ret = bench_on("", 1, 1, 0, 0);
	bench_say("other-bus", "", bench_reads(other, 0) - passed);
	return ret ?: bench_on("-256-functions", 1, 1, 1, 255) ?:
	       bench_on("-64-buses", 2, SIM_BUSES - 1, 0, 0);
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

// SPDX-License-Identifier: GPL-2.0
/*
 * The simulated host bridge of the KUnit suites in a module, which can be unloaded.
 *
 *   bus 0           01.0 and so on  bridges to bus 1 and so on
 *   bus 1           00.0 and so on  Endpoints
 *   bus 2 and so on 00.0            an Endpoint each
 */

#include <linux/module.h>

#include "fixup_kunit_bridge.h"

static unsigned int buses = SIM_BUSES - 1;
module_param(buses, uint, 0444);
MODULE_PARM_DESC(buses, "Buses below bridges, 1 to " __stringify(SIM_BUSES) " - 1");

static unsigned int functions = 256;
module_param(functions, uint, 0444);
MODULE_PARM_DESC(functions, "Functions of bus 1, up to 256");

static struct pci_sysdata bridge_sysdata;
static struct pci_bus *bridge_root;

static int __init bridge_init(void)
{
	unsigned int i;

	if (!buses || buses >= SIM_BUSES || functions > 256)
		return -EINVAL;

	sim_clear();
	for (i = 0; i < functions; i++)
		sim_function(1, i, 0x40, 0x0002);
	for (i = 1; i <= buses; i++) {
		/* 00.0 would be a host bridge. */
		sim_bridge(PCI_DEVFN(1, 0) + i - 1, false, i, i);
		if (i > 1)
			sim_function(i, 0, 0x40, 0x0002);
	}
	bridge_root = sim_scan(&bridge_sysdata, SIM_DOMAIN, &sim_ops);
	return bridge_root ? 0 : -ENOMEM;
}
module_init(bridge_init);

static void __exit bridge_exit(void)
{
	sim_remove(bridge_root);
}
module_exit(bridge_exit);

MODULE_DESCRIPTION("A simulated PCI host bridge for the tests of xen-pciback-fixup");
MODULE_LICENSE("GPL");

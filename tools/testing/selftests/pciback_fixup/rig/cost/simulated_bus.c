// SPDX-License-Identifier: GPL-2.0
/*
 * A simulated host bridge with ops of its own, which can be unloaded.
 *
 *   bus 0           01.0 to 1f.7   bridges to bus 1 and so on
 *   bus 1           00.0 to 1f.7   Endpoints
 *   bus 2 and so on 00.0           an Endpoint each
 */

#include <linux/module.h>
#include <linux/pci.h>
#include <linux/string.h>

#define BUS_DOMAIN	0x4b55
#define BUS_CAP		0x40

static unsigned int buses = 64;
module_param(buses, uint, 0444);
MODULE_PARM_DESC(buses, "Buses below bridges, up to 248");

static unsigned int functions = 256;
module_param(functions, uint, 0444);
MODULE_PARM_DESC(functions, "Functions of bus 1, up to 256");

static struct pci_sysdata bus_sysdata = {
	.domain = BUS_DOMAIN,
	.node = NUMA_NO_NODE,
};

static u8 bus_endpoint[256] = {
	[PCI_VENDOR_ID] = 0x34, 0x12, 0xef, 0xbe,
	[PCI_STATUS] = PCI_STATUS_CAP_LIST,
	[PCI_CLASS_REVISION + 3] = 0xff,
	[PCI_HEADER_TYPE] = 0x80,
	[PCI_CAPABILITY_LIST] = BUS_CAP,
	[BUS_CAP] = PCI_CAP_ID_EXP,
	[BUS_CAP + PCI_EXP_FLAGS] = 0x02,
};

/* The device number counts from 1; 00.0 would be a host bridge. */
static unsigned int bus_bridge_to(unsigned int devfn)
{
	return devfn >= PCI_DEVFN(1, 0) ? devfn - PCI_DEVFN(1, 0) + 1 : 0;
}

static int bus_read(struct pci_bus *bus, unsigned int devfn, int where,
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
		if (bus->number == 1 ? devfn < functions : !devfn)
			memcpy(val, bus_endpoint + where % 253, size);
		else
			*val = ~0;
		return PCIBIOS_SUCCESSFUL;
	}

	to = bus_bridge_to(devfn);
	if (!to || to > buses || where + size > sizeof(bridge)) {
		*val = ~0;
		return PCIBIOS_SUCCESSFUL;
	}
	bridge[PCI_SECONDARY_BUS] = to;
	bridge[PCI_SUBORDINATE_BUS] = to;
	memcpy(val, bridge + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int bus_write(struct pci_bus *bus, unsigned int devfn, int where,
		     int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops bus_ops = {
	.read = bus_read,
	.write = bus_write,
};

static struct pci_bus *bus_root;

static int __init bus_init(void)
{
	LIST_HEAD(resources);

	pci_lock_rescan_remove();
	bus_root = pci_scan_root_bus(NULL, 0, &bus_ops, &bus_sysdata, &resources);
	if (bus_root)
		pci_bus_add_devices(bus_root);
	pci_unlock_rescan_remove();
	return bus_root ? 0 : -ENOMEM;
}
module_init(bus_init);

static void __exit bus_exit(void)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(bus_root->bridge);

	pci_lock_rescan_remove();
	pci_stop_root_bus(bus_root);
	/*
	 * Xen 4.17 panics as a device is removed that it could not add
	 * (vpci_remove_device()). So it is told of one that it never knew.
	 */
	bus_sysdata.domain++;
	pci_remove_root_bus(bus_root);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(bridge);
}
module_exit(bus_exit);

MODULE_DESCRIPTION("A simulated PCI host bridge for the tests of xen-pciback-fixup");
MODULE_LICENSE("GPL");

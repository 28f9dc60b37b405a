// SPDX-License-Identifier: GPL-2.0
/* The simulated host bridge */

#include <linux/string.h>

#include "fixup_kunit_bridge.h"

u8 sim_config[SIM_BUSES][256][256];

static int sim_read(struct pci_bus *bus, unsigned int devfn, int where,
		    int size, u32 *val)
{
	*val = ~0;
	if (bus->number < SIM_BUSES && where + size <= 256) {
		*val = 0;
		memcpy(val, &sim_config[bus->number][devfn][where], size);
	}
	return PCIBIOS_SUCCESSFUL;
}

int sim_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops sim_ops = {
	.read = sim_read,
	.write = sim_write,
};

void sim_clear(void)
{
	memset(sim_config, 0xff, sizeof(sim_config));
}

void sim_function(int bus, unsigned int devfn, u8 cap, u16 flags)
{
	u8 *config = sim_config[bus][devfn];

	memset(config, 0, 256);
	*(__le32 *)(config + PCI_VENDOR_ID) = cpu_to_le32(0xbeef1234);
	config[PCI_CLASS_REVISION + 3] = 0xff;
	config[PCI_HEADER_TYPE] = 0x80;	/* with more functions */
	config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config[PCI_CAPABILITY_LIST] = cap;
	config[cap + PCI_CAP_LIST_ID] = PCI_CAP_ID_EXP;
	config[cap + PCI_EXP_FLAGS] = flags;
	if (cap + PCI_EXP_FLAGS + 1 < 256)
		config[cap + PCI_EXP_FLAGS + 1] = flags >> 8;
}

void sim_bridge(unsigned int devfn, bool root_port, u8 to, u8 last)
{
	u8 *config = sim_config[0][devfn];

	sim_function(0, devfn, 0x40, 0x0042);
	if (!root_port)
		config[PCI_STATUS] = 0;
	config[PCI_CLASS_DEVICE] = 0x04;
	config[PCI_CLASS_DEVICE + 1] = 0x06;
	config[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_BRIDGE;
	config[PCI_SECONDARY_BUS] = to;
	config[PCI_SUBORDINATE_BUS] = last;
}

struct pci_bus *sim_scan(struct pci_sysdata *sysdata, int domain, struct pci_ops *ops)
{
	LIST_HEAD(resources);
	struct pci_bus *root;

	sysdata->domain = domain;
	sysdata->node = NUMA_NO_NODE;
	pci_lock_rescan_remove();
	root = pci_scan_root_bus(NULL, 0, ops, sysdata, &resources);
	if (root)
		pci_bus_add_devices(root);
	pci_unlock_rescan_remove();
	return root;
}

void sim_remove(struct pci_bus *root)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(root->bridge);
	struct pci_sysdata *sysdata = root->sysdata;

	pci_lock_rescan_remove();
	pci_stop_root_bus(root);
	/*
	 * Xen 4.17 panics when a device is removed that it could not add
	 * (vpci_remove_device()). This tells it of one that it never knew.
	 */
	sysdata->domain += 0x100;
	pci_remove_root_bus(root);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(bridge);
}

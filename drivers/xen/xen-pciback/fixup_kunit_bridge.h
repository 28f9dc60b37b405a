/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A simulated host bridge with real struct pci_bus and pci_dev below it, for the
 * KUnit suites, and for the modules that tests and make bench load beside the driver.
 */
#ifndef __XEN_PCIBACK_FIXUP_KUNIT_BRIDGE_H__
#define __XEN_PCIBACK_FIXUP_KUNIT_BRIDGE_H__

#include <linux/pci.h>

#define SIM_DOMAIN	0x4b55
#ifndef SIM_BUSES
#define SIM_BUSES	4
#endif

/* Config space without its extended part, by bus and devfn: all ones where nothing is */
extern u8 sim_config[SIM_BUSES][256][256];

/* Read sim_config[], and ignore writes */
extern struct pci_ops sim_ops;
int sim_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 val);

/* Empty sim_config[] */
void sim_clear(void);

/* An Endpoint with its PCI Express Capability at @cap, whose register is @flags */
void sim_function(int bus, unsigned int devfn, u8 cap, u16 flags);

/* A Root Port or a conventional bridge on bus 0, with the buses @to to @last below it */
void sim_bridge(unsigned int devfn, bool root_port, u8 to, u8 last);

/* Both take pci_lock_rescan_remove(). sim_scan() returns the root bus, or NULL. */
struct pci_bus *sim_scan(struct pci_sysdata *sysdata, int domain, struct pci_ops *ops);
void sim_remove(struct pci_bus *root);

#endif /* __XEN_PCIBACK_FIXUP_KUNIT_BRIDGE_H__ */

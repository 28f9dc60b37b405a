/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __XEN_PCIBACK_FIXUP_BUS_H__
#define __XEN_PCIBACK_FIXUP_BUS_H__

#include <linux/atomic.h>
#include <linux/mutex.h>

struct pci_dev;

/**
 * struct xen_pcibk_fixup_fn - What is known of a BDF
 * @flags_end: config space offset after the flags byte; 0 if the function is off
 * @attached: bound to pciback
 * @written: what was last written to rciep: 1 for on, -1 for off, 0 for nothing
 * @hits: reads that were changed, modulo 2^32
 *
 * Written with xen_pcibk_fixup_lock held, but for @hits, which any reader of
 * config space increments. @flags_end and @attached are also loaded without it.
 */
struct xen_pcibk_fixup_fn {
	u8 flags_end;
	bool attached;
	s8 written;
	atomic_t hits;
};

extern struct mutex xen_pcibk_fixup_lock;

struct xen_pcibk_fixup_fn *xen_pcibk_fixup_find(struct pci_dev *pdev);
struct xen_pcibk_fixup_fn *xen_pcibk_fixup_record(struct pci_dev *pdev);
int xen_pcibk_fixup_on(struct pci_dev *pdev);
void xen_pcibk_fixup_off(struct pci_dev *pdev);
void xen_pcibk_fixup_leave(void);

#endif /* __XEN_PCIBACK_FIXUP_BUS_H__ */

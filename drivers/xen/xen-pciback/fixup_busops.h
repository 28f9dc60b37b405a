/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __XEN_PCIBACK_FIXUP_BUSOPS_H__
#define __XEN_PCIBACK_FIXUP_BUSOPS_H__

#include <linux/types.h>

struct pci_dev;

int fixup_busops_add(struct pci_dev *pdev);
void fixup_busops_del(struct pci_dev *pdev);
bool fixup_busops_has(struct pci_dev *pdev);
int fixup_busops_switch(struct pci_dev *pdev, bool on);
bool fixup_busops_is_on(struct pci_dev *pdev);
unsigned long fixup_busops_hits(struct pci_dev *pdev);
int fixup_busops_guest_flags(struct pci_dev *pdev, u16 *flags);
int fixup_busops_hardware_flags(struct pci_dev *pdev, u16 *flags);
void fixup_busops_exit(void);

#endif /* __XEN_PCIBACK_FIXUP_BUSOPS_H__ */

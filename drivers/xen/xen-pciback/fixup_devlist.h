/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __XEN_PCIBACK_FIXUP_DEVLIST_H__
#define __XEN_PCIBACK_FIXUP_DEVLIST_H__

#include <linux/types.h>

/* In place of a device or a function number: any of them. */
#define FIXUP_DEVLIST_ANY		(-1)

/**
 * struct fixup_devlist_slot - One item of a device list
 * @domain: PCI segment, 0 to INT_MAX
 * @bus: bus number, 0 to 0xff
 * @dev: device number, 0 to 0x1f, or %FIXUP_DEVLIST_ANY
 * @fn: function number, 0 to 7, or %FIXUP_DEVLIST_ANY
 */
struct fixup_devlist_slot {
	int domain;
	int bus;
	int dev;
	int fn;
};

int fixup_devlist_next(const char **list, struct fixup_devlist_slot *slot);
bool fixup_devlist_all(const char *list);
bool fixup_devlist_match(const struct fixup_devlist_slot *slot, int domain,
			 int bus, unsigned int devfn);

#endif /* __XEN_PCIBACK_FIXUP_DEVLIST_H__ */

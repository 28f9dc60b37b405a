// SPDX-License-Identifier: GPL-2.0
/*
 * What stands in the way of a device, in one line: it is not there, not bound to
 * pciback, no endpoint, or the module does not have it.
 */

#include <unistd.h>

#include "pciback-fixup.h"

bool is_dom0(void)
{
	AUTOFREE char *type = first_line("/sys/hypervisor/type");
	AUTOFREE char *features = first_line("/sys/hypervisor/properties/features");
	size_t length = features ? strlen(features) : 0;

	/* A bit map in hexadecimal, in which bit 11 is XENFEAT_dom0. */
	return type && !strcmp(type, "xen") && length >= 3 &&
	       strtoul(features + length - 3, NULL, 16) & 1 << 11;
}

int require_bound(const struct slot *slot, const struct device *dev)
{
	struct slot_text bdf = slot_text(slot);

	if (!slot_is_bdf(slot))
		return complain("%s: none of these is an endpoint that is bound to pciback; to see what is: pciback-fixup list",
				bdf.text);
	if (!dev)
		return complain("%s: no such device; to see which there are: lspci -D", bdf.text);
	if (!dev->bound)
		return complain("%s: not bound to pciback; to bind it: %sxl pci-assignable-add %s",
				bdf.text, exists(PCIBACK) ? "" : "modprobe xen-pciback && ",
				bdf.text);
	return 0;
}

int require_type(const struct device *dev)
{
	if (dev->hardware_type != TYPE_UNKNOWN && dev->guest_type != TYPE_UNKNOWN)
		return 0;
	return complain("%s: its type cannot be read; %s", dev->bdf,
			geteuid() ? "run this as root" : "it does not answer, see dmesg");
}

int require_endpoint(const struct device *dev)
{
	if (require_type(dev))
		return -1;
	if (!type_is_endpoint(dev->hardware_type))
		return complain("%s: not an endpoint, and so never changed: its type is %s",
				dev->bdf, type_name(dev->hardware_type));
	return 0;
}

int require_switchable(const struct device *dev)
{
	if (require_endpoint(dev))
		return -1;
	if (!exists(LOADED))
		return complain("%s: the module is not loaded; to load it: modprobe xen-pciback-fixup",
				dev->bdf);
	if (!dev->offered)
		return complain("%s: the module could not take it on, see dmesg; to retry: xl pci-assignable-remove %s && xl pci-assignable-add %s",
				dev->bdf, dev->bdf, dev->bdf);
	return 0;
}

int each_bound(const struct devices *devices, const struct list *slots,
	       int (*handle)(const struct device *dev, void *data), void *data)
{
	const struct device *dev, *there;
	int i, j, ret, status = 0;
	bool found;

	if (!devices->bound && !slots->count)
		complain("no device is bound to pciback; to bind one: xl pci-assignable-add BDF");
	for (j = 0; j < slots->count || (!j && !slots->count); j++) {
		found = !slots->count;
		there = NULL;
		for (i = 0; i < devices->count; i++) {
			dev = &devices->all[i];
			if (slots->count && !slot_covers(&slots->slots[j], &dev->slot))
				continue;
			there = there ?: dev;
			if (!dev->bound)
				continue;
			found = true;
			ret = handle(dev, data);
			status = status < ret ? ret : status;
		}
		if (!found) {
			require_bound(&slots->slots[j], there);
			status = ERROR;
		}
	}
	return status;
}

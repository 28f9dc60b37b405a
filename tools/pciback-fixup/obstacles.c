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

char *pciback_remedy(void)
{
	AUTO(boot_free) struct boot boot = { 0 };

	if (!is_dom0())
		return format("boot this machine under Xen, as dom0");
	if (exists(PCIBACK))
		return NULL;
	if (boot_read(&boot, MODULE_PCIBACK))
		return format("see the error");
	if (!boot.loads)
		return format("%s, then %s", boot.problem,
			      boot.builtin || boot.on_cmdline ? "reboot" : "modprobe xen-pciback");
	return format(boot.builtin ? "see dmesg, as it is built into the kernel" :
		      "modprobe xen-pciback");
}

int require_pciback(void)
{
	AUTOFREE char *remedy = pciback_remedy();

	if (!remedy)
		return 0;
	return complain("%s; to do: %s",
			is_dom0() ? "pciback is not there" : "this is not a Xen dom0", remedy);
}

int require_some(const char *what)
{
	if (!require_pciback())
		complain("no %s is bound to pciback; to bind one: xl pci-assignable-add BDF", what);
	return -1;
}

int require_reachable(const struct slot *slot)
{
	if (slot->n[FIXUP_DOMAIN] <= DOMAIN_MAX)
		return 0;
	return complain("%s: Xen cannot pass it through, as its domain is above ffff, like those that Intel VMD makes: switch VMD off in the firmware's setup",
			slot_text(slot).text);
}

int require_bound(const struct slot *slot, const struct device *dev)
{
	const struct slot_text bdf = slot_text(slot);
	const char *why, *purpose = "bind it";
	AUTOFREE char *remedy = NULL;
	struct device now;

	if (require_reachable(slot))
		return -1;
	if (!dev)
		return complain("%s: there is no such device now; to see which there are: lspci -D",
				bdf.text);
	if (!slot_is_bdf(slot))
		return complain("%s: none of these is an endpoint that is bound to pciback; to see what is: pciback-fixup list",
				bdf.text);
	if (dev->bound)
		return 0;
	remedy = pciback_remedy();
	if (remedy)
		return complain("%s: not bound to pciback; to do: %s", bdf.text, remedy);

	now = *dev;
	device_read(&now);
	if (now.hardware_type != TYPE_UNKNOWN && !type_needs_no_change(now.hardware_type) &&
	    require_endpoint(&now))
		return -1;
	if (!dev->driver) {
		why = "";
	} else if (strstr(dev->driver, "vfio") || strstr(dev->driver, "uio") ||
		   !strcmp(dev->driver, "pci-stub")) {
		why = ": a driver for KVM and the like, which has it again after a boot if ids= or an override is still there";
	} else {
		why = ": dom0 may be using it";
		purpose = "bind it all the same";
	}
	return complain("%s: bound to %s, not to pciback%s; to %s: xl pci-assignable-add %s",
			bdf.text, dev->driver ?: "no driver", why, purpose, bdf.text);
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
		require_some("device");
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

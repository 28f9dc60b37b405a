// SPDX-License-Identifier: GPL-2.0
/*
 * Why a device cannot be switched, and the remedy, in one line.
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

/* How to have a module loaded that is not */
static char *load_remedy(struct boot *boot)
{
	if (boot_read(boot))
		return format("see the error");
	if (!boot->loads && (boot->builtin || boot->on_cmdline))
		return format("%s, then reboot", boot->problem);
	if (boot->builtin)
		return format("see dmesg, as it is built into the kernel");
	return format("%s%smodprobe %s", boot->loads ? "" : boot->problem,
		      boot->loads ? "" : ", then ", boot->title);
}

char *pciback_remedy(void)
{
	if (!is_dom0())
		return format("boot this machine under Xen, as dom0");
	return exists(PCIBACK) ? NULL : load_remedy(&boot_pciback);
}

int require_pciback(void)
{
	AUTOFREE char *remedy = pciback_remedy();

	if (!remedy)
		return 0;
	return complain("%s; to do: %s",
			is_dom0() ? "pciback is not there" : "this is not a Xen dom0", remedy);
}

int require_reachable(const struct slot *slot)
{
	if (slot->n[FIXUP_DOMAIN] <= DOMAIN_MAX)
		return 0;
	return complain("%s: Xen cannot pass it through, as its domain is above ffff, like those that Intel VMD makes: switch VMD off in the firmware's setup",
			slot_text(slot).text);
}

int require_bound(const struct slot *slot)
{
	struct device *dev = devices_next(slot, NULL, false);
	AUTOFREE char *remedy = pciback_remedy();
	const char *how = "to bind it", *driver;
	struct slot_text bdf = slot_text(slot);

	if (slot_is_all(slot))
		return require_pciback() ?:
		       complain("no %s is bound to pciback; to bind one: xl pci-assignable-add BDF",
				devices_bound ? "endpoint" : "device");
	if (require_reachable(slot))
		return -1;
	if (!dev)
		return complain("%s: there is no such device now; to see which there are: lspci -D",
				bdf.text);
	if (!slot_is_bdf(slot))
		return complain("%s: none of these is an endpoint that is bound to pciback; to see what is: pciback-fixup list",
				bdf.text);
	if (remedy)
		return complain("%s: not bound to pciback; to do: %s", bdf.text, remedy);

	device_read(dev);
	if (type_is_port(dev->hardware_type))
		return require_endpoint(dev);
	driver = dev->driver ?: "no driver";
	if (strstr(driver, "vfio") || strstr(driver, "uio") || !strcmp(driver, "pci-stub"))
		how = "a driver for KVM and the like, which has it again after a boot if ids= or an override is still there; to bind it now";
	else if (dev->driver)
		how = "dom0 may be using it; if it does not need it";
	return complain("%s: bound to %s, not to pciback; %s: xl pci-assignable-add %s",
			bdf.text, driver, how, bdf.text);
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
	if (!exists(LOADED)) {
		AUTOFREE char *remedy = load_remedy(&boot_fixup);

		return complain("%s: the module is not loaded; to do: %s", dev->bdf, remedy);
	}
	if (!dev->offered)
		return complain("%s: the module could not take it on, see dmesg; to retry: xl pci-assignable-remove %s && xl pci-assignable-add %s",
				dev->bdf, dev->bdf, dev->bdf);
	return 0;
}

int each_bound(const struct list *slots, int (*handle)(const struct device *dev, void *data),
	       void *data)
{
	int i, ret, status = 0;

	for (i = 0; i < slots->count; i++) {
		const struct slot *slot = &slots->slots[i];
		const struct device *dev = devices_next(slot, NULL, true);

		/* If no BDF was given, finding none is no error. */
		if (!dev && require_bound(slot) && !slot_is_all(slot))
			status = ERROR;
		for (; dev; dev = devices_next(slot, dev, true)) {
			ret = handle(dev, data);
			status = status < ret ? ret : status;
		}
	}
	return status;
}

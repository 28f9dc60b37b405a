// SPDX-License-Identifier: GPL-2.0
/*
 * enable and disable: what guests see of a device, now and after the next boot.
 */

#include "pciback-fixup.h"

static const char *explain(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return "run this as root";
	case EBUSY:
		return "another module has replaced the config space operations of its bus, dmesg says which";
	case EIO:
		return "guests would not see the change, dmesg says why";
	default:
		return "see dmesg";
	}
}

static int switch_device(const struct device *dev, bool on)
{
	const struct holder *holder;
	struct device now = *dev;
	int err;

	if (type_needs_no_change(dev->hardware_type)) {
		printf("%s: needs no change: its type is %s\n", dev->bdf,
		       type_name(dev->hardware_type));
		return 0;
	}
	if ((on && require_reachable(&dev->slot)) || require_switchable(dev))
		return -1;

	err = device_switch(dev, on);
	if (err)
		return complain("%s: rciep cannot be written: %s; %s", dev->bdf, strerror(err),
				explain(err));

	/* The write may succeed and change nothing: read what guests see. */
	device_read(&now);
	if (now.guest_type != (on ? PCI_EXP_TYPE_ROOT_INT_EP : now.hardware_type))
		return complain("%s: rciep was written, but guests still see %s (guest_flags 0x%04x): dmesg says which other module to unload",
				dev->bdf, type_name(now.guest_type), now.guest_flags);

	printf("%s: guests that start now see %s (guest_flags 0x%04x)\n",
	       dev->bdf, type_name(now.guest_type), now.guest_flags);

	holder = domains_find(dev);
	if (holder && dev->rciep != on)
		complain("%s: warning: domain %u (%s) holds it, and keeps the type that it read when it started: shut it down and start it again",
			 dev->bdf, holder->domid, holder->name);
	return 0;
}

/* Switch all that a slot stands for; note what to make persistent. */
static int switch_slot(const struct slot *slot, bool persistent, bool on, struct list *done)
{
	bool one = slot_is_bdf(slot), all = slot_is_all(slot);
	bool found = false, endpoint = false, failed;
	struct device *dev = NULL;
	int ret = 0;

	while ((dev = devices_next(slot, dev, true))) {
		/* A pattern is for devices that can be passed through. */
		if (!one && type_is_port(dev->hardware_type))
			continue;
		found = true;
		endpoint = endpoint || type_is_endpoint(dev->hardware_type);
		/* A device that the module does not know is off already. */
		failed = (on || !persistent || dev->offered ||
			  type_needs_no_change(dev->hardware_type)) && switch_device(dev, on);
		if (failed)
			ret = -1;
		/* If it cannot be switched off now, it is to be off after the next boot. */
		if (all && !(failed && on) && !type_needs_no_change(dev->hardware_type))
			list_add(done, &dev->slot);
	}

	if (!found && (all || !persistent))
		return require_bound(slot);
	if (!found && on) {
		if (require_reachable(slot))
			return -1;
		dev = devices_next(slot, NULL, false);
		/* If the device is there, check its type. */
		if (one && dev) {
			device_read(dev);
			if (type_needs_no_change(dev->hardware_type))
				return switch_device(dev, on);
			if (require_endpoint(dev))
				return -1;
		}
		printf("%s: %s; shown as RCiEP whenever it is bound, from the next load of the module on\n",
		       slot_text(slot).text,
		       dev ? "not bound to pciback now" : "there is no such device now (see lspci -D)");
	}
	if (!all && (!on || (!ret && (endpoint || !found))))
		list_add(done, slot);
	return ret;
}

int switch_devices(const struct list *slots, bool persistent, bool on)
{
	AUTO(list_free) struct list done = { 0 };
	int i, status = 0;

	for (i = 0; i < slots->count; i++)
		if (switch_slot(&slots->slots[i], persistent, on, &done))
			status = FAILED;
	if (persistent && done.count && persist(&done, on))
		status = FAILED;
	return status;
}

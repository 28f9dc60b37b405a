// SPDX-License-Identifier: GPL-2.0
/*
 * Show guests a passed-through PCI Express endpoint as one that is part of the
 * root complex.
 *
 * This file decides for which devices, by the module parameter "devices" and
 * by what was written to the devices' sysfs files. It follows the devices that
 * are bound to xen-pciback with a notifier of the PCI bus, so it makes no
 * difference which of the two drivers was loaded first, and a device is
 * switched on before the toolstack that had it bound can go on.
 *
 * Locks. The driver core calls the notifier with the device's lock held, and
 * so is each device attached and detached: that is what keeps the two apart.
 * fixup_writes_lock is taken below it, and never while a sysfs directory is
 * being removed, since that waits for its stores, which take the lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt pr_fmt

#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <xen/xen.h>

#include "fixup_busops.h"
#include "fixup_devlist.h"
#include "fixup_overlay.h"

static char *devices = "";
module_param(devices, charp, 0444);
MODULE_PARM_DESC(devices, "Devices to show as RCiEP: all, or a list like (0000:03:00.0)(04:00.*)");

/* What was last written to the rciep file of a function. */
struct fixup_write {
	struct list_head node;
	int domain;
	u8 bus;
	u8 devfn;
	bool on;
};

static LIST_HEAD(fixup_writes);
static DEFINE_MUTEX(fixup_writes_lock);

/* No device is attached any more: the module is going. */
static bool fixup_stopping;

static const char *fixup_type_name(struct pci_dev *pdev)
{
	static const char * const names[] = {
		[PCI_EXP_TYPE_ENDPOINT] = "PCI Express Endpoint",
		[PCI_EXP_TYPE_LEG_END] = "PCI Express Legacy Endpoint",
		[PCI_EXP_TYPE_ROOT_PORT] = "Root Port",
		[PCI_EXP_TYPE_UPSTREAM] = "Upstream Switch Port",
		[PCI_EXP_TYPE_DOWNSTREAM] = "Downstream Switch Port",
		[PCI_EXP_TYPE_PCI_BRIDGE] = "PCI Express to PCI/PCI-X Bridge",
		[PCI_EXP_TYPE_PCIE_BRIDGE] = "PCI/PCI-X to PCI Express Bridge",
		[PCI_EXP_TYPE_RC_END] = "Root Complex Integrated Endpoint",
		[PCI_EXP_TYPE_RC_EC] = "Root Complex Event Collector",
	};
	unsigned int type;

	if (!pci_is_pcie(pdev))
		return "conventional PCI function";

	type = pci_pcie_type(pdev);
	if (type >= ARRAY_SIZE(names) || !names[type])
		return "PCI Express function of an unknown type";

	return names[type];
}

static bool fixup_is_endpoint(struct pci_dev *pdev)
{
	return pci_is_pcie(pdev) && fixup_overlay_type(pci_pcie_type(pdev));
}

static bool fixup_is_assignable(struct pci_dev *pdev)
{
	return pdev->dev.driver && !strcmp(pdev->dev.driver->name, "pciback");
}

static bool fixup_slot_matches(const struct fixup_devlist_slot *slot,
			       struct pci_dev *pdev)
{
	return fixup_devlist_match(slot, pci_domain_nr(pdev->bus),
				   pdev->bus->number, pdev->devfn);
}

static bool fixup_listed_by_slot(struct pci_dev *pdev)
{
	struct fixup_devlist_slot slot;
	const char *p = devices;

	if (fixup_devlist_all(devices))
		return false;

	while (fixup_devlist_next(&p, &slot) > 0)
		if (fixup_slot_matches(&slot, pdev))
			return true;

	return false;
}

static struct fixup_write *fixup_find_write(struct pci_dev *pdev)
{
	struct fixup_write *write;

	lockdep_assert_held(&fixup_writes_lock);

	list_for_each_entry(write, &fixup_writes, node)
		if (write->domain == pci_domain_nr(pdev->bus) &&
		    write->bus == pdev->bus->number &&
		    write->devfn == pdev->devfn)
			return write;

	return NULL;
}

/* What was written wins over the module parameter. */
static bool fixup_wanted(struct pci_dev *pdev)
{
	struct fixup_write *write;
	bool wanted;

	mutex_lock(&fixup_writes_lock);
	write = fixup_find_write(pdev);
	wanted = write ? write->on :
		 fixup_devlist_all(devices) || fixup_listed_by_slot(pdev);
	mutex_unlock(&fixup_writes_lock);

	return wanted;
}

static int fixup_switch(struct pci_dev *pdev, bool on)
{
	bool was_on = fixup_busops_is_on(pdev);
	u16 hardware, guest;
	int ret;

	ret = fixup_busops_switch(pdev, on);
	if (ret) {
		pci_err(pdev, "cannot show guests an RCiEP (error %d): they see the %s\n",
			ret, fixup_type_name(pdev));
		return ret;
	}

	if (on && !was_on &&
	    !fixup_busops_hardware_flags(pdev, &hardware) &&
	    !fixup_busops_guest_flags(pdev, &guest))
		pci_info(pdev, "PCI_EXP_FLAGS is %#06x, guests read %#06x\n",
			 hardware, guest);

	return 0;
}

static ssize_t rciep_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%d\n", fixup_busops_is_on(to_pci_dev(dev)));
}

static ssize_t rciep_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	struct fixup_write *write, *new_write = NULL;
	bool on;
	int ret;

	ret = kstrtobool(buf, &on);
	if (ret)
		return ret;

	mutex_lock(&fixup_writes_lock);

	/* First what can fail without a trace. */
	write = fixup_find_write(pdev);
	if (!write) {
		new_write = kzalloc(sizeof(*new_write), GFP_KERNEL);
		if (!new_write) {
			ret = -ENOMEM;
			goto out;
		}
		new_write->domain = pci_domain_nr(pdev->bus);
		new_write->bus = pdev->bus->number;
		new_write->devfn = pdev->devfn;
		write = new_write;
	}

	ret = fixup_switch(pdev, on);
	if (ret) {
		kfree(new_write);
		goto out;
	}

	write->on = on;
	if (new_write)
		list_add(&new_write->node, &fixup_writes);
out:
	mutex_unlock(&fixup_writes_lock);
	return ret ?: count;
}
static DEVICE_ATTR_RW(rciep);

static ssize_t hardware_flags_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	u16 flags;
	int ret;

	ret = fixup_busops_hardware_flags(to_pci_dev(dev), &flags);
	return ret ?: sysfs_emit(buf, "0x%04x\n", flags);
}
static DEVICE_ATTR_RO(hardware_flags);

static ssize_t guest_flags_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	u16 flags;
	int ret;

	ret = fixup_busops_guest_flags(to_pci_dev(dev), &flags);
	return ret ?: sysfs_emit(buf, "0x%04x\n", flags);
}
static DEVICE_ATTR_RO(guest_flags);

static ssize_t hits_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%lu\n", fixup_busops_hits(to_pci_dev(dev)));
}
static DEVICE_ATTR_RO(hits);

static struct attribute *fixup_attrs[] = {
	&dev_attr_rciep.attr,
	&dev_attr_hardware_flags.attr,
	&dev_attr_guest_flags.attr,
	&dev_attr_hits.attr,
	NULL
};

static const struct attribute_group fixup_group = {
	.name = "pciback_fixup",
	.attrs = fixup_attrs,
};

static int fixup_attach(struct pci_dev *pdev)
{
	int ret;

	device_lock_assert(&pdev->dev);

	if (!fixup_is_endpoint(pdev) || fixup_busops_has(pdev) ||
	    READ_ONCE(fixup_stopping))
		return 0;

	ret = fixup_busops_add(pdev);
	if (ret)
		goto err;

	/* Before the directory is there: stores must find it settled. */
	if (fixup_wanted(pdev))
		fixup_switch(pdev, true);

	ret = sysfs_create_group(&pdev->dev.kobj, &fixup_group);
	if (ret)
		goto err_del;

	return 0;

err_del:
	fixup_busops_del(pdev);
err:
	pci_err(pdev, "cannot be shown as an RCiEP (error %d); bind it to pciback again to retry\n",
		ret);
	return ret;
}

static void fixup_detach(struct pci_dev *pdev)
{
	device_lock_assert(&pdev->dev);

	if (!fixup_busops_has(pdev))
		return;

	sysfs_remove_group(&pdev->dev.kobj, &fixup_group);
	fixup_busops_del(pdev);
}

/* A listed device that will never be switched on must not go unnoticed. */
static void fixup_warn_type(struct pci_dev *pdev)
{
	if (!fixup_is_endpoint(pdev) && fixup_listed_by_slot(pdev))
		pci_warn(pdev, "listed in devices=, but left alone: it is no endpoint, its type is %s\n",
			 fixup_type_name(pdev));
}

static int fixup_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (!fixup_is_assignable(pdev))
		return NOTIFY_DONE;

	switch (event) {
	case BUS_NOTIFY_BOUND_DRIVER:
		fixup_warn_type(pdev);
		fixup_attach(pdev);
		return NOTIFY_OK;
	case BUS_NOTIFY_UNBIND_DRIVER:
		/* A device that is removed is unbound first. */
		fixup_detach(pdev);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block fixup_notifier = {
	.notifier_call = fixup_notify,
};

/* Attach what was bound before the notifier was there. */
static int fixup_attach_all(void)
{
	struct pci_dev *pdev = NULL;
	int ret = 0;

	for_each_pci_dev(pdev) {
		fixup_warn_type(pdev);
		device_lock(&pdev->dev);
		if (fixup_is_assignable(pdev))
			ret = fixup_attach(pdev);
		device_unlock(&pdev->dev);
		if (ret) {
			pci_dev_put(pdev);
			return ret;
		}
	}

	return 0;
}

static int fixup_check_devices(void)
{
	struct fixup_devlist_slot slot;
	const char *p = devices;
	const char *start;
	struct pci_dev *pdev;
	int ret;

	if (fixup_devlist_all(devices))
		return 0;

	for (start = p; (ret = fixup_devlist_next(&p, &slot)) > 0; start = p) {
		bool found = false;

		pdev = NULL;
		for_each_pci_dev(pdev)
			found |= fixup_slot_matches(&slot, pdev);
		if (!found)
			pr_notice("devices=: %.*s: there is no such device yet\n",
				  (int)(p - start), start);
	}

	if (ret)
		pr_err("devices=: not a list of slots like (0000:03:00.0)(04:00.*): wrong at \"%s\", character %d\n",
		       p, (int)(p - devices) + 1);

	return ret;
}

static void fixup_undo(void)
{
	struct fixup_write *write, *next;
	struct pci_dev *pdev = NULL;

	/* The notifier stays meanwhile: a device may be removed under us. */
	WRITE_ONCE(fixup_stopping, true);
	for_each_pci_dev(pdev) {
		device_lock(&pdev->dev);
		fixup_detach(pdev);
		device_unlock(&pdev->dev);
	}

	bus_unregister_notifier(&pci_bus_type, &fixup_notifier);
	fixup_busops_exit();

	list_for_each_entry_safe(write, next, &fixup_writes, node)
		kfree(write);
}

static int __init fixup_init(void)
{
	int ret;

	if (!xen_initial_domain()) {
		pr_info("not loaded: this is not a Xen dom0, no guest reads through it\n");
		return -ENODEV;
	}

	ret = fixup_check_devices();
	if (ret)
		return ret;

	ret = bus_register_notifier(&pci_bus_type, &fixup_notifier);
	if (ret)
		return ret;

	ret = fixup_attach_all();
	if (ret)
		fixup_undo();

	return ret;
}
module_init(fixup_init);

static void __exit fixup_exit(void)
{
	fixup_undo();
}
module_exit(fixup_exit);

MODULE_DESCRIPTION("Show guests of xen-pciback PCI Express endpoints as root complex integrated ones");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * Show guests PCI Express endpoints as part of the root complex. The parameter
 * "devices" and writes to sysfs files say which. A notifier of the PCI bus tells
 * which functions are bound to xen-pciback: either driver may be loaded first,
 * and a function is switched on before the toolstack that binds it goes on.
 * Functions are attached and detached with the device's lock held;
 * xen_pcibk_fixup_lock is taken below it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt pr_fmt

#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/wait_bit.h>
#include <xen/xen.h>

#include "fixup_bus.h"
#include "fixup_devlist.h"
#include "fixup_overlay.h"

static char *devices = "";
module_param(devices, charp, 0444);
MODULE_PARM_DESC(devices, "Devices to show as RCiEP: all, or a list like (0000:03:00.0)(04:00.*)");

/* Written with xen_pcibk_fixup_lock held */
static bool fixup_leaving;		/* nothing is attached any more */
static unsigned int fixup_attached;	/* number of functions */

static bool fixup_is_endpoint(struct pci_dev *pdev)
{
	return pci_is_pcie(pdev) && fixup_is_endpoint_type(pci_pcie_type(pdev));
}

static bool fixup_is_listed(struct pci_dev *pdev)
{
	int dev = PCI_SLOT(pdev->devfn), fn = PCI_FUNC(pdev->devfn);
	int slot[FIXUP_NUMBERS];
	const char *p = devices;

	while (fixup_next_slot(&p, slot) > 0)
		if (slot[FIXUP_DOMAIN] == pci_domain_nr(pdev->bus) &&
		    slot[FIXUP_BUS] == pdev->bus->number &&
		    (slot[FIXUP_DEV] == FIXUP_ANY || slot[FIXUP_DEV] == dev) &&
		    (slot[FIXUP_FN] == FIXUP_ANY || slot[FIXUP_FN] == fn))
			return true;

	return false;
}

static void fixup_warn_in_vain(struct pci_dev *pdev)
{
	/* By Device/Port Type */
	static const char * const names[16] = {
		NULL, NULL, NULL, NULL, "Root Port", "Upstream Switch Port",
		"Downstream Switch Port", "PCIe to PCI Bridge", "PCI to PCIe Bridge",
		"Root Complex Integrated Endpoint", "Root Complex Event Collector",
	};

	if (!fixup_is_endpoint(pdev) && fixup_is_listed(pdev))
		pci_warn(pdev, "listed in devices=, but it is not an endpoint and stays as it is: its type is %s\n",
			 !pci_is_pcie(pdev) ? "conventional PCI function" :
			 names[pci_pcie_type(pdev)] ?: "unknown");
}

#define FIXUP_SHOW(name, format, value)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr,	\
			   char *buf)						\
{										\
	return sysfs_emit(buf, format "\n", value);				\
}

FIXUP_SHOW(rciep, "%d", READ_ONCE(xen_pcibk_fixup_find(to_pci_dev(dev))->flags_end) != 0)
FIXUP_SHOW(hardware_flags, "0x%04x", to_pci_dev(dev)->pcie_flags_reg)
FIXUP_SHOW(hits, "%u", atomic_read(&xen_pcibk_fixup_find(to_pci_dev(dev))->hits))

static ssize_t rciep_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	bool on;
	int ret = kstrtobool(buf, &on);

	if (ret)
		return ret;

	mutex_lock(&xen_pcibk_fixup_lock);
	if (on)
		ret = xen_pcibk_fixup_on(pdev);
	else
		xen_pcibk_fixup_off(pdev);
	if (!ret)
		xen_pcibk_fixup_find(pdev)->written = on ? 1 : -1;
	mutex_unlock(&xen_pcibk_fixup_lock);

	return ret ?: count;
}

/* A read on QEMU's way. It waits while config access is blocked. */
static ssize_t guest_flags_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	u16 flags;
	int ret = pci_user_read_config_word(pdev, pdev->pcie_cap + PCI_EXP_FLAGS, &flags);

	return ret ?: sysfs_emit(buf, "0x%04x\n", flags);
}

static DEVICE_ATTR_RW(rciep);
static DEVICE_ATTR_RO(hardware_flags);
static DEVICE_ATTR_ADMIN_RO(guest_flags);
static DEVICE_ATTR_RO(hits);

static const struct attribute_group fixup_group = {
	.name = "pciback_fixup",
	.attrs = (struct attribute *[]){
		&dev_attr_rciep.attr, &dev_attr_hardware_flags.attr,
		&dev_attr_guest_flags.attr, &dev_attr_hits.attr, NULL
	},
};

static bool fixup_is_attached(struct pci_dev *pdev)
{
	struct xen_pcibk_fixup_fn *fn = xen_pcibk_fixup_find(pdev);

	return fn && READ_ONCE(fn->attached);
}

static void fixup_detach(struct pci_dev *pdev, bool has_group)
{
	if (!fixup_is_attached(pdev))
		return;

	if (has_group)
		sysfs_remove_group(&pdev->dev.kobj, &fixup_group);
	mutex_lock(&xen_pcibk_fixup_lock);
	xen_pcibk_fixup_off(pdev);
	WRITE_ONCE(xen_pcibk_fixup_find(pdev)->attached, false);
	WRITE_ONCE(fixup_attached, fixup_attached - 1);
	wake_up_var(&fixup_attached);
	mutex_unlock(&xen_pcibk_fixup_lock);
}

static void fixup_attach(struct pci_dev *pdev)
{
	struct xen_pcibk_fixup_fn *fn;

	fixup_warn_in_vain(pdev);
	if (!fixup_is_endpoint(pdev) || fixup_is_attached(pdev))
		return;

	mutex_lock(&xen_pcibk_fixup_lock);
	fn = fixup_leaving ? NULL : xen_pcibk_fixup_record(pdev);
	if (fn) {
		WRITE_ONCE(fn->attached, true);
		WRITE_ONCE(fixup_attached, fixup_attached + 1);
		atomic_set(&fn->hits, 0);
		if (fn->written ? fn->written > 0 :
		    !strcmp(devices, "all") || fixup_is_listed(pdev))
			xen_pcibk_fixup_on(pdev);
	}
	mutex_unlock(&xen_pcibk_fixup_lock);

	/* Last: a store must find the function attached. */
	if (fn && !sysfs_create_group(&pdev->dev.kobj, &fixup_group))
		return;

	pci_err(pdev, "cannot be shown as an RCiEP: out of memory, or the module is being unloaded; bind it to pciback again to retry\n");
	fixup_detach(pdev, false);
}

static int fixup_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	/* These two come with the device's lock held, some others do not. */
	if (event == BUS_NOTIFY_BOUND_DRIVER &&
	    !strcmp(pdev->dev.driver->name, "pciback"))
		fixup_attach(pdev);
	else if (event == BUS_NOTIFY_UNBIND_DRIVER)
		fixup_detach(pdev, true);

	return NOTIFY_OK;
}

static struct notifier_block fixup_notifier = {
	.notifier_call = fixup_notify,
};

/* Takes the locks of pciback's devices only: AER recovery may hold another's. */
static int fixup_attach_all(void)
{
	struct device_driver *pciback = driver_find("pciback", &pci_bus_type);
	struct pci_dev *pdev = NULL;
	int ret = 0;

	for_each_pci_dev(pdev) {
		if (!pciback || READ_ONCE(pdev->dev.driver) != pciback) {
			fixup_warn_in_vain(pdev);
			continue;
		}

		ret = device_lock_interruptible(&pdev->dev);
		if (ret)
			break;
		if (pdev->dev.driver == pciback)
			fixup_attach(pdev);
		device_unlock(&pdev->dev);
	}
	pci_dev_put(pdev);
	return ret;
}

static int fixup_check_devices(void)
{
	const char *p = devices;
	int slot[FIXUP_NUMBERS];
	struct pci_dev *pdev;
	int ret;

	while ((ret = fixup_next_slot(&p, slot)) > 0) {
		if (slot[FIXUP_FN] == FIXUP_ANY)
			continue;

		pdev = pci_get_domain_bus_and_slot(slot[FIXUP_DOMAIN], slot[FIXUP_BUS],
						   PCI_DEVFN(slot[FIXUP_DEV], slot[FIXUP_FN]));
		if (!pdev)
			pr_notice("devices=: there is no device %04x:%02x:%02x.%x yet\n",
				  slot[0], slot[1], slot[2], slot[3]);
		pci_dev_put(pdev);
	}

	if (ret)
		pr_err("devices=: not a list of slots like (0000:03:00.0)(04:00.*): wrong at \"%s\", character %d\n",
		       p, (int)(p - devices) + 1);

	return ret;
}

static void fixup_exit(void)
{
	struct pci_dev *pdev = NULL;

	mutex_lock(&xen_pcibk_fixup_lock);
	fixup_leaving = true;
	mutex_unlock(&xen_pcibk_fixup_lock);

	for_each_pci_dev(pdev) {
		if (fixup_is_attached(pdev)) {
			device_lock(&pdev->dev);
			fixup_detach(pdev, true);
			device_unlock(&pdev->dev);
		}
	}
	/* bus_remove_device() takes a device off that list before it unbinds it. */
	wait_var_event(&fixup_attached, !READ_ONCE(fixup_attached));
	bus_unregister_notifier(&pci_bus_type, &fixup_notifier);
	xen_pcibk_fixup_leave();
}
module_exit(fixup_exit);

static int __init fixup_init(void)
{
	int ret;

	if (!xen_initial_domain()) {
		pr_info("not loaded: this is not a Xen dom0, no guest reads through it\n");
		return -ENODEV;
	}

	ret = (strcmp(devices, "all") ? fixup_check_devices() : 0) ?:
	      bus_register_notifier(&pci_bus_type, &fixup_notifier);
	if (ret)
		return ret;

	ret = fixup_attach_all();
	if (ret)
		fixup_exit();

	return ret;
}
module_init(fixup_init);

MODULE_DESCRIPTION("Show guests of xen-pciback PCI Express endpoints as root complex integrated ones");
MODULE_VERSION("0.3.0");
MODULE_LICENSE("GPL");

/* From here on for scripts/patches.sh: the tests are a patch of their own. */
#if IS_ENABLED(CONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST)
#include "fixup_main_kunit.c"
#endif

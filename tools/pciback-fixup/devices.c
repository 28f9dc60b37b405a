// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel knows of the devices. libpci finds them, their drivers and
 * capabilities; what the module has of them is in its files in sysfs.
 *
 * Where the module is in charge of a device, the types come from these files:
 * config space would show the hardware type changed. Everywhere else the two
 * types are the same, and config space tells.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pciback-fixup.h"

const char *type_name(unsigned int type)
{
	static const char * const names[] = {
		[PCI_EXP_TYPE_ENDPOINT] = "Endpoint",
		[PCI_EXP_TYPE_LEG_END] = "Legacy Endpoint",
		[PCI_EXP_TYPE_ROOT_PORT] = "Root Port",
		[PCI_EXP_TYPE_UPSTREAM] = "Upstream Port",
		[PCI_EXP_TYPE_DOWNSTREAM] = "Downstream Port",
		[PCI_EXP_TYPE_PCI_BRIDGE] = "PCIe/PCI bridge",
		[PCI_EXP_TYPE_PCIE_BRIDGE] = "PCI/PCIe bridge",
		[PCI_EXP_TYPE_ROOT_INT_EP] = "RCiEP",
		[PCI_EXP_TYPE_ROOT_EC] = "Event Collector",
		[TYPE_CONVENTIONAL] = "conventional PCI",
		[TYPE_UNKNOWN] = "unknown",
	};

	return names[type] ?: "reserved type";
}

bool type_is_endpoint(unsigned int type)
{
	return type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END;
}

/* A file of the module's; -1 with an errno if it is not there. */
static int open_file(const struct device *dev, const char *file, int mode)
{
	char *path = format("%s/sys/bus/pci/devices/%s/pciback_fixup/%s", root, dev->bdf, file);
	int fd = open(path, mode | O_CLOEXEC);

	free(path);
	return fd;
}

/* A number as C writes it; -1 if there is none. */
static long read_number(const struct device *dev, const char *file)
{
	int fd = open_file(dev, file, O_RDONLY);
	char buf[32] = "", *end;
	long number;

	if (fd < 0)
		return -1;
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = '\0';
	close(fd);
	number = strtol(buf, &end, 0);
	return end > buf ? number : -1;
}

static unsigned int flags_type(long flags)
{
	return flags < 0 || flags >= 0xffff ? TYPE_UNKNOWN : (flags & PCI_EXP_FLAGS_TYPE) >> 4;
}

static unsigned int config_type(struct pci_dev *pci)
{
	struct pci_cap *cap;
	u8 octet;

	/* Only root may read further than the header. */
	if (!pci_read_block(pci, 64, &octet, 1) ||
	    pci_read_word(pci, PCI_VENDOR_ID) == 0xffff)
		return TYPE_UNKNOWN;
	cap = pci_find_cap(pci, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	return cap ? flags_type(pci_read_word(pci, cap->addr + PCI_EXP_FLAGS)) : TYPE_CONVENTIONAL;
}

void device_read(struct device *dev)
{
	int dir = open_file(dev, "", O_RDONLY | O_DIRECTORY);

	dev->offered = dir >= 0;
	dev->hits = -1;
	if (!dev->offered) {
		dev->hardware_type = config_type(dev->pci);
		dev->guest_type = dev->hardware_type;
		return;
	}
	close(dir);

	dev->hardware_type = flags_type(read_number(dev, "hardware_flags"));
	dev->guest_flags = read_number(dev, "guest_flags");
	dev->guest_type = flags_type(dev->guest_flags);
	dev->rciep = read_number(dev, "rciep") == 1;
	dev->hits = read_number(dev, "hits");
}

int device_switch(const struct device *dev, bool on)
{
	int fd = open_file(dev, "rciep", O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		err = errno;
	close(fd);
	return err;
}

static void __attribute__((noreturn)) pci_failed(char *fmt, ...)
{
	char message[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	complain("the PCI devices cannot be read: %s", message);
	exit(ERROR);
}

static void pci_quiet(char *fmt, ...)
{
	(void)fmt;
}

static int compare(const void *a, const void *b)
{
	const int *l = ((const struct device *)a)->slot.n;
	const int *r = ((const struct device *)b)->slot.n;
	int i;

	for (i = 0; i < FIXUP_FN && l[i] == r[i]; i++)
		;
	return l[i] - r[i];
}

void devices_scan(struct devices *devices)
{
	struct pci_access *access = need(pci_alloc());
	char *path = format("%s/sys/bus/pci", root);
	const char *driver;
	struct pci_dev *pci;
	struct device *dev;

	access->method = PCI_ACCESS_SYS_BUS_PCI;
	access->error = pci_failed;
	access->warning = pci_quiet;
	pci_set_param(access, "sysfs.path", path);
	free(path);
	pci_init(access);
	pci_scan_bus(access);

	*devices = (struct devices){ .access = access };
	for (pci = access->devices; pci; pci = pci->next)
		devices->count++;
	devices->all = need(calloc(devices->count + 1, sizeof(*dev)));
	dev = devices->all;
	for (pci = access->devices; pci; pci = pci->next, dev++) {
		dev->pci = pci;
		dev->slot = slot_of(pci);
		dev->bdf = format("%s", slot_text(&dev->slot).text);
		pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_DRIVER);
		driver = pci_get_string_property(pci, PCI_FILL_DRIVER);
		dev->bound = driver && !strcmp(driver, "pciback");
		devices->bound += dev->bound;
		if (dev->bound)
			device_read(dev);
	}
	qsort(devices->all, devices->count, sizeof(*dev), compare);
}

void devices_free(struct devices *devices)
{
	int i;

	for (i = 0; i < devices->count; i++)
		free(devices->all[i].bdf);
	free(devices->all);
	pci_cleanup(devices->access);
}

struct device *devices_find(const struct devices *devices, const struct slot *slot)
{
	int i;

	for (i = 0; i < devices->count; i++)
		if (slot_covers(slot, &devices->all[i].slot))
			return &devices->all[i];
	return NULL;
}

char *device_name(const struct devices *devices, const struct device *dev)
{
	char name[256] = "";

	return clean(pci_lookup_name(devices->access, name, sizeof(name),
				     PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
				     dev->pci->vendor_id, dev->pci->device_id) ?: name);
}

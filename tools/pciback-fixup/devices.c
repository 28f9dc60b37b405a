// SPDX-License-Identifier: GPL-2.0
/*
 * The devices, their drivers and capabilities, from libpci. If the module is in
 * charge of a device, its types come from the module's files in sysfs: config
 * space has the guest type. Otherwise both types are the one in config space.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "pciback-fixup.h"

static struct pci_access *libpci;
static struct device *devices;		/* in order */
static int count;
int devices_bound;

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

bool type_needs_no_change(unsigned int type)
{
	return type == PCI_EXP_TYPE_ROOT_INT_EP || type == TYPE_CONVENTIONAL;
}

bool type_is_port(unsigned int type)
{
	return type != TYPE_UNKNOWN && !type_is_endpoint(type) &&
	       !type_needs_no_change(type);
}

/* The path of one of the module's files, below root; to be freed */
static char *file_path(const struct device *dev, const char *file)
{
	return format("/sys/bus/pci/devices/%s/pciback_fixup/%s", dev->bdf, file);
}

/* A number as C writes it; -1 if there is none. */
static long read_number(const struct device *dev, const char *file)
{
	AUTOFREE char *path = file_path(dev, file), *text = first_line(path);
	char *end = text;
	long number = text ? strtol(text, &end, 0) : -1;

	return end > text ? number : -1;
}

static unsigned int flags_type(long flags)
{
	return flags < 0 || flags >= 0xffff ? TYPE_UNKNOWN : (flags & PCI_EXP_FLAGS_TYPE) >> 4;
}

static unsigned int config_type(struct pci_dev *pci)
{
	struct pci_cap *cap;
	u8 header[64 + 1];

	/*
	 * Only root may read more than the header. It is all ones if the device is gone;
	 * a virtual function has ones in its IDs only.
	 */
	if (!pci_read_block(pci, 0, header, sizeof(header)) ||
	    (header[0] == 0xff && !memcmp(header, header + 1, 64 - 1)))
		return TYPE_UNKNOWN;
	cap = pci_find_cap(pci, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	return cap ? flags_type(pci_read_word(pci, cap->addr + PCI_EXP_FLAGS)) : TYPE_CONVENTIONAL;
}

void device_read(struct device *dev)
{
	AUTOFREE char *dir = file_path(dev, "");

	dev->offered = exists(dir);
	dev->hits = -1;
	if (!dev->offered) {
		dev->hardware_type = config_type(dev->pci);
		dev->guest_type = dev->hardware_type;
		return;
	}

	dev->hardware_type = flags_type(read_number(dev, "hardware_flags"));
	dev->guest_flags = read_number(dev, "guest_flags");
	dev->guest_type = flags_type(dev->guest_flags);
	dev->rciep = read_number(dev, "rciep") == 1;
	dev->hits = read_number(dev, "hits");
}

int device_switch(const struct device *dev, bool on)
{
	AUTOFREE char *path = file_path(dev, "rciep"), *full = format("%s%s", root, path);
	int fd = open(full, O_WRONLY | O_CLOEXEC), err = 0;

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

static int compare(const void *a, const void *b)
{
	const char *l = ((const struct device *)a)->bdf;
	const char *r = ((const struct device *)b)->bdf;

	/* A longer one has a larger domain. */
	return (int)strlen(l) - (int)strlen(r) ?: strcmp(l, r);
}

void devices_scan(void)
{
	AUTOFREE char *path = format("%s/sys/bus/pci", root);
	struct pci_dev *pci;
	struct device *dev;

	libpci = need(pci_alloc());
	libpci->method = PCI_ACCESS_SYS_BUS_PCI;
	libpci->error = pci_failed;
	pci_set_param(libpci, "sysfs.path", path);
	pci_init(libpci);
	libpci->warning = libpci->debug;	/* which is quiet */
	pci_scan_bus(libpci);

	for (pci = libpci->devices; pci; pci = pci->next) {
		devices = need(realloc(devices, (count + 1) * sizeof(*dev)));
		dev = &devices[count++];
		*dev = (struct device){
			.pci = pci,
			.slot = { { pci->domain, pci->bus, pci->dev, pci->func } },
		};
		strcpy(dev->bdf, slot_text(&dev->slot).text);
		pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_DRIVER);
		dev->driver = pci_get_string_property(pci, PCI_FILL_DRIVER);
		dev->bound = dev->driver && !strcmp(dev->driver, "pciback");
		devices_bound += dev->bound;
		if (dev->bound)
			device_read(dev);
	}
	qsort(devices, count, sizeof(*dev), compare);
}

struct device *devices_next(const struct slot *slot, const struct device *after, bool bound)
{
	struct device *dev = devices + (after ? after - devices + 1 : 0);

	for (; dev < devices + count; dev++)
		if (slot_covers(slot, &dev->slot) && (dev->bound || !bound))
			return dev;
	return NULL;
}

char *device_name(const struct device *dev)
{
	char name[256] = "";

	return clean(pci_lookup_name(libpci, name, sizeof(name),
				     PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
				     dev->pci->vendor_id, dev->pci->device_id) ?: name);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel knows of the devices, from sysfs, and their names from
 * pci.ids, by libpci.
 *
 * Where the module is in charge of a device, the types come from its files:
 * config space would show the hardware type changed. Everywhere else the two
 * types are the same, and config space tells.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pci/pci.h>

#include "pciback-fixup.h"

static const char *sysfs(void)
{
	return getenv("PCIBACK_FIXUP_SYSFS") ?: "/sys";
}

bool sysfs_has(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", sysfs(), name);
	return !access(path, F_OK);
}

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

static char *device_path(char *path, const struct slot *bdf, const char *file)
{
	snprintf(path, PATH_MAX, "%s/bus/pci/devices/" BDF_FMT "/%s", sysfs(), BDF_ARG(bdf), file);
	return path;
}

static bool has_file(const struct slot *bdf, const char *file)
{
	char path[PATH_MAX];

	return !access(device_path(path, bdf, file), F_OK);
}

static ssize_t read_file(const struct slot *bdf, const char *file, void *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	fd = open(device_path(path, bdf, file), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	close(fd);
	return n;
}

/* A number as C writes it; all ones if there is none, as PCI has it. */
static unsigned long read_number(const struct slot *bdf, const char *file)
{
	char buf[32] = "";

	return read_file(bdf, file, buf, sizeof(buf) - 1) > 0 ? strtoul(buf, NULL, 0) : -1UL;
}

static unsigned int flags_type(unsigned long flags)
{
	return flags >= 0xffff ? TYPE_UNKNOWN : (flags & PCI_EXP_FLAGS_TYPE) >> 4;
}

static unsigned int config_type(const struct slot *bdf)
{
	int left = 48;		/* capabilities that fit; a loop of them ends, too */
	uint8_t c[256], at;
	ssize_t n;

	n = read_file(bdf, "config", c, sizeof(c));
	if (n < 64 || (c[PCI_VENDOR_ID] & c[PCI_VENDOR_ID + 1]) == 0xff)
		return TYPE_UNKNOWN;
	if (!(c[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return TYPE_CONVENTIONAL;
	/* Only root may read further than the header. */
	if (n < (ssize_t)sizeof(c))
		return TYPE_UNKNOWN;

	for (at = c[PCI_CAPABILITY_LIST] & ~3; at >= 64 && left--; at = c[at + 1] & ~3)
		if (c[at] == PCI_CAP_ID_EXP)
			return flags_type(c[at + PCI_EXP_FLAGS] | c[at + PCI_EXP_FLAGS + 1] << 8);
	return TYPE_CONVENTIONAL;
}

static bool is_bound(const struct slot *bdf)
{
	char path[PATH_MAX], target[PATH_MAX] = "";
	const char *name;

	if (readlink(device_path(path, bdf, "driver"), target, sizeof(target) - 1) < 0)
		return false;
	name = strrchr(target, '/');
	return name && !strcmp(name, "/pciback");
}

void device_read(struct device *dev)
{
	const struct slot *bdf = &dev->bdf;

	dev->present = has_file(bdf, "config");
	dev->bound = is_bound(bdf);
	dev->vendor = read_number(bdf, "vendor") & 0xffff;
	dev->device = read_number(bdf, "device") & 0xffff;

	dev->offered = has_file(bdf, "pciback_fixup");
	if (!dev->offered) {
		dev->hardware_type = config_type(bdf);
		dev->guest_type = dev->hardware_type;
		return;
	}

	dev->hardware_type = flags_type(read_number(bdf, "pciback_fixup/hardware_flags"));
	dev->guest_flags = read_number(bdf, "pciback_fixup/guest_flags");
	dev->guest_type = flags_type(dev->guest_flags);
	dev->rciep = read_number(bdf, "pciback_fixup/rciep") == 1;
	dev->hits = read_number(bdf, "pciback_fixup/hits");
}

static int select_bound(const struct dirent *entry)
{
	struct slot bdf;

	return bdf_parse(entry->d_name, &bdf) && is_bound(&bdf);
}

struct device *devices_bound(int *count)
{
	struct dirent **entries = NULL;
	struct device *devices;
	char path[PATH_MAX];
	int i;

	snprintf(path, sizeof(path), "%s/bus/pci/devices", sysfs());
	*count = scandir(path, &entries, select_bound, alphasort);
	if (*count < 0)
		*count = 0;

	devices = calloc(*count + 1, sizeof(*devices));
	if (!devices)
		abort();
	for (i = 0; i < *count; i++) {
		bdf_parse(entries[i]->d_name, &devices[i].bdf);
		device_read(&devices[i]);
		free(entries[i]);
	}
	free(entries);
	return devices;
}

int device_switch(const struct slot *bdf, bool on)
{
	char path[PATH_MAX];
	int fd, err = 0;

	fd = open(device_path(path, bdf, "pciback_fixup/rciep"), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		err = errno;
	close(fd);
	return err;
}

struct pci_access *names_open(void)
{
	struct pci_access *names = pci_alloc();

	/* Names need no bus, and libpci exits if it looks for one and finds none. */
	names->method = PCI_ACCESS_SYS_BUS_PCI;
	pci_init(names);
	return names;
}

const char *names_lookup(struct pci_access *names, const struct device *dev, char *buf, int size)
{
	return pci_lookup_name(names, buf, size, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
			       dev->vendor, dev->device);
}

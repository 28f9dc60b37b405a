/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of pciback-fixup share. The words used here:
 *
 *   BDF             a PCI function: 0000:03:00.0
 *   slot            a BDF, or several of them by wildcards: 0000:03:00.*
 *   hardware type   the Device/Port Type that the device itself reports
 *   guest type      the Device/Port Type that a guest would read now
 */
#ifndef PCIBACK_FIXUP_H
#define PCIBACK_FIXUP_H

#include <stdbool.h>
#include <stdio.h>

/* main.c: say in one line on stderr what is wrong; returns -1 */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* slot.c: how functions are written */
#define SLOT_ANY	(~0u)		/* in place of a device or function number */

struct slot {
	unsigned int domain, bus, dev, fn;
};

#define BDF_FMT		"%04x:%02x:%02x.%x"
#define BDF_ARG(bdf)	(bdf)->domain, (bdf)->bus, (bdf)->dev, (bdf)->fn

const char *slot_parse(const char *text, struct slot *slot);
bool slot_match(const struct slot *slot, const struct slot *bdf);
bool bdf_parse(const char *text, struct slot *bdf);

/* devices.c: what the kernel knows, and names from pci.ids */
#define TYPE_CONVENTIONAL	16	/* behind the 4 bits of the register */
#define TYPE_UNKNOWN		17	/* not readable, or the device is gone */

struct device {
	struct slot bdf;
	bool present;
	bool bound;			/* to pciback */
	unsigned int vendor, device;
	unsigned int hardware_type, guest_type;
	bool offered;			/* by the module; if not, the rest is 0 */
	bool rciep;
	unsigned int guest_flags;
	unsigned long hits;
};

bool sysfs_has(const char *name);
const char *type_name(unsigned int type);
bool type_is_endpoint(unsigned int type);
void device_read(struct device *dev);	/* all about dev->bdf */
struct device *devices_bound(int *count);	/* in order; to be freed */
int device_switch(const struct slot *bdf, bool on);	/* 0, or an errno */
struct pci_access *names_open(void);
const char *names_lookup(struct pci_access *names, const struct device *dev, char *buf, int size);

/* domains.c: who holds a device */
char *domains_read(void);		/* "" if xenstore does not answer; to be freed */
bool domains_find(const char *domains, const struct slot *bdf,
		  unsigned int *domid, char *name, int size);

/* persist.c: the file that modprobe reads; -1 if it cannot be used, with a complaint */
char *slurp(FILE *file);
int persist_listed(const struct slot *bdf);			/* 1: it is */
int persist_set(const struct slot *bdf, bool on);		/* 1: changed */

#endif /* PCIBACK_FIXUP_H */

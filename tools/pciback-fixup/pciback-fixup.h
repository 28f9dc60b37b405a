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

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>
#include <pci/pci.h>

#include "fixup_devlist.h"	/* the module's */

/* Exit statuses. That of check is 1 if all went well and a device would be rejected. */
#define FAILED		1
#define REJECTED	1
#define ERROR		2

/* util.c: messages, memory, paths */
extern const char *root;	/* put before each path: empty but in the tests */

/* Say in one line on stderr what is wrong; returns -1. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *need(void *allocated);	/* ends the program if that is NULL */
char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *clean(const char *text);	/* without what is not UTF-8; to be freed */
void set(char **text, char *value);	/* and free what was there */
bool exists(const char *path);	/* below root */
char *read_file(const char *path);	/* NULL if it is not there, or empty; to be freed */
char *first_line(const char *path);	/* the same, below root */

/* Where the scope of a variable ends, it is freed; or what it points to. */
#define AUTO(function)	__attribute__((cleanup(function)))
#define AUTOFREE	AUTO(free_pointer)
void free_pointer(void *variable);

/* slot.c: how functions are written */
struct slot_text {
	char text[24];
};

struct slot {
	int n[FIXUP_NUMBERS];
};

struct list {
	bool all;			/* instead of slots */
	int count;
	struct slot *slots;
};

bool slot_parse(const char *text, struct slot *slot);
extern const struct slot slot_all;	/* what list, check and --all stand for */
bool slot_is_all(const struct slot *slot);
bool slot_is_bdf(const struct slot *slot);
bool slot_covers(const struct slot *slot, const struct slot *other);
struct slot_text slot_text(const struct slot *slot);

const char *list_parse(const char *text, struct list *list);	/* NULL, or a mistake's place */
void list_add(struct list *list, const struct slot *slot);
bool list_covers(const struct list *list, const struct slot *slot);
char *list_text(const struct list *list);	/* to be freed */
void list_free(struct list *list);

/* Below root */
#define PCIBACK		"/sys/bus/pci/drivers/pciback"
#define LOADED		"/sys/module/xen_pciback_fixup"

/* devices.c: what the kernel knows, and names from pci.ids */
#define TYPE_CONVENTIONAL	16	/* after the 4 bits of the register */
#define TYPE_UNKNOWN		17	/* not readable, or the device is gone */

struct device {
	struct pci_dev *pci;
	struct slot slot;
	char bdf[sizeof(struct slot_text)];
	const char *driver;		/* NULL: none */
	bool bound;			/* to pciback */
	unsigned int hardware_type, guest_type;
	bool offered;			/* by the module; if not, the rest is 0 */
	bool rciep;
	unsigned int guest_flags;
	long hits;			/* -1: not known */
};

struct devices {
	struct pci_access *access;
	int count, bound;
	struct device *all;		/* in order */
};

struct devices devices_scan(void);
void devices_free(struct devices *devices);
/* The next device that slot stands for, or the first; any, or one that is bound */
struct device *devices_next(const struct devices *devices, const struct slot *slot,
			    const struct device *after, bool bound);
void device_read(struct device *dev);	/* its types, and what the module says */
int device_switch(const struct device *dev, bool on);	/* 0, or an errno */
char *device_name(const struct devices *devices, const struct device *dev);
const char *type_name(unsigned int type);
bool type_is_endpoint(unsigned int type);
bool type_needs_no_change(unsigned int type);
bool type_is_port(unsigned int type);	/* or what else is never passed through */

/* domains.c: who holds a device */
struct holder {
	struct slot slot;
	unsigned int domid;
	char *name;			/* UTF-8; may be empty */
};

void domains_read(void);
const struct holder *domains_find(const struct device *dev);

/* loader.c: what has a module loaded at boot */
#define CMDLINE		"the kernel command line"
#define CONF_DIRS	"{/etc,/run,/usr/local/lib,/usr/lib,/lib}"

bool is_name(const char *text, const char *name);	/* '-' is '_' */
bool mentions(const char *text, const char *name);	/* not as a part of another name */
/* The next word without its quotes, split off as the kernel does that; NULL at the end */
char *next_word(char **rest);
/* Files in the order in which they are read, by name: how many; -1 with a complaint */
int files_find(const char *pattern, glob_t *files);
/*
 * Whether a parameter of the kernel command line, a list with commas, has the module. The
 * kernel takes the last one, the name as it has it itself, and nothing after "--".
 */
bool cmdline_lists(const char *parameter, const char *module, bool kernel);
int find_loader(const char *module, char **loader, char **odd);

/* boot.c: what will be in force after the next boot */
#define MODPROBE_CONF	"/etc/modprobe.d/xen-pciback-fixup.conf"
#define LOAD_CONF	"/etc/modules-load.d/xen-pciback-fixup.conf"
#define DEVICES_MAX	1024		/* characters that the kernel takes */
#define DOMAIN_MAX	0xffff		/* that Xen knows */

extern const struct module {
	const char *title, *name;	/* with '-', and with '_' */
	const char *list;		/* the parameter for devices: devices, or hide */
	const char *others;		/* a pattern of its other parameters */
} module_fixup, module_pciback;

struct boot {
	const struct module *module;
	bool builtin;
	char *devices;			/* what the module would get; NULL: nothing */
	char *source;			/* where that is from */
	char *other;			/* the last such place that is not MODPROBE_CONF */
	char *own;			/* what MODPROBE_CONF itself has */
	bool on_cmdline;		/* of the kernel, where it overrules all files */
	char *loader;			/* what has the module loaded; NULL: nothing known */
	char *odd;			/* what was not understood as having it loaded */
	char *wrong;			/* a parameter that it does not have */
	char *blacklist;		/* who keeps it from being loaded but by hand */
	char *problem;			/* why devices= would not be in force; NULL: it would */
	bool loads;			/* modprobe would load it, whatever the boot does */
	struct list list;		/* devices=, parsed */
};

/* Returns -1 if it could not be found out, with a complaint; to be freed in any case. */
int boot_read(struct boot *boot, const struct module *module);
void boot_free(struct boot *boot);

/* persist.c: changing that */
int persist(const struct devices *devices, const struct list *slots, bool on);

/* obstacles.c: what stands in the way of a device; -1 with a complaint that has the remedy */
bool is_dom0(void);
char *pciback_remedy(void);		/* what to do to have pciback; NULL: nothing */
int require_pciback(void);
int require_bound(const struct devices *devices, const struct slot *slot);
int require_reachable(const struct slot *slot);
int require_type(const struct device *dev);
int require_endpoint(const struct device *dev);
int require_switchable(const struct device *dev);
/* The bound devices that slots stand for; complains of those that are not bound. */
int each_bound(const struct devices *devices, const struct list *slots,
	       int (*handle)(const struct device *dev, void *data), void *data);

/* switch.c, list.c, check.c, status.c: the commands; they return an exit status */
int switch_devices(const struct devices *devices, const struct list *slots, bool persistent,
		   bool on);
int list_devices(const struct devices *devices, const struct list *slots, const char *columns,
		 bool json, bool noheadings);
int check_devices(const struct devices *devices, const struct list *slots, bool json);
int show_status(const struct devices *devices, bool json);

/* util.c: tables and JSON. In JSON, LITERAL is printed as it is, or as null if it is empty. */
#define TEXT		SCOLS_JSON_STRING
#define LITERAL		SCOLS_JSON_NUMBER

struct libscols_table *table_new(const char *name, bool json);
void table_column(struct libscols_table *table, const char *name, int flags, int json);
void table_cell(struct libscols_line *line, int column, const char *text);
void table_print(struct libscols_table *table);		/* and free it */

#endif /* PCIBACK_FIXUP_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the parts of pciback-fixup. The words used here:
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

/* Exit statuses */
#define FAILED		1
#define REJECTED	1	/* check: a device would be */
#define ERROR		2

/* util.c: messages, memory, paths */
extern const char *root;	/* put before each path: empty but in the tests */

/* Print an error in one line on stderr; returns -1. */
#define complain(...)	print_error(format(__VA_ARGS__))
int print_error(char *message);		/* and free it */
void *need(void *allocated);	/* ends the program if that is NULL */
char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *clean(const char *text);	/* a copy that is UTF-8; to be freed */
void set(char **text, char *value);	/* and free what was there */
bool exists(const char *path);	/* below root */
char *read_file(const char *path);	/* NULL if it is not there, or empty; to be freed */
char *first_line(const char *path);	/* the same, below root */

/* Free a variable, or what it points to, at the end of its scope. */
#define AUTO(function)	__attribute__((cleanup(function)))
#define AUTOFREE	AUTO(free_pointer)
void free_pointer(void *variable);

/* slot.c: PCI functions as text */
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
extern const struct slot slot_all;	/* for list, check and --all */
bool slot_is_all(const struct slot *slot);
bool slot_is_bdf(const struct slot *slot);
bool slot_covers(const struct slot *slot, const struct slot *other);
struct slot_text slot_text(const struct slot *slot);

const char *list_parse(const char *text, struct list *list);	/* NULL, or a mistake */
void list_add(struct list *list, const struct slot *slot);
bool list_covers(const struct list *list, const struct slot *slot);
char *list_text(const struct list *list);	/* to be freed */
void list_free(struct list *list);

/* Below root */
#define PCIBACK		"/sys/bus/pci/drivers/pciback"
#define LOADED		"/sys/module/xen_pciback_fixup"

/* devices.c: the PCI devices, and their names from pci.ids */
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

void devices_scan(void);	/* once, before all others */
extern int devices_bound;	/* how many are bound to pciback */
/* The first device that slot stands for, or the next one after; maybe only bound ones */
struct device *devices_next(const struct slot *slot, const struct device *after, bool bound);
void device_read(struct device *dev);	/* its types, and what the module says */
int device_switch(const struct device *dev, bool on);	/* 0, or an errno */
char *device_name(const struct device *dev);
const char *type_name(unsigned int type);
bool type_is_endpoint(unsigned int type);
bool type_needs_no_change(unsigned int type);
bool type_is_port(unsigned int type);	/* or another that is never passed through */

/* domains.c: who holds a device */
struct holder {
	struct slot slot;
	unsigned int domid;
	char *name;			/* UTF-8; may be empty */
};

const struct holder *domains_find(const struct device *dev);	/* the first call takes time */

/* loader.c: what loads a module at boot */
#define CMDLINE		"the kernel command line"
#define CONF_DIRS	"{/etc,/run,/usr/local/lib,/usr/lib,/lib}"

/* Whether text has that module's name as a word, with '-' or '_' */
bool mentions(const char *text, const char *name);
/* Split off the next word, as the kernel does, without its quotes; NULL at the end */
char *next_word(char **rest);
/* Find files, and sort them by name, as they are read; their number, or -1 with a complaint */
int files_find(const char *pattern, glob_t *files);
/*
 * Whether a parameter of the kernel command line, a list with commas, has the module. If
 * the kernel reads it, the last one before "--" counts, and the name must be exact.
 */
bool cmdline_lists(const char *parameter, const char *module, bool kernel);
int find_loader(const char *module, char **loader, char **odd);

/* boot.c: how a module will be loaded at the next boot */
#define MODPROBE_CONF	"/etc/modprobe.d/xen-pciback-fixup.conf"
#define LOAD_CONF	"/etc/modules-load.d/xen-pciback-fixup.conf"
#define DEVICES_MAX	1024		/* characters that the kernel takes */
#define DOMAIN_MAX	0xffff		/* that Xen knows */

extern struct boot {
	const char *title, *name;	/* the module's, with '-', and with '_' */
	const char *parameter;		/* for devices: devices, or hide */
	const char *others;		/* a pattern of the others */
	bool builtin;
	char *devices;			/* the list that it would get; NULL: none */
	char *source;			/* the file, or the command line */
	char *other;			/* the last source but MODPROBE_CONF */
	char *own;			/* the list in MODPROBE_CONF */
	bool on_cmdline;		/* which overrules all files */
	char *loader;			/* what loads it; NULL: nothing known */
	char *odd;			/* what names it, but does not load it */
	char *wrong;			/* a parameter that it does not have */
	char *blacklist;		/* a complaint: it is loaded by hand only */
	char *problem;			/* why the list would not be in force, or NULL */
	bool loads;			/* modprobe by hand would load it */
	struct list list;		/* devices, parsed */
} boot_fixup, boot_pciback;

/* Read the configuration, again if need be; -1 with a complaint if that fails */
int boot_read(struct boot *boot);

/* persist.c: change that */
int persist(const struct list *slots, bool on);

/* obstacles.c: -1 with a complaint */
bool is_dom0(void);
char *pciback_remedy(void);		/* how to have pciback; NULL if it is there */
int require_pciback(void);
int require_bound(const struct slot *slot);
int require_reachable(const struct slot *slot);
int require_type(const struct device *dev);
int require_endpoint(const struct device *dev);
int require_switchable(const struct device *dev);
/* For the bound devices that slots stand for; complains of those that are not bound. */
int each_bound(const struct list *slots, int (*handle)(const struct device *dev, void *data),
	       void *data);

/* switch.c, list.c, check.c, status.c: the commands; they return an exit status */
int switch_devices(const struct list *slots, bool persistent, bool on);
int list_devices(const struct list *slots, const char *columns, bool json, bool noheadings);
int check_devices(const struct list *slots, bool json);
int show_status(bool json);

/* util.c: tables and JSON. In JSON, a LITERAL is not quoted, and null if empty. */
#define TEXT		SCOLS_JSON_STRING
#define LITERAL		SCOLS_JSON_NUMBER

struct libscols_table *table_new(const char *name, bool json);
void table_column(struct libscols_table *table, const char *name, int flags, int json);
void table_cell(struct libscols_line *line, int column, const char *text);
void table_print(struct libscols_table *table);		/* and free it */

#endif /* PCIBACK_FIXUP_H */

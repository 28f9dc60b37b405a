// SPDX-License-Identifier: GPL-2.0
/*
 * What is printed: the table of devices, the verdicts of check, the status.
 * Tables and JSON are libsmartcols', as those of lsblk.
 */

#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "pciback-fixup.h"

#define NOTHING_BOUND	"no device is bound to pciback; to bind one: xl pci-assignable-add BDF"

/* Numbers, true and false, and null for an empty text, are printed as they are. */
#define LITERAL		SCOLS_JSON_NUMBER

static struct libscols_table *table_new(const char *name, bool json)
{
	struct libscols_table *table = need(scols_new_table());

	scols_table_set_name(table, name);
	scols_table_enable_json(table, json);
	return table;
}

static void column_add(struct libscols_table *table, const char *name, int flags, int json)
{
	struct libscols_column *column = need(scols_table_new_column(table, name, 0, flags));

	scols_column_set_json_type(column, json);
}

static void cell_set(struct libscols_line *line, int column, const char *text)
{
	if (scols_line_set_data(line, column, text))
		need(NULL);
}

static struct libscols_line *line_add(struct libscols_table *table)
{
	return need(scols_table_new_line(table, NULL));
}

static void table_print(struct libscols_table *table)
{
	/* It prints no JSON, but a sentence, if there is no line. */
	if (scols_table_is_json(table) && scols_table_is_empty(table))
		printf("{\n   \"%s\": []\n}\n", scols_table_get_name(table));
	else if (!scols_table_is_empty(table))
		scols_print_table(table);
	scols_unref_table(table);
}

/* The bound devices that slots stand for, or all; complains of those that are not bound. */
static int each_bound(const struct devices *devices, const struct list *slots,
		      int (*handle)(const struct device *dev, void *data), void *data)
{
	int i, j, ret, status = 0;
	bool found;

	if (!devices->bound && !slots->count)
		complain(NOTHING_BOUND);
	for (j = 0; j < slots->count || (!j && !slots->count); j++) {
		found = !slots->count;
		for (i = 0; i < devices->count; i++) {
			if (!devices->all[i].bound ||
			    (slots->count && !slot_covers(&slots->slots[j], &devices->all[i].slot)))
				continue;
			found = true;
			ret = handle(&devices->all[i], data);
			status = status < ret ? ret : status;
		}
		if (!found) {
			require_bound(&slots->slots[j], devices_find(devices, &slots->slots[j]));
			status = ERROR;
		}
	}
	return status;
}

/* --- list ---------------------------------------------------------------------------------- */

enum { BDF, VENDOR, DEVICE, HARDWARE, GUEST, RCIEP, HITS, DOMID, DOMAIN, PERSISTENT, NAME,
	COLUMNS };

static const struct {
	const char *name;
	bool shown;		/* without --output */
	int flags, json;
} columns[COLUMNS] = {
	[BDF] = { "BDF", true, 0, SCOLS_JSON_STRING },
	[VENDOR] = { "VENDOR", false, 0, SCOLS_JSON_STRING },
	[DEVICE] = { "DEVICE", false, 0, SCOLS_JSON_STRING },
	[HARDWARE] = { "HARDWARE", true, 0, SCOLS_JSON_STRING },
	[GUEST] = { "GUEST", true, 0, SCOLS_JSON_STRING },
	[RCIEP] = { "RCIEP", false, 0, LITERAL },
	[HITS] = { "HITS", true, SCOLS_FL_RIGHT, LITERAL },
	[DOMID] = { "DOMID", false, SCOLS_FL_RIGHT, LITERAL },
	[DOMAIN] = { "DOMAIN", true, SCOLS_FL_TRUNC, SCOLS_JSON_STRING },
	[PERSISTENT] = { "PERSISTENT", true, 0, LITERAL },
	[NAME] = { "NAME", true, SCOLS_FL_TRUNC, SCOLS_JSON_STRING },
};

struct listing {
	const struct devices *devices;
	struct libscols_table *table;
	int chosen[COLUMNS], count;
	bool json, boot_known;
	struct boot boot;
};

static char *boolean(const struct listing *listing, bool value)
{
	return format("%s", listing->json ? (value ? "true" : "false") : (value ? "yes" : "no"));
}

/* The text of a cell, to be freed; NULL if that is not known. */
static char *cell(const struct listing *listing, const struct device *dev, int column)
{
	const struct holder *holder = domains_find(dev);

	switch (column) {
	case BDF:
		return format("%s", dev->bdf);
	case VENDOR:
		return format("0x%04x", dev->pci->vendor_id);
	case DEVICE:
		return format("0x%04x", dev->pci->device_id);
	case HARDWARE:
		return dev->hardware_type == TYPE_UNKNOWN ? NULL :
		       format("%s", type_name(dev->hardware_type));
	case GUEST:
		return dev->guest_type == TYPE_UNKNOWN ? NULL :
		       format("%s", type_name(dev->guest_type));
	case RCIEP:
		return dev->offered ? boolean(listing, dev->rciep) : NULL;
	case HITS:
		return dev->hits >= 0 ? format("%ld", dev->hits) : NULL;
	case DOMID:
		return holder ? format("%u", holder->domid) : NULL;
	case DOMAIN:
		return !holder ? NULL : *holder->name ? format("%s", holder->name) :
		       format("domain %u", holder->domid);
	case PERSISTENT:
		return listing->boot_known ?
		       boolean(listing, !listing->boot.problem &&
			       list_covers(&listing->boot.list, &dev->slot)) : NULL;
	default:
		return device_name(listing->devices, dev);
	}
}

static int list_device(const struct device *dev, void *data)
{
	struct listing *listing = data;
	struct libscols_line *line = line_add(listing->table);
	char *text;
	int i;

	for (i = 0; i < listing->count; i++) {
		text = cell(listing, dev, listing->chosen[i]);
		cell_set(line, i, text && *text ? text : listing->json ? "" : "-");
		free(text);
	}
	return 0;
}

static int choose(struct listing *listing, const char *names)
{
	char *copy = need(strdup(names)), *rest = copy, *name;
	int i, ret = 0;

	while (!ret && (name = strsep(&rest, ","))) {
		for (i = 0; i < COLUMNS && strcasecmp(name, columns[i].name); i++)
			;
		if (i == COLUMNS || listing->count == COLUMNS)
			ret = complain("no column of list, or one too many: \"%s\"; see man pciback-fixup",
				       name);
		else
			listing->chosen[listing->count++] = i;
	}
	free(copy);
	return ret;
}

int list_devices(const struct devices *devices, const struct list *slots, const char *names,
		 bool json, bool noheadings)
{
	struct listing listing = { .devices = devices, .json = json };
	int i, status = 0;

	for (i = 0; i < COLUMNS && !names; i++)
		if (json || columns[i].shown)
			listing.chosen[listing.count++] = i;
	if (names && choose(&listing, names))
		return ERROR;

	listing.table = table_new("devices", json);
	scols_table_enable_noheadings(listing.table, noheadings);
	for (i = 0; i < listing.count; i++) {
		int column = listing.chosen[i];

		column_add(listing.table, columns[column].name, columns[column].flags,
			   columns[column].json);
		/* Where it takes time, it is not asked for in vain. */
		if (column == DOMID || column == DOMAIN)
			domains_read();
		if (column == PERSISTENT && !listing.boot_known) {
			listing.boot_known = !boot_read(&listing.boot);
			status = listing.boot_known ? 0 : FAILED;
		}
	}
	if (each_bound(devices, slots, list_device, &listing))
		status = FAILED;
	table_print(listing.table);
	boot_free(&listing.boot);
	return status;
}

/* --- check --------------------------------------------------------------------------------- */

static bool is_dom0(void)
{
	char *type = first_line("/sys/hypervisor/type");
	char *features = first_line("/sys/hypervisor/properties/features");
	size_t length = features ? strlen(features) : 0;
	/* A bit map in hexadecimal, in which bit 11 is XENFEAT_dom0. */
	bool dom0 = type && !strcmp(type, "xen") && length >= 3 &&
		    strtoul(features + length - 3, NULL, 16) & 1 << 11;

	free(type);
	free(features);
	return dom0;
}

static int judge(const struct device *dev, void *data)
{
	struct libscols_table *table = data;
	const char *verdict = "unknown", *guest = type_name(dev->guest_type);
	unsigned int type = dev->guest_type;
	char *reason = NULL, *remedy = NULL;
	struct libscols_line *line;
	int status = 0;

	if (require_type(dev)) {
		status = ERROR;
		guest = "";
	} else if (type_is_endpoint(type)) {
		status = REJECTED;
		verdict = "would be rejected";
		reason = format("guests see %s, which on bus 0 has no port above it%s", guest,
				dev->rciep ? ", though rciep is 1: dmesg says why" : "");
		if (!dev->rciep)
			remedy = format("%spciback-fixup enable %s",
					exists(LOADED) ? "" : "modprobe xen-pciback-fixup && ",
					dev->bdf);
	} else if (type == PCI_EXP_TYPE_ROOT_INT_EP || type == TYPE_CONVENTIONAL) {
		verdict = "would be accepted";
		reason = format("guests see %s", guest);
	} else {
		verdict = "not judged";
		reason = format("guests see %s, which is no endpoint", guest);
	}

	if (scols_table_is_json(table)) {
		line = line_add(table);
		cell_set(line, 0, dev->bdf);
		cell_set(line, 1, guest);
		cell_set(line, 2, verdict);
		cell_set(line, 3, reason ?: "");
		cell_set(line, 4, remedy ?: "");
	} else if (status != ERROR) {
		printf("%s: %s%s: %s%s%s\n", dev->bdf, verdict,
		       strncmp(verdict, "would", 5) ? "" : " on a PCIe-aware (Q35) chipset", reason,
		       remedy ? "; to change that: " : "", remedy ?: "");
	}
	free(reason);
	free(remedy);
	return status;
}

int check_devices(const struct devices *devices, const struct list *slots, bool json)
{
	static const char * const keys[] = { "BDF", "GUEST", "VERDICT", "REASON", "REMEDY" };
	struct libscols_table *table;
	int i, status;

	if (!is_dom0()) {
		complain("this is not a Xen dom0, so there is nothing to check; to see what it is: cat /sys/hypervisor/type");
		return ERROR;
	}
	if (!exists(PCIBACK)) {
		complain("pciback is not there, so nothing can be bound to it; to load it: modprobe xen-pciback");
		return ERROR;
	}
	table = table_new("devices", json);
	for (i = 0; i < (int)(sizeof(keys) / sizeof(*keys)); i++)
		column_add(table, keys[i], 0, SCOLS_JSON_STRING);
	status = each_bound(devices, slots, judge, table);
	table_print(table);
	return status;
}

/* --- status -------------------------------------------------------------------------------- */

static char *next_step(const struct devices *devices, const struct boot *boot)
{
	const struct device *dev, *rejected = NULL, *lost = NULL;
	int i;

	if (!is_dom0())
		return format("boot this machine under Xen, as dom0");
	if (!exists(PCIBACK))
		return format("modprobe xen-pciback");
	if (!exists(LOADED))
		return format("modprobe xen-pciback-fixup");
	if (boot->problem)
		return format("%s", boot->problem);
	if (!devices->bound)
		return format("xl pci-assignable-add BDF");
	for (i = 0; i < devices->count; i++) {
		dev = &devices->all[i];
		if (!dev->bound)
			continue;
		if (dev->guest_type == TYPE_UNKNOWN)
			return format("look with pciback-fixup check, as root");
		if (type_is_endpoint(dev->guest_type))
			rejected = rejected ?: dev;
		else if (dev->rciep && !list_covers(&boot->list, &dev->slot))
			lost = lost ?: dev;
	}
	if (rejected)
		return format("if its guest is to have a Q35 chipset: pciback-fixup enable --persist %s",
			      rejected->bdf);
	if (lost)
		return format("pciback-fixup enable --persist %s", lost->bdf);
	return format("nothing");
}

int show_status(const struct devices *devices, bool json)
{
	bool dom0 = is_dom0(), pciback = exists(PCIBACK), module = exists(LOADED), known;
	const char *yes = json ? "true" : "yes", *no = json ? "false" : "no";
	char *version = first_line(LOADED "/version"), *bound, *next;
	struct libscols_table *table = table_new("status", json);
	struct libscols_line *line = NULL;
	struct boot boot;
	int i;

	known = !boot_read(&boot);
	bound = format("%d", devices->bound);
	next = known ? next_step(devices, &boot) : format("see the error");

	const struct {
		const char *key, *label, *value;
		int json;
	} fields[] = {
		{ "dom0", "Xen dom0:", dom0 ? yes : no, LITERAL },
		{ "pciback", "pciback:", pciback ? yes : no, LITERAL },
		{ "bound", "devices bound to it:", bound, LITERAL },
		{ "module", "module loaded:", module ? yes : no, LITERAL },
		{ "version", "its version:", version, SCOLS_JSON_STRING },
		{ "loader", "loaded at boot by:", boot.loader, SCOLS_JSON_STRING },
		{ "devices", "devices= at boot:", boot.devices, SCOLS_JSON_STRING },
		{ "source", "which is from:", boot.source, SCOLS_JSON_STRING },
		{ "problem", "problem:", boot.problem, SCOLS_JSON_STRING },
		{ "next", "what to do next:", next, SCOLS_JSON_STRING },
	};
	const int count = sizeof(fields) / sizeof(*fields);

	/* One object for programs; for people, a line for each. */
	scols_table_enable_noheadings(table, true);
	for (i = 0; i < (json ? count : 2); i++)
		column_add(table, fields[i].key, i ? SCOLS_FL_WRAP : 0, fields[i].json);
	for (i = 0; i < count; i++) {
		if (!json || !line)
			line = line_add(table);
		cell_set(line, json ? i : 1, fields[i].value ?: (json ? "" : "-"));
		if (!json)
			cell_set(line, 0, fields[i].label);
	}
	table_print(table);
	boot_free(&boot);
	free(version);
	free(bound);
	free(next);
	return known ? 0 : ERROR;
}

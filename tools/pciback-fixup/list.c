// SPDX-License-Identifier: GPL-2.0
/*
 * list: the devices that are bound to pciback, and what guests see of them.
 */

#include "pciback-fixup.h"

enum column {
	COLUMN_BDF, COLUMN_VENDOR, COLUMN_DEVICE, COLUMN_HARDWARE, COLUMN_GUEST, COLUMN_RCIEP,
	COLUMN_HITS, COLUMN_DOMID, COLUMN_DOMAIN, COLUMN_PERSISTENT, COLUMN_NAME
};
#define COLUMNS		(COLUMN_NAME + 1)

static const struct {
	const char *name;
	bool shown;		/* without --output */
	int flags, json;
} columns[COLUMNS] = {
	[COLUMN_BDF] = { "BDF", true, 0, TEXT },
	[COLUMN_VENDOR] = { "VENDOR", false, 0, TEXT },
	[COLUMN_DEVICE] = { "DEVICE", false, 0, TEXT },
	[COLUMN_HARDWARE] = { "HARDWARE", true, 0, TEXT },
	[COLUMN_GUEST] = { "GUEST", true, 0, TEXT },
	[COLUMN_RCIEP] = { "RCIEP", false, 0, LITERAL },
	[COLUMN_HITS] = { "HITS", true, SCOLS_FL_RIGHT, LITERAL },
	[COLUMN_DOMID] = { "DOMID", false, SCOLS_FL_RIGHT, LITERAL },
	[COLUMN_DOMAIN] = { "DOMAIN", true, SCOLS_FL_TRUNC, TEXT },
	[COLUMN_PERSISTENT] = { "PERSISTENT", true, 0, LITERAL },
	[COLUMN_NAME] = { "NAME", true, SCOLS_FL_TRUNC, TEXT },
};

struct listing {
	struct libscols_table *table;
	enum column chosen[COLUMNS];
	int count;
	bool json, boot_known;
};

static char *boolean(const struct listing *listing, bool value)
{
	return format("%s", listing->json ? (value ? "true" : "false") : (value ? "yes" : "no"));
}

/* The text of a cell, to be freed; NULL if that is not known. */
static char *cell(const struct listing *listing, const struct device *dev, enum column column)
{
	const struct holder *holder = NULL;

	if (column == COLUMN_DOMID || column == COLUMN_DOMAIN)
		holder = domains_find(dev);
	switch (column) {
	case COLUMN_BDF:
		return format("%s", dev->bdf);
	case COLUMN_VENDOR:
		return format("0x%04x", dev->pci->vendor_id);
	case COLUMN_DEVICE:
		return format("0x%04x", dev->pci->device_id);
	case COLUMN_HARDWARE:
		return dev->hardware_type == TYPE_UNKNOWN ? NULL :
		       format("%s", type_name(dev->hardware_type));
	case COLUMN_GUEST:
		return dev->guest_type == TYPE_UNKNOWN ? NULL :
		       format("%s", type_name(dev->guest_type));
	case COLUMN_RCIEP:
		return dev->offered ? boolean(listing, dev->rciep) : NULL;
	case COLUMN_HITS:
		return dev->hits >= 0 ? format("%ld", dev->hits) : NULL;
	case COLUMN_DOMID:
		return holder ? format("%u", holder->domid) : NULL;
	case COLUMN_DOMAIN:
		return !holder ? NULL : *holder->name ? format("%s", holder->name) :
		       format("domain %u", holder->domid);
	case COLUMN_PERSISTENT:
		return listing->boot_known ?
		       boolean(listing, !boot_fixup.problem &&
			       list_covers(&boot_fixup.list, &dev->slot)) : NULL;
	case COLUMN_NAME:
		return device_name(dev);
	}
	return NULL;
}

static int list_device(const struct device *dev, void *data)
{
	struct listing *listing = data;
	struct libscols_line *line = need(scols_table_new_line(listing->table, NULL));
	int i;

	for (i = 0; i < listing->count; i++) {
		AUTOFREE char *text = cell(listing, dev, listing->chosen[i]);

		table_cell(line, i, text && *text ? text : listing->json ? "" : "-");
	}
	return 0;
}

static int choose(struct listing *listing, const char *names)
{
	AUTOFREE char *copy = need(strdup(names));
	char *rest = copy, *name;
	int i;

	while ((name = strsep(&rest, ","))) {
		for (i = 0; i < COLUMNS && strcasecmp(name, columns[i].name); i++)
			;
		if (i == COLUMNS || listing->count == COLUMNS)
			return complain("no column of list, or one too many: \"%s\"; see man pciback-fixup",
					name);
		listing->chosen[listing->count++] = i;
	}
	return 0;
}

int list_devices(const struct list *slots, const char *names, bool json, bool noheadings)
{
	struct listing listing = { .json = json };
	int i, status = 0;

	for (i = 0; i < COLUMNS && !names; i++)
		if (json || columns[i].shown)
			listing.chosen[listing.count++] = i;
	if (names && choose(&listing, names))
		return ERROR;

	listing.table = table_new("devices", json);
	scols_table_enable_noheadings(listing.table, noheadings);
	for (i = 0; i < listing.count; i++) {
		enum column column = listing.chosen[i];

		table_column(listing.table, columns[column].name, columns[column].flags,
			     columns[column].json);
		if (column == COLUMN_PERSISTENT && !listing.boot_known) {
			listing.boot_known = !boot_read(&boot_fixup);
			status = listing.boot_known ? 0 : FAILED;
		}
	}
	if (each_bound(slots, list_device, &listing))
		status = FAILED;
	table_print(listing.table);
	return status;
}

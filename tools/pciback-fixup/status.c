// SPDX-License-Identifier: GPL-2.0
/*
 * status: what is there, what will be there after the next boot, what to do next.
 */

#include "pciback-fixup.h"

static char *next_step(const struct devices *devices, const struct boot *boot)
{
	const struct device *dev, *rejected = NULL, *lost = NULL;
	char *next = pciback_remedy();
	int i;

	if (next)
		return next;
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
	AUTOFREE char *version = first_line(LOADED "/version"), *bound = NULL, *next = NULL;
	struct libscols_table *table = table_new("status", json);
	struct libscols_line *line = NULL;
	AUTO(boot_free) struct boot boot = { 0 };
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
		{ "version", "its version:", version, TEXT },
		{ "loader", "loaded at boot by:", boot.loader, TEXT },
		{ "devices", "devices= at boot:", boot.devices, TEXT },
		{ "source", "which is from:", boot.source, TEXT },
		{ "problem", "problem:", boot.problem, TEXT },
		{ "next", "what to do next:", next, TEXT },
	};
	const int count = sizeof(fields) / sizeof(*fields);

	/* One object for programs; for people, a line for each. */
	scols_table_enable_noheadings(table, true);
	for (i = 0; i < (json ? count : 2); i++)
		table_column(table, fields[i].key, i ? SCOLS_FL_WRAP : 0, fields[i].json);
	for (i = 0; i < count; i++) {
		if (!json || !line)
			line = table_line(table);
		table_cell(line, json ? i : 1, fields[i].value ?: (json ? "" : "-"));
		if (!json)
			table_cell(line, 0, fields[i].label);
	}
	table_print(table);
	return known ? 0 : ERROR;
}

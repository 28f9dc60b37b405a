// SPDX-License-Identifier: GPL-2.0
/*
 * status: what is there, what will be there after the next boot, what to do next.
 */

#include <unistd.h>

#include "pciback-fixup.h"

/* Why a device may not be bound to pciback at the next boot; NULL if it will be */
static char *unbound(const struct device *dev)
{
	AUTOFREE char *path = format("/etc/driverctl.d/pci-%s", dev->bdf), *kept = first_line(path);
	AUTOFREE char *file = format("/sys/bus/pci/devices/%s/driver_override", dev->bdf);
	AUTOFREE char *now = first_line(file);

	if (list_covers(&boot_pciback.list, &dev->slot) || (kept && !strcmp(kept, "pciback")))
		return boot_pciback.problem ? format("%s", boot_pciback.problem) : NULL;
	if (boot_pciback.wrong)
		return format("%s", boot_pciback.wrong);
	return format("%s: not known what binds it at the next boot%s: bound by a service? If not, name it in hide= of xen-pciback, or with driverctl",
		      dev->bdf, now && !strcmp(now, "pciback") ?
		      ", which its driver_override does not outlast" : "");
}

static char *next_step(void)
{
	const struct device *dev = NULL, *first = NULL;
	char *next = pciback_remedy();

	if (next)
		return next;
	if (!exists(LOADED) && boot_fixup.loads)
		return format("modprobe xen-pciback-fixup");
	if (boot_fixup.problem || boot_fixup.wrong || !boot_pciback.loads)
		return format("%s", boot_fixup.problem ?: boot_fixup.wrong ?: boot_pciback.problem);
	if (!devices_bound)
		return format("xl pci-assignable-add BDF");
	while ((dev = devices_next(&slot_all, dev, true))) {
		if (dev->slot.n[FIXUP_DOMAIN] > DOMAIN_MAX)
			continue;
		if (dev->guest_type == TYPE_UNKNOWN) {
			free(next);
			return format("look with pciback-fixup check%s", geteuid() ? ", as root" : "");
		}
		if (type_is_endpoint(dev->guest_type) ||
		    (dev->rciep && !list_covers(&boot_fixup.list, &dev->slot)))
			first = first ?: dev;
		else if (dev->rciep && !next)
			next = unbound(dev);
	}
	if (first)
		set(&next, format("%spciback-fixup enable --persist %s",
				  type_is_endpoint(first->guest_type) ?
				  "if its guest is to have a Q35 chipset: " : "", first->bdf));
	return next ?: format("%s", boot_pciback.wrong ?: "nothing");
}

int show_status(bool json)
{
	bool dom0 = is_dom0(), bound_to = exists(PCIBACK), module = exists(LOADED), known;
	const char *yes = json ? "true" : "yes", *no = json ? "false" : "no";
	AUTOFREE char *version = first_line(LOADED "/version"), *bound = NULL, *next = NULL;
	struct libscols_table *table = table_new("status", json);
	struct libscols_line *line = NULL;
	int i;

	known = !boot_read(&boot_fixup) && !boot_read(&boot_pciback);
	bound = format("%d", devices_bound);
	next = known ? next_step() : format("see the error");

	const struct {
		const char *key, *label, *value;
		int json;
	} fields[] = {
		{ "dom0", "Xen dom0:", dom0 ? yes : no, LITERAL },
		{ "pciback", "pciback:", bound_to ? yes : no, LITERAL },
		{ "bound", "devices bound to it:", bound, LITERAL },
		{ "module", "module loaded:", module ? yes : no, LITERAL },
		{ "version", "its version:", version, TEXT },
		{ "loader", "loaded at boot by:", boot_fixup.loader, TEXT },
		{ "devices", "devices= at boot:", boot_fixup.devices, TEXT },
		{ "source", "which is from:", boot_fixup.source, TEXT },
		{ "problem", "problem:", boot_fixup.problem ?: boot_fixup.wrong, TEXT },
		{ "next", "what to do next:", next, TEXT },
	};
	const int count = sizeof(fields) / sizeof(*fields);

	/* In JSON, all are in one line of the table; otherwise each has its own. */
	scols_table_enable_noheadings(table, true);
	for (i = 0; i < (json ? count : 2); i++)
		table_column(table, fields[i].key, i ? SCOLS_FL_WRAP : 0, fields[i].json);
	for (i = 0; i < count; i++) {
		if (!json || !line)
			line = need(scols_table_new_line(table, NULL));
		table_cell(line, json ? i : 1, fields[i].value ?: (json ? "" : "-"));
		if (!json)
			table_cell(line, 0, fields[i].label);
	}
	table_print(table);
	return known ? 0 : ERROR;
}

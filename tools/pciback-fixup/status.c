// SPDX-License-Identifier: GPL-2.0
/*
 * status: what is there, what will be there after the next boot, what to do next.
 */

#include <unistd.h>

#include "pciback-fixup.h"

/* Why a device may not be bound to pciback at the next boot; NULL: it will be */
static char *unbound(const struct boot *pciback, const struct device *dev)
{
	AUTOFREE char *path = format("/etc/driverctl.d/pci-%s", dev->bdf), *kept = first_line(path);
	AUTOFREE char *file = format("/sys/bus/pci/devices/%s/driver_override", dev->bdf);
	AUTOFREE char *now = first_line(file);

	if (list_covers(&pciback->list, &dev->slot) || (kept && !strcmp(kept, "pciback")))
		return pciback->problem ? format("%s", pciback->problem) : NULL;
	if (pciback->wrong)
		return format("%s", pciback->wrong);
	return format("%s: not known what binds it at the next boot%s: bound by a service? If not, name it in hide= of xen-pciback, or with driverctl",
		      dev->bdf, now && !strcmp(now, "pciback") ?
		      ", which its driver_override does not outlast" : "");
}

static char *next_step(const struct devices *devices, const struct boot *boot,
		       const struct boot *pciback)
{
	const struct device *dev = NULL, *first = NULL;
	char *next = pciback_remedy();

	if (next)
		return next;
	if (!exists(LOADED) && boot->loads)
		return format("modprobe xen-pciback-fixup");
	if (boot->problem || boot->wrong || !pciback->loads)
		return format("%s", boot->problem ?: boot->wrong ?: pciback->problem);
	if (!devices->bound)
		return format("xl pci-assignable-add BDF");
	while ((dev = devices_next(devices, &slot_all, dev, true))) {
		if (dev->slot.n[FIXUP_DOMAIN] > DOMAIN_MAX)
			continue;
		if (dev->guest_type == TYPE_UNKNOWN) {
			free(next);
			return format("look with pciback-fixup check%s", geteuid() ? ", as root" : "");
		}
		if (type_is_endpoint(dev->guest_type) ||
		    (dev->rciep && !list_covers(&boot->list, &dev->slot)))
			first = first ?: dev;
		else if (dev->rciep && !next)
			next = unbound(pciback, dev);
	}
	if (first)
		set(&next, format("%spciback-fixup enable --persist %s",
				  type_is_endpoint(first->guest_type) ?
				  "if its guest is to have a Q35 chipset: " : "", first->bdf));
	return next ?: format("%s", pciback->wrong ?: "nothing");
}

int show_status(const struct devices *devices, bool json)
{
	bool dom0 = is_dom0(), bound_to = exists(PCIBACK), module = exists(LOADED), known;
	const char *yes = json ? "true" : "yes", *no = json ? "false" : "no";
	AUTOFREE char *version = first_line(LOADED "/version"), *bound = NULL, *next = NULL;
	struct libscols_table *table = table_new("status", json);
	struct libscols_line *line = NULL;
	AUTO(boot_free) struct boot boot = { 0 }, pciback = { 0 };
	int i;

	known = !boot_read(&boot, &module_fixup) && !boot_read(&pciback, &module_pciback);
	bound = format("%d", devices->bound);
	next = known ? next_step(devices, &boot, &pciback) : format("see the error");

	const struct {
		const char *key, *label, *value;
		int json;
	} fields[] = {
		{ "dom0", "Xen dom0:", dom0 ? yes : no, LITERAL },
		{ "pciback", "pciback:", bound_to ? yes : no, LITERAL },
		{ "bound", "devices bound to it:", bound, LITERAL },
		{ "module", "module loaded:", module ? yes : no, LITERAL },
		{ "version", "its version:", version, TEXT },
		{ "loader", "loaded at boot by:", boot.loader, TEXT },
		{ "devices", "devices= at boot:", boot.devices, TEXT },
		{ "source", "which is from:", boot.source, TEXT },
		{ "problem", "problem:", boot.problem ?: boot.wrong, TEXT },
		{ "next", "what to do next:", next, TEXT },
	};
	const int count = sizeof(fields) / sizeof(*fields);

	/* One object for programs; for people, a line for each. */
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

// SPDX-License-Identifier: GPL-2.0
/*
 * check: which devices a Windows guest would reject, and the remedy.
 */

#include "pciback-fixup.h"

static int judge(const struct device *dev, void *data)
{
	struct libscols_table *table = data;
	const char *verdict = "unknown", *guest = type_name(dev->guest_type);
	unsigned int type = dev->guest_type;
	AUTOFREE char *reason = NULL, *remedy = NULL;
	struct libscols_line *line;
	int i, status = 0;

	if (require_reachable(&dev->slot) || require_type(dev)) {
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
	} else if (type_needs_no_change(type)) {
		verdict = "would be accepted";
		reason = format("guests see %s", guest);
	} else {
		verdict = "not judged";
		reason = format("guests see %s, which is no endpoint", guest);
	}

	if (scols_table_is_json(table)) {
		const char *cells[] = { dev->bdf, guest, verdict, reason ?: "", remedy ?: "" };

		line = need(scols_table_new_line(table, NULL));
		for (i = 0; i < 5; i++)
			table_cell(line, i, cells[i]);
	} else if (status != ERROR) {
		printf("%s: %s%s: %s%s%s\n", dev->bdf, verdict,
		       strncmp(verdict, "would", 5) ? "" : " on a PCIe-aware (Q35) chipset", reason,
		       remedy ? "; to change that: " : "", remedy ?: "");
	}
	return status;
}

int check_devices(const struct list *slots, bool json)
{
	static const char * const keys[] = { "BDF", "GUEST", "VERDICT", "REASON", "REMEDY" };
	struct libscols_table *table;
	int i, status;

	if (require_pciback())
		return ERROR;
	table = table_new("devices", json);
	for (i = 0; i < (int)(sizeof(keys) / sizeof(*keys)); i++)
		table_column(table, keys[i], 0, TEXT);
	status = each_bound(slots, judge, table);
	table_print(table);
	return status;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Judge each PCI Express function of this machine by the rule of Windows' pci.sys: an
 * Endpoint or Legacy Endpoint needs a PCI Express port above it; a Root Complex
 * Integrated Endpoint does not. Prints a line for each function:
 *   BDF PCI_EXP_FLAGS accepted|rejected
 * With "watch", print the sorted PCI_EXP_FLAGS of all of them every second, for ever:
 * "rig: now PASS FLAGS...". A script would keep the machine busy.
 *
 * usage: fabric_check [watch]
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES		"/sys/bus/pci/devices"
#define MAX		64

/* PCI_EXP_FLAGS of the function with this folder, or -1 if it has none */
static int flags_of(const char *dir)
{
	char path[PATH_MAX];
	uint8_t config[256];
	int fd, at, left;
	ssize_t size;

	snprintf(path, sizeof(path), "%s/config", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	size = pread(fd, config, sizeof(config), 0);
	close(fd);
	if (size != sizeof(config) || !(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return -1;
	at = config[PCI_CAPABILITY_LIST];
	for (left = 48; at >= 64 && at <= 252 && left; left--) {
		if (config[at] == PCI_CAP_ID_EXP)
			return config[at + 2] | config[at + 3] << 8;
		at = config[at + 1];
	}
	return -1;
}

static bool accepted(const char *dir, int flags)
{
	char above[PATH_MAX];
	int type = flags >> 4 & 15;

	if (type != PCI_EXP_TYPE_ENDPOINT && type != PCI_EXP_TYPE_LEG_END)
		return true;
	snprintf(above, sizeof(above), "%s/..", dir);
	flags = flags_of(above);
	type = flags < 0 ? -1 : flags >> 4 & 15;
	return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv)
{
	bool watch = argc == 2 && !strcmp(argv[1], "watch");
	unsigned int pass;
	int flags[MAX + 1];

	for (pass = 1; pass == 1 || watch; pass++, sleep(1)) {
		struct dirent **entries;
		int n = 0, i, count = scandir(DEVICES, &entries, NULL, alphasort);

		if (count < 0)
			err(1, "%s", DEVICES);
		for (i = 0; i < count; i++) {
			const char *name = entries[i]->d_name;
			char dir[sizeof(DEVICES) + 1 + NAME_MAX];

			snprintf(dir, sizeof(dir), DEVICES "/%s", name);
			flags[n] = n < MAX && name[0] != '.' ? flags_of(dir) : -1;
			if (flags[n] >= 0 && !watch)
				printf("%s 0x%04x %s\n", name, flags[n],
				       accepted(dir, flags[n]) ? "accepted" : "rejected");
			n += flags[n] >= 0;
			free(entries[i]);
		}
		free(entries);
		if (!watch)
			return 0;

		qsort(flags, n, sizeof(*flags), by_value);
		printf("rig: now %u", pass);
		for (i = 0; i < n; i++)
			printf(" 0x%04x", flags[i]);
		printf("\n");
		fflush(stdout);
	}
}

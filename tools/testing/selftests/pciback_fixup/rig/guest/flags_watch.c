// SPDX-License-Identifier: GPL-2.0
/*
 * Read PCI_EXP_FLAGS of all PCI Express functions of this machine every second, and say
 * what it is now: "rig: now PASS FLAGS...", sorted. For ever; a script would keep the
 * machine busy.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEVICES		"/sys/bus/pci/devices"
#define STATUS		0x06
#define CAP_LIST	0x10
#define CAP_POINTER	0x34
#define CAP_ID_EXP	0x10
#define MAX		64

/* Its flags, or -1 for a conventional function */
static int flags_of(const char *name)
{
	char path[PATH_MAX];
	uint8_t config[256];
	int fd, at, left;
	ssize_t size;

	snprintf(path, sizeof(path), DEVICES "/%s/config", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	size = pread(fd, config, sizeof(config), 0);
	close(fd);
	if (size != sizeof(config) || !(config[STATUS] & CAP_LIST))
		return -1;
	at = config[CAP_POINTER];
	for (left = 48; at >= 64 && at <= 252 && left; left--) {
		if (config[at] == CAP_ID_EXP)
			return config[at + 2] | config[at + 3] << 8;
		at = config[at + 1];
	}
	return -1;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int main(void)
{
	unsigned int pass, n, i;
	int flags[MAX];

	for (pass = 1;; pass++, sleep(1)) {
		struct dirent *entry;
		DIR *dir = opendir(DEVICES);

		if (!dir)
			err(1, "%s", DEVICES);
		for (n = 0; n < MAX && (entry = readdir(dir)) != NULL;) {
			flags[n] = flags_of(entry->d_name);
			if (flags[n] >= 0)
				n++;
		}
		closedir(dir);
		qsort(flags, n, sizeof(*flags), by_value);
		printf("rig: now %u", pass);
		for (i = 0; i < n; i++)
			printf(" 0x%04x", flags[i]);
		printf("\n");
		fflush(stdout);
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Switch a device on and off at random moments. At each step, guest_flags must be the
 * value in the device's config space; switched off, that must be the hardware's.
 *
 * usage: rciep_toggles BDF OFFSET HARDWARE COUNT on|maybe
 *
 * OFFSET is that of PCI_EXP_FLAGS. With "on", a write of 1 must succeed and be in force.
 * With "maybe" it may fail with EBUSY or EIO, and another module may undo it later.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int config, offset;

static unsigned int read_config(void)
{
	unsigned short flags;

	if (pread(config, &flags, sizeof(flags), offset) != sizeof(flags))
		err(1, "reading config");
	return flags;
}

static unsigned int read_guest_flags(void)
{
	FILE *file = fopen("pciback_fixup/guest_flags", "r");
	unsigned int flags;

	if (!file || fscanf(file, "%x", &flags) != 1)
		err(1, "guest_flags");
	fclose(file);
	return flags;
}

/* Another module may change the value between the two reads: try again. */
static unsigned int look(void)
{
	unsigned int guest, raw, n;

	for (n = 0; n < 5; n++) {
		guest = read_guest_flags();
		raw = read_config();
		if (guest == raw)
			return guest;
	}
	errx(1, "guest_flags is 0x%04x, config has 0x%04x", guest, raw);
}

static bool write_rciep(const char *value)
{
	int fd = open("pciback_fixup/rciep", O_WRONLY);
	ssize_t ret;

	if (fd < 0)
		err(1, "rciep");
	ret = write(fd, value, 1);
	close(fd);
	if (ret != 1 && errno != EBUSY && errno != EIO)
		err(1, "write of %s", value);
	return ret == 1;
}

int main(int argc, char **argv)
{
	unsigned int hardware, changed, flags;
	long count, i, on = 0;
	bool must;

	if (argc != 6)
		errx(2, "usage: rciep_toggles BDF OFFSET HARDWARE COUNT on|maybe");
	if (chdir("/sys/bus/pci/devices") || chdir(argv[1]))
		err(1, "%s", argv[1]);
	config = open("config", O_RDONLY);
	if (config < 0)
		err(1, "config");
	offset = strtol(argv[2], NULL, 0);
	hardware = strtoul(argv[3], NULL, 0);
	changed = (hardware & ~0xf0) | 0x90;
	count = atol(argv[4]);
	must = !strcmp(argv[5], "on");

	for (i = 0; i < count; i++) {
		if (write_rciep("1"))
			on++;
		else if (must)
			err(1, "switch %ld: write of 1", i);
		usleep(random() % 20000);
		flags = look();
		if (flags != changed && (must || flags != hardware))
			errx(1, "switch %ld: on, 0x%04x is read", i, flags);

		if (!write_rciep("0"))
			err(1, "switch %ld: write of 0", i);
		usleep(random() % 20000);
		flags = look();
		if (flags != hardware)
			errx(1, "switch %ld: off, 0x%04x is read", i, flags);
	}
	printf("# %ld times switched: %ld times on, %ld times refused\n", i, on, i - on);

	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Read and write a register of a guest's device with 1, 2 and 4 bytes, without a pause,
 * for ever. Prints counters every second.
 *
 * usage: hammer FILE OFFSET
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const int sizes[] = { 1, 2, 4 };
	unsigned long reads = 0, writes = 0, changed = 0, gone = 0, illegal = 0;
	time_t said = time(NULL);
	int fd, offset;

	if (argc != 3)
		errx(2, "usage: hammer FILE OFFSET");
	offset = strtol(argv[2], NULL, 0);
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);

	for (;;) {
		int size = sizes[(reads + writes) / 2 % 3];
		uint32_t val = random();

		if (pwrite(fd, &val, size, offset) == size)
			writes++;

		val = 0;
		if (pread(fd, &val, size, offset) != size)
			continue;
		reads++;
		/* Endpoint or RCiEP, or all ones if the device is gone */
		if ((val & 0xff) == 0xff)
			gone++;
		else if ((val & 0xf0) == 0x90)
			changed++;
		else if (val & 0xf0)
			illegal++;

		if (time(NULL) != said) {
			said = time(NULL);
			printf("rig: hammer reads %lu changed %lu gone %lu ", reads, changed, gone);
			printf("illegal %lu writes %lu\n", illegal, writes);
			fflush(stdout);
		}
	}
}

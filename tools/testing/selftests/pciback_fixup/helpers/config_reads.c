// SPDX-License-Identifier: GPL-2.0
/*
 * How long a read of a device's config space takes, or a write of 1 and of 0 to its rciep
 * file, in nanoseconds. With QEMU's -icount shift=0 these are instructions. The least of
 * some rounds is printed, as the others include interrupts.
 *
 * usage: config_reads read FILE OFFSET SIZE
 *        config_reads toggle FILE
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	200
#define CALLS	20

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static double least(double a, double b)
{
	return a && a < b ? a : b;
}

static void bench_read(int fd, int offset, int size)
{
	double best = 0;
	uint32_t val;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		double start = now();

		for (i = 0; i < CALLS; i++)
			if (pread(fd, &val, size, offset) != size)
				err(1, "reading");
		best = least(best, (now() - start) / CALLS);
	}
	printf("%.1f\n", best);
}

static void bench_toggle(int fd)
{
	double on = 0, off = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		double start = now(), between, end;

		if (pwrite(fd, "1", 1, 0) != 1)
			err(1, "writing 1");
		between = now();
		if (pwrite(fd, "0", 1, 0) != 1)
			err(1, "writing 0");
		end = now();
		on = least(on, between - start);
		off = least(off, end - between);
	}
	printf("%.1f %.1f\n", on, off);
}

int main(int argc, char **argv)
{
	int toggle = argc == 3 && !strcmp(argv[1], "toggle");
	int fd;

	if (!toggle && (argc != 5 || strcmp(argv[1], "read")))
		errx(2, "usage: config_reads read FILE OFFSET SIZE, or toggle FILE");
	fd = open(argv[2], toggle ? O_WRONLY : O_RDONLY);
	if (fd < 0)
		err(1, "%s", argv[2]);

	if (toggle)
		bench_toggle(fd);
	else
		bench_read(fd, strtol(argv[3], NULL, 0), atoi(argv[4]));

	return 0;
}

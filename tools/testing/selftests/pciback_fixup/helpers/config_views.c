// SPDX-License-Identifier: GPL-2.0
/*
 * Read the 256 bytes of a config space file at every offset with 1 to 6 bytes, and print
 * the values: SIZE OFFSET VALUE. The kernel splits them into reads of 1, 2 and 4 bytes.
 *
 * usage: config_views FILE
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd, size, offset;

	if (argc != 2)
		errx(2, "usage: config_views FILE");

	fd = open(argv[1], O_RDONLY);
	if (fd < 0)
		err(1, "%s", argv[1]);

	for (size = 1; size <= 6; size++) {
		for (offset = 0; offset + size <= 256; offset++) {
			unsigned long long val = 0;	/* x86 is little-endian, as PCI */
			ssize_t n = pread(fd, &val, size, offset);

			if (n != size)
				err(1, "%s: %d bytes at 0x%x: got %zd", argv[1], size, offset, n);
			printf("%d %d %llu\n", size, offset, val);
		}
	}

	return 0;
}

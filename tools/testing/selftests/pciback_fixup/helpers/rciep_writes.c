// SPDX-License-Identifier: GPL-2.0
/*
 * Write random bytes to a device's rciep file. A text that begins with y, 1, n, 0, on or
 * off must be accepted and read back; any other must fail with EINVAL and change nothing.
 * Later kernels also accept t and f (true, false), and then e and d (enabled, disabled).
 *
 * usage: rciep_writes FILE COUNT SEED
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST 10000		/* two pages and more */

static unsigned char text[LONGEST + 1];

static size_t random_text(void)
{
	static const char likely[] = "01yYnNoOfFtTeEdD\n -";
	size_t len, i;

	len = random() % 8;
	if (random() % 64 == 0)
		len = random() % LONGEST;
	for (i = 0; i < len; i++)
		text[i] = random() % 4 ? likely[random() % (sizeof(likely) - 1)] : random() % 256;
	text[len] = '\0';

	return len;
}

/* The expected value, or -1 if it must be refused */
static int meaning(bool accepted)
{
	int second = tolower(text[1]);

	switch (tolower(text[0])) {
	case '1': case 'y':
		return 1;
	case '0': case 'n':
		return 0;
	case 'o':
		return second == 'n' ? 1 : second == 'f' ? 0 : -1;
	case 't': case 'e':
		return accepted ? 1 : -1;
	case 'f': case 'd':
		return accepted ? 0 : -1;
	default:
		return -1;
	}
}

static int state(int fd)
{
	char c;

	if (pread(fd, &c, 1, 0) != 1)
		err(1, "reading it");

	return c - '0';
}

int main(int argc, char **argv)
{
	long taken = 0, refused = 0, i, count;
	int fd, now;

	if (argc != 4)
		errx(2, "usage: rciep_writes FILE COUNT SEED");
	count = atol(argv[2]);
	srandom(atol(argv[3]));
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);

	now = state(fd);
	for (i = 0; i < count; i++) {
		size_t len = random_text();
		ssize_t ret = pwrite(fd, text, len, 0);
		int want = len ? meaning(ret >= 0) : now;

		if (want < 0 ? ret != -1 || errno != EINVAL : ret < 0 || (size_t)ret > len)
			err(1, "write %ld, of %zu bytes, returned %zd", i, len, ret);
		if (want >= 0) {
			now = want;
			taken++;
		} else {
			refused++;
		}
		if (state(fd) != now)
			errx(1, "write %ld, of %zu bytes: rciep is %d, not %d",
			     i, len, state(fd), now);
	}
	printf("# %ld random writes, seed %s: %ld taken, %ld refused\n",
	       count, argv[3], taken, refused);

	return !taken || !refused;
}

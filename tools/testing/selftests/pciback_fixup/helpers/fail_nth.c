// SPDX-License-Identifier: GPL-2.0
/*
 * Write to a file or load a module with its N-th memory allocation made to fail
 * (CONFIG_FAILSLAB). Prints "failed", or "none" if there was no N-th, and the error, or 0.
 *
 * usage: fail_nth N write FILE TEXT
 *        fail_nth N load MODULE_FILE PARAMETERS
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int target, nth, error = 0, load;
	char left[16] = "";
	long ret;

	if (argc != 5)
		errx(2, "usage: fail_nth N write FILE TEXT, or load MODULE_FILE PARAMETERS");
	load = !strcmp(argv[2], "load");

	target = open(argv[3], load ? O_RDONLY : O_WRONLY);
	if (target < 0)
		err(2, "%s", argv[3]);
	nth = open("/proc/self/fail-nth", O_RDWR);
	if (nth < 0 || write(nth, argv[1], strlen(argv[1])) < 0)
		err(2, "/proc/self/fail-nth");
	if (load)
		ret = syscall(SYS_finit_module, target, argv[4], 0);
	else
		ret = write(target, argv[4], strlen(argv[4]));
	if (ret < 0)
		error = errno;

	/* It is 0 once the allocation has failed. */
	if (pread(nth, left, sizeof(left) - 1, 0) < 0 || pwrite(nth, "0", 1, 0) < 0)
		err(2, "/proc/self/fail-nth");
	printf("%s %d\n", atoi(left) ? "none" : "failed", error);

	return 0;
}

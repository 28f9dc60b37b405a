// SPDX-License-Identifier: GPL-2.0
/*
 * What stands in for the system in the tests, linked in place of libxenstore:
 * everything is below $ROOT, and xenstore is a tree of files in $ROOT/xenstore.
 * Where there is a file "hangs" in that, nothing ever answers.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xenstore.h>

#include "pciback-fixup.h"

static void __attribute__((constructor)) set_root(void)
{
	root = getenv("ROOT") ?: "/nonexistent";
}

/* libkmod reads the kernel command line by its full name. */
int open(const char *path, int flags, ...)
{
	char *own = NULL;
	va_list args;
	int fd, mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	if (!strcmp(path, "/proc/cmdline"))
		own = format("%s%s", root, path);
	fd = syscall(SYS_openat, AT_FDCWD, own ?: path, flags, mode);
	free(own);
	return fd;
}

struct xs_handle *xs_open(unsigned long flags)
{
	(void)flags;
	if (exists("/xenstore/hangs"))
		pause();
	return exists("/xenstore") ? (struct xs_handle *)root : NULL;
}

void xs_close(struct xs_handle *xs)
{
	(void)xs;
}

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *key, unsigned int *len)
{
	char *path = format("/xenstore%s", key), *value = first_line(path);

	(void)xs;
	(void)t;
	if (value && len)
		*len = strlen(value);
	free(path);
	return value;
}

/* One allocation, as the real one has it. */
char **xs_directory(struct xs_handle *xs, xs_transaction_t t, const char *key, unsigned int *num)
{
	char *path = format("%s/xenstore%s", root, key), *text, **names;
	struct dirent **entries;
	int i, count = scandir(path, &entries, NULL, alphasort);

	(void)xs;
	(void)t;
	free(path);
	if (count < 0)
		return NULL;
	names = need(malloc(count * (sizeof(*names) + sizeof(entries[0]->d_name))));
	text = (char *)&names[count];
	*num = 0;
	for (i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			names[(*num)++] = text;
			text = stpcpy(text, entries[i]->d_name) + 1;
		}
		free(entries[i]);
	}
	free(entries);
	return names;
}

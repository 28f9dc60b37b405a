// SPDX-License-Identifier: GPL-2.0
/*
 * What stands in for the system in the tests, linked in place of libxenstore:
 * everything is below $ROOT, and xenstore is a tree of files in $ROOT/xenstore.
 * Where there is a file "hangs" in that, nothing ever answers.
 */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
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

/* What has a file "errno" beside it fails to be written with what that says. */
static int failing_fd = -1, failing_errno;

static void note_failing(const char *path, int fd)
{
	const char *name = strrchr(path, '/');
	char *beside = format("%.*s/errno", (int)(name - path - strlen(root)), path + strlen(root));
	char *text = strcmp(name, "/rciep") ? NULL : first_line(beside);

	failing_fd = text ? fd : -1;
	failing_errno = text ? atoi(text) : 0;
	free(text);
	free(beside);
}

ssize_t write(int fd, const void *buf, size_t size)
{
	if (fd != failing_fd)
		return syscall(SYS_write, fd, buf, size);
	errno = failing_errno;
	return -1;
}

/* libkmod reads the kernel command line by its full name, in one way or the other. */
static char *path_below_root(const char *path)
{
	return format("%s%s", strcmp(path, "/proc/cmdline") ? "" : root, path);
}

int open(const char *path, int flags, ...)
{
	char *own = path_below_root(path);
	va_list args;
	int fd, mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	fd = syscall(SYS_openat, AT_FDCWD, own, flags, mode);
	if (fd >= 0 && !strncmp(path, root, strlen(root)) && flags & O_WRONLY)
		note_failing(path, fd);
	free(own);
	return fd;
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*real)(const char *path, const char *mode) = dlsym(RTLD_NEXT, "fopen");
	char *own = path_below_root(path);
	FILE *file = real(own, mode);

	free(own);
	return file;
}

/* The same with 64 bits. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

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

// SPDX-License-Identifier: GPL-2.0
/*
 * Simulates the system for the tests, in place of libxenstore: everything is
 * below $ROOT, and xenstore is a tree of files in $ROOT/xenstore. If that has
 * a file "hangs", xenstored never answers.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xenstore.h>

#include "pciback-fixup.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

static void __attribute__((constructor)) set_root(void)
{
	root = getenv("ROOT") ?: "/nonexistent";
}

/* If there is a file "errno" beside a file, writing fails with that number. */
ssize_t write(int fd, const void *buf, size_t size)
{
	AUTOFREE char *link = format("/proc/self/fd/%d", fd), *path = realpath(link, NULL);
	AUTOFREE char *beside = format("%s/errno", path ? dirname(path) : "");
	AUTOFREE char *text = read_file(beside);

	if (!text)
		return syscall(SYS_write, fd, buf, size);
	errno = atoi(text);
	return -1;
}

/* libkmod opens /proc/cmdline, by open() or fopen(). */
static char *path_below_root(const char *path)
{
	return format("%s%s", strcmp(path, "/proc/cmdline") ? "" : root, path);
}

int open(const char *path, int flags, ...)
{
	AUTOFREE char *own = path_below_root(path);
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	return syscall(SYS_openat, AT_FDCWD, own, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*real)(const char *path, const char *mode) = dlsym(RTLD_NEXT, "fopen");
	AUTOFREE char *own = path_below_root(path);

	return real(own, mode);
}

/* The same with 64 bits. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

struct xs_handle *xs_open(unsigned long flags)
{
	if (exists("/xenstore/hangs"))
		pause();
	return exists("/xenstore") ? (struct xs_handle *)root : NULL;
}

void xs_close(struct xs_handle *xs)
{
}

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *key, unsigned int *len)
{
	AUTOFREE char *path = format("/xenstore%s", key);

	return first_line(path);
}

/* In one allocation, as the real one */
char **xs_directory(struct xs_handle *xs, xs_transaction_t t, const char *key, unsigned int *num)
{
	AUTOFREE char *pattern = format("%s/xenstore%s/*", root, key);
	char *text, **names;
	size_t i;
	AUTO(globfree) glob_t files = { 0 };

	if (glob(pattern, 0, NULL, &files))
		return NULL;
	names = need(malloc(files.gl_pathc * (sizeof(*names) + NAME_MAX + 1)));
	text = (char *)&names[files.gl_pathc];
	for (i = 0; i < files.gl_pathc; i++) {
		names[i] = text;
		text = stpcpy(text, basename(files.gl_pathv[i])) + 1;
	}
	*num = files.gl_pathc;
	return names;
}

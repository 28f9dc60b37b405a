// SPDX-License-Identifier: GPL-2.0
/*
 * The two files that this command writes: the list of devices for modprobe, and
 * the module's name for systemd-modules-load. Each is replaced as a whole, or
 * removed once it is not needed. All other files are read and never changed.
 */

#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pciback-fixup.h"

#define HEADER	"# Written by pciback-fixup"
#define FIRST_LINE	HEADER ", which replaces this file: make changes by enable and disable --persist.\n"
#define LOCK	"/run/pciback-fixup.lock"

static int failed(const char *path, const char *what)
{
	return complain("%s: cannot be %s: %s%s", path, what, strerror(errno),
			errno == EACCES || errno == EPERM ? "; run this as root" : "");
}

/* Until the command ends. Only root can open the file, and thus have others wait. */
static int lock(void)
{
	AUTOFREE char *path = format("%s" LOCK, root);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 || flock(fd, LOCK_EX) ? failed(path, "locked") : fd;
}

static bool is_ours(const char *path)
{
	AUTOFREE char *text = read_file(path);

	return text && !strncmp(text, HEADER, strlen(HEADER));
}

/* Complain of a file that is not for us to replace. */
static int require_ours(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : failed(path, "read");
	if (!S_ISREG(st.st_mode))
		return complain("%s: is not a regular file: remove it, then try again", path);
	if (!is_ours(path))
		return complain("%s: was not written by this command: remove it, then try again, also with the devices that it lists",
				path);
	return 0;
}

/* A new file replaces the old one, so that nobody reads half of one. */
static int write_file(const char *path, const char *text)
{
	/* The name must not end in .conf, or it would be read. */
	AUTOFREE char *temp = format("%s.XXXXXX", path), *copy = need(strdup(path));
	ssize_t length = strlen(text);
	int fd, ret = 0;

	/* The directory may be missing where no package has put a file there. */
	mkdir(dirname(copy), 0755);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return failed(path, "written");
	errno = ENOSPC;		/* if not all of it is written */
	if (write(fd, text, length) != length || fchmod(fd, 0644) || fsync(fd) ||
	    rename(temp, path)) {
		ret = failed(path, "written");
		unlink(temp);
	}
	close(fd);
	return ret;
}

static int remove_file(const char *path)
{
	return unlink(path) && errno != ENOENT ? failed(path, "removed") : 0;
}

/* Our two files, and the devices that are to be in the first */
static char *modprobe, *load;
static struct list list;

/* Take a slot out. If a wildcard covers more, the other devices that are there stay. */
static bool take_out(const struct slot *slot)
{
	struct list kept = { 0 };
	bool changed = false;
	int i;

	for (i = 0; i < list.count; i++) {
		const struct slot *entry = &list.slots[i];
		const struct device *dev = NULL;

		if (!slot_covers(slot, entry) && !slot_covers(entry, slot)) {
			list_add(&kept, entry);
			continue;
		}
		changed = true;
		while ((dev = devices_next(entry, dev, false)))
			if (!slot_covers(slot, &dev->slot) && !list_covers(&kept, &dev->slot))
				list_add(&kept, &dev->slot);
	}
	list_free(&list);
	list = kept;
	return changed;
}

static int write_list(void)
{
	AUTOFREE char *devices = list_text(&list), *text = NULL;

	if (require_ours(modprobe))
		return -1;
	if (strlen(devices) > DEVICES_MAX)
		return complain("the list would have %zu characters, but the kernel takes %d: nothing was written; use wildcards like 03:00.*",
				strlen(devices), DEVICES_MAX);
	if (list.count) {
		text = format(FIRST_LINE "options xen-pciback-fixup devices=%s\n", devices);
		return write_file(modprobe, text);
	}
	if (remove_file(modprobe))
		return -1;
	/* A file of the administrator's stays. */
	if (boot_fixup.loader && !strcmp(boot_fixup.loader, load) && is_ours(load))
		return remove_file(load);
	return 0;
}

/* Change the list only: 1, or 0 if there is nothing to change, or -1 with a complaint */
static int add_slot(const struct slot *slot)
{
	if (list_covers(&boot_fixup.list, slot)) {
		printf("%s: is in %s already\n", slot_text(slot).text, boot_fixup.source);
		return 0;
	}
	if (boot_fixup.other)
		return complain("%s: cannot be added, as %s has devices=, and the kernel takes one only: remove that there, and add what it lists with pciback-fixup enable --persist",
				slot_text(slot).text, boot_fixup.other);
	if (list_covers(&list, slot))
		return 0;
	take_out(slot);		/* parts of it */
	list_add(&list, slot);
	return 1;
}

static int drop_slot(const struct slot *slot)
{
	if (take_out(slot))
		return 1;
	if (list_covers(&boot_fixup.list, slot))
		return complain("%s: is in devices= of %s: remove it there", slot_text(slot).text,
				boot_fixup.source);
	printf("%s: is not in %s\n", slot_text(slot).text, modprobe);
	return 0;
}

int persist(const struct list *slots, bool on)
{
	AUTO(list_free) struct list changed = { 0 };
	int fd = lock(), i, one, ret = 0;

	modprobe = format("%s" MODPROBE_CONF, root);
	load = format("%s" LOAD_CONF, root);
	if (fd < 0 || boot_read(&boot_fixup))
		return -1;
	if (list_parse(boot_fixup.own ?: "", &list) || list.all)
		return complain("%s: devices= is no list like (0000:03:00.0)(04:00.*): remove the file, then try again",
				modprobe);
	for (i = 0; i < slots->count; i++) {
		one = (on ? add_slot : drop_slot)(&slots->slots[i]);
		if (one > 0)
			list_add(&changed, &slots->slots[i]);
		ret = one < 0 ? -1 : ret;
	}
	if ((on && ret) || (changed.count && write_list()))
		return -1;
	for (i = 0; i < changed.count; i++)
		printf("%s: %s %s\n", slot_text(&changed.slots[i]).text,
		       on ? "added to" : "removed from", modprobe);
	if (!on)
		return ret;

	if (!boot_fixup.loader &&
	    (require_ours(load) || write_file(load, FIRST_LINE "xen-pciback-fixup\n")))
		return -1;
	/* Check what modprobe makes of it. */
	if (boot_read(&boot_fixup))
		return -1;
	if (boot_fixup.problem)
		return complain("not in force after the next boot: %s", boot_fixup.problem);
	return 0;
}

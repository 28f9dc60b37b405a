// SPDX-License-Identifier: GPL-2.0
/*
 * Two files that belong to this command: the list of devices for modprobe, and
 * the module's name for systemd-modules-load. Each is replaced as a whole, or
 * removed if there is nothing for it to say. What administrators write is in
 * other files, which are read and never changed.
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

static void close_file(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Only root can open it, so that only root can have others wait. */
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

/* A new file takes the place of the old one, so that there is never half of one. */
static int write_file(const char *path, const char *text)
{
	/* Only names that end in .conf are read, so this one never is. */
	AUTOFREE char *temp = format("%s.XXXXXX", path), *copy = need(strdup(path));
	size_t length = strlen(text);

	/* The directory may be missing where no package has put a file there. */
	mkdir(dirname(copy), 0755);
	AUTO(close_file) int fd = mkostemp(temp, O_CLOEXEC);

	errno = fd < 0 ? errno : ENOSPC;	/* if less than all is written */
	if (fd < 0 || write(fd, text, length) != (ssize_t)length || fchmod(fd, 0644) ||
	    fsync(fd) || rename(temp, path)) {
		failed(path, "written");
		if (fd >= 0)
			unlink(temp);
		return -1;
	}
	return 0;
}

static int remove_file(const char *path)
{
	return unlink(path) && errno != ENOENT ? failed(path, "removed") : 0;
}

/* What is to be written: our two files, and what is known of all others. */
struct change {
	const struct devices *devices;
	const char *modprobe, *load;
	struct boot *boot;
	struct list *list;
};

/* Take a slot out. Of a wildcard that stands for more, what is there of the rest stays. */
static bool take_out(struct change *change, const struct slot *slot)
{
	struct list *list = change->list, kept = { 0 };
	bool changed = false;
	int i;

	for (i = 0; i < list->count; i++) {
		const struct slot *entry = &list->slots[i];
		const struct device *dev = NULL;

		if (!slot_covers(slot, entry) && !slot_covers(entry, slot)) {
			list_add(&kept, entry);
			continue;
		}
		changed = true;
		while ((dev = devices_next(change->devices, entry, dev, false)))
			if (!slot_covers(slot, &dev->slot) &&
			    !list_covers(&kept, &dev->slot))
				list_add(&kept, &dev->slot);
	}
	list_free(list);
	*list = kept;
	return changed;
}

static int write_list(struct change *change)
{
	AUTOFREE char *list = list_text(change->list), *text = NULL;
	const char *loader = change->boot->loader;

	if (require_ours(change->modprobe))
		return -1;
	if (strlen(list) > DEVICES_MAX)
		return complain("the list would have %zu characters, but the kernel takes %d: nothing was written; use wildcards like 03:00.*",
				strlen(list), DEVICES_MAX);
	if (*list) {
		text = format(FIRST_LINE "options xen-pciback-fixup devices=%s\n", list);
		return write_file(change->modprobe, text);
	}
	if (remove_file(change->modprobe))
		return -1;
	/* That of an administrator stays. */
	if (loader && !strcmp(loader, change->load) && is_ours(change->load))
		return remove_file(change->load);
	return 0;
}

/* Change the list only: 1, or 0 if there is nothing to change, or -1 with a complaint */
static int add_slot(struct change *change, const struct slot *slot)
{
	struct boot *boot = change->boot;

	if (list_covers(&boot->list, slot)) {
		printf("%s: is in %s already\n", slot_text(slot).text, boot->source);
		return 0;
	}
	if (boot->other)
		return complain("%s: cannot be added, as %s has devices=, and the kernel takes one only: remove that there, and add what it lists with pciback-fixup enable --persist",
				slot_text(slot).text, boot->other);
	if (list_covers(change->list, slot))
		return 0;
	take_out(change, slot);		/* parts of it */
	list_add(change->list, slot);
	return 1;
}

static int drop_slot(struct change *change, const struct slot *slot)
{
	if (take_out(change, slot))
		return 1;
	if (list_covers(&change->boot->list, slot))
		return complain("%s: is in devices= of %s: remove it there", slot_text(slot).text,
				change->boot->source);
	printf("%s: is not in %s\n", slot_text(slot).text, change->modprobe);
	return 0;
}

int persist(const struct devices *devices, const struct list *slots, bool on)
{
	AUTOFREE char *modprobe = format("%s" MODPROBE_CONF, root);
	AUTOFREE char *load = format("%s" LOAD_CONF, root);
	AUTO(boot_free) struct boot boot = { 0 };
	AUTO(list_free) struct list list = { 0 }, changed = { 0 };
	struct change change = { devices, modprobe, load, &boot, &list };
	AUTO(close_file) int fd = lock();
	int i, one, ret = 0;

	if (fd < 0 || boot_read(&boot, &module_fixup))
		return -1;
	if (list_parse(boot.own ?: "", &list) || list.all)
		return complain("%s: devices= is no list like (0000:03:00.0)(04:00.*): remove the file, then try again",
				modprobe);
	for (i = 0; i < slots->count; i++) {
		one = (on ? add_slot : drop_slot)(&change, &slots->slots[i]);
		if (one > 0)
			list_add(&changed, &slots->slots[i]);
		ret = one < 0 ? -1 : ret;
	}
	if ((on && ret) || (changed.count && write_list(&change)))
		return -1;
	for (i = 0; i < changed.count; i++)
		printf("%s: %s %s\n", slot_text(&changed.slots[i]).text,
		       on ? "added to" : "removed from", modprobe);
	if (!on)
		return ret;

	if (!boot.loader && (require_ours(load) ||
			     write_file(load, FIRST_LINE "xen-pciback-fixup\n")))
		return -1;
	/* What counts is what modprobe makes of it. */
	boot_free(&boot);
	if (boot_read(&boot, &module_fixup))
		return -1;
	return boot.problem ? complain("not in force after the next boot: %s", boot.problem) : 0;
}

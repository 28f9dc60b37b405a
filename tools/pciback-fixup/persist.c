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

/* 1: the file is there, and ours; 0: there is none; -1: it is not for us to replace */
static int is_ours(const char *path)
{
	AUTOFREE char *text = NULL;
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : failed(path, "read");
	if (!S_ISREG(st.st_mode))
		return complain("%s: is not a regular file: remove it, then try again", path);
	text = read_file(path);
	if (!text || strncmp(text, HEADER, strlen(HEADER)))
		return complain("%s: was not written by this command: remove it, then try again, also with the devices that it lists",
				path);
	return 1;
}

/* A new file takes the place of the old one, so that there is never half of one. */
static int write_file(const char *path, const char *text)
{
	/* Only names that end in .conf are read, so this one never is. */
	AUTOFREE char *temp = format("%s.XXXXXX", path), *copy = need(strdup(path));
	const char *dir = dirname(copy);
	size_t length = strlen(text);

	/* The directory may be missing where no package has put a file there. */
	mkdir(dir, 0755);
	AUTO(close_file) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(close_file) int fd = mkostemp(temp, O_CLOEXEC);

	errno = fd < 0 ? errno : ENOSPC;	/* if less than all is written */
	if (fd < 0 || write(fd, text, length) != (ssize_t)length || fchmod(fd, 0644) ||
	    fsync(fd) || rename(temp, path)) {
		failed(path, "written");
		if (fd >= 0)
			unlink(temp);
		return -1;
	}
	fsync(dir_fd);
	return 0;
}

/* Whether a slot stands for no function that is bound, but not in the list. */
static bool adds_nothing(const struct slot *slot, const struct list *list,
			 const struct devices *devices)
{
	const struct device *dev = devices->all;
	int i;

	for (i = 0; i < devices->count; i++, dev++)
		if (dev->bound && slot_covers(slot, &dev->slot) && !list_covers(list, &dev->slot))
			return false;
	return true;
}

/* (03:00.0)(03:00.1) becomes (03:00.*) where that adds nothing. */
static void shorten(struct list *list, const struct devices *devices)
{
	struct slot slot;
	int i, j;

	for (i = 0; i < list->count; i++) {
		slot = list->slots[i];
		slot.n[FIXUP_FN] = FIXUP_ANY;
		if (!adds_nothing(&slot, list, devices))
			continue;
		for (j = list->count - 1; j > i; j--) {
			if (!slot_covers(&slot, &list->slots[j]))
				continue;
			list_remove(list, j);
			list->slots[i] = slot;
		}
	}
}

/* The list as text that the kernel takes; NULL if there is none. */
static char *text_that_fits(struct list *list, const struct devices *devices)
{
	char *text = list_text(list, false);
	int step;

	for (step = 0; step < 2 && strlen(text) > DEVICES_MAX; step++) {
		if (step)
			shorten(list, devices);
		free(text);
		text = list_text(list, true);
	}
	if (strlen(text) <= DEVICES_MAX)
		return text;
	complain("the list would have %zu characters, but the kernel takes %d: nothing was written; use wildcards like 03:00.*",
		 strlen(text), DEVICES_MAX);
	free(text);
	return NULL;
}

static int remove_file(const char *path)
{
	return unlink(path) && errno != ENOENT ? failed(path, "removed") : 0;
}

/* Take a slot out. Of a wildcard that stands for more, what is there of the rest stays. */
static bool take_out(struct list *list, const struct slot *slot,
		     const struct devices *devices)
{
	bool changed = false;
	int i, j;

	for (i = list->count - 1; i >= 0; i--) {
		struct slot entry = list->slots[i];

		if (!slot_covers(slot, &entry) && !slot_covers(&entry, slot))
			continue;
		list_remove(list, i);
		changed = true;
		for (j = 0; j < devices->count; j++)
			if (slot_covers(&entry, &devices->all[j].slot) &&
			    !slot_covers(slot, &devices->all[j].slot) &&
			    !list_covers(list, &devices->all[j].slot))
				list_add(list, &devices->all[j].slot);
	}
	return changed;
}

/* What is to be written: our two files, and what is known of all others. */
struct change {
	const char *modprobe, *load;
	struct boot *boot;
	struct list *list;
};

static int write_list(struct change *change, const struct devices *devices)
{
	AUTOFREE char *list = NULL, *text = NULL;
	int ret;

	if (is_ours(change->modprobe) < 0)
		return -1;
	if (!change->list->count) {
		ret = remove_file(change->modprobe);
		/* That of an administrator stays. */
		if (!ret && change->boot->loader && !strcmp(change->boot->loader, change->load) &&
		    is_ours(change->load) > 0)
			ret = remove_file(change->load);
		return ret;
	}

	list = text_that_fits(change->list, devices);
	if (!list)
		return -1;
	text = format(FIRST_LINE "options xen-pciback-fixup devices=%s\n", list);
	return write_file(change->modprobe, text);
}

static int add_slots(struct change *change, const struct devices *devices, const struct list *slots)
{
	struct boot *boot = change->boot;
	AUTO(list_free) struct list added = { 0 };
	int i, ret = 0;

	for (i = 0; i < slots->count; i++) {
		const struct slot *slot = &slots->slots[i];

		if (list_covers(&boot->list, slot)) {
			printf("%s: is in %s already\n", slot_text(slot).text, boot->source);
		} else if (boot->other) {
			ret = complain("%s: cannot be added, as %s has devices=, and the kernel takes one only: remove that there, and add what it lists with pciback-fixup enable --persist",
				       slot_text(slot).text, boot->other);
		} else if (!list_covers(change->list, slot)) {
			take_out(change->list, slot, devices);		/* parts of it */
			list_add(change->list, slot);
			list_add(&added, slot);
		}
	}
	if (added.count && !ret)
		ret = write_list(change, devices);
	for (i = 0; i < added.count && !ret; i++)
		printf("%s: added to %s\n", slot_text(&added.slots[i]).text, change->modprobe);

	if (!ret && !boot->loader)
		ret = is_ours(change->load) < 0 ? -1 :
		      write_file(change->load, FIRST_LINE "xen-pciback-fixup\n");
	if (ret)
		return ret;

	/* What counts is what modprobe makes of it. */
	boot_free(boot);
	ret = boot_read(boot, MODULE_FIXUP);
	if (!ret && boot->problem)
		ret = complain("not in force after the next boot: %s", boot->problem);
	return ret;
}

static int drop_slots(struct change *change, const struct devices *devices, const struct list *slots)
{
	AUTO(list_free) struct list dropped = { 0 };
	int i, ret = 0;

	for (i = 0; i < slots->count; i++) {
		const struct slot *slot = &slots->slots[i];

		if (take_out(change->list, slot, devices))
			list_add(&dropped, slot);
		else if (list_covers(&change->boot->list, slot))
			ret = complain("%s: is in devices= of %s: remove it there",
				       slot_text(slot).text, change->boot->source);
		else
			printf("%s: is not in %s\n", slot_text(slot).text, change->modprobe);
	}
	if (dropped.count && write_list(change, devices))
		ret = -1;
	else
		for (i = 0; i < dropped.count; i++)
			printf("%s: removed from %s\n", slot_text(&dropped.slots[i]).text,
			       change->modprobe);
	return ret;
}

int persist(const struct devices *devices, const struct list *slots, bool on)
{
	AUTOFREE char *modprobe = format("%s" MODPROBE_CONF, root);
	AUTOFREE char *load = format("%s" LOAD_CONF, root);
	AUTO(boot_free) struct boot boot = { 0 };
	AUTO(list_free) struct list list = { 0 };
	struct change change = { modprobe, load, &boot, &list };
	AUTO(close_file) int fd = lock();

	if (fd < 0 || boot_read(&boot, MODULE_FIXUP))
		return -1;
	if (list_parse(boot.own ?: "", &list) || list.all)
		return complain("%s: devices= is no list like (0000:03:00.0)(04:00.*): remove the file, then try again",
				modprobe);
	return (on ? add_slots : drop_slots)(&change, devices, slots);
}

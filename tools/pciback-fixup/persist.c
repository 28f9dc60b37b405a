// SPDX-License-Identifier: GPL-2.0
/*
 * The file that modprobe reads, with the devices to switch on whenever the
 * module is loaded:
 *
 *   options xen-pciback-fixup devices=(0000:03:00.0)(0000:04:00.*)
 *
 * It belongs to the administrator: slots are put into the list and taken out
 * of it, and nothing else in it changes. It is replaced as a whole or not at all.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pciback-fixup.h"

#define OPTION	"options xen-pciback-fixup devices="

/* A line with the option. modprobe joins lines at a backslash, and takes _ for -. */
#define BLANK	"([ \t]|\\\\\n)"
#define PATTERN	"^" BLANK "*options" BLANK "+xen[-_]pciback[-_]fixup" BLANK \
		"(([^\n]|\\\\\n)*" BLANK ")?\"?devices=\"?(([^ \t\r\n\"\\]|\\\\\n)*)"
#define LIST_GROUP	7

struct conf {
	char *path;			/* behind symbolic links, which stay */
	int lock;			/* the directory */
	char *text;
	size_t list, end;		/* of the last devices=, which is the one that counts */
	const char *before, *behind;	/* what has to be added if there is none */
};

/* The rest of a text file; NULL with an errno if it is not to be had. */
char *slurp(FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	n = getdelim(&text, &size, '\0', file);
	if (n >= 0 && (size_t)n == strlen(text))
		return text;
	if (n >= 0)
		errno = EILSEQ;		/* A NUL byte. */
	free(text);
	return n < 0 && !ferror(file) ? strdup("") : NULL;
}

static int conf_fail(const struct conf *conf, const char *what)
{
	return complain("%s: cannot be %s: %s%s", conf->path, what, strerror(errno),
			errno == EACCES || errno == EPERM ? "; run this as root" : "");
}

/* Read the slot at *p and move it on; 0 at the end of the list, -1 if there is none. */
static int next_slot(const struct conf *conf, const char **p, struct slot *slot)
{
	const char *slot_end;

	while (!strncmp(*p, "\\\n", 2))
		*p += 2;
	if (*p == conf->text + conf->end)
		return 0;
	slot_end = **p == '(' ? slot_parse(*p + 1, slot) : NULL;
	if (!slot_end || *slot_end != ')')
		return -1;
	*p = slot_end + 1;
	return 1;
}

static bool conf_is_all(const struct conf *conf)
{
	return conf->end - conf->list == 3 && !strncmp(conf->text + conf->list, "all", 3);
}

static int conf_parse(struct conf *conf)
{
	size_t size = strlen(conf->text);
	regmatch_t match[LIST_GROUP + 1];
	const char *p = conf->text;
	struct slot slot;
	regex_t regex;
	int ret;

	/* Not joined to a last line that has no end. */
	conf->before = size && (p[size - 1] != '\n' || (size > 1 && p[size - 2] == '\\')) ?
		       "\n" OPTION : OPTION;
	conf->behind = "\n";
	conf->list = size;
	conf->end = size;

	if (regcomp(&regex, PATTERN, REG_EXTENDED | REG_NEWLINE))
		abort();
	while (!regexec(&regex, p, LIST_GROUP + 1, match, p > conf->text ? REG_NOTBOL : 0)) {
		conf->before = "";
		conf->behind = "";
		conf->list = p - conf->text + match[LIST_GROUP].rm_so;
		conf->end = p - conf->text + match[LIST_GROUP].rm_eo;
		p += match[0].rm_eo;
	}
	regfree(&regex);

	if (conf_is_all(conf))
		return 0;
	p = conf->text + conf->list;
	do
		ret = next_slot(conf, &p, &slot);
	while (ret > 0);
	return ret ? complain("%s: devices= is neither all nor a list like (0000:03:00.0)(04:00.*): correct it by hand",
			      conf->path) : 0;
}

static void conf_close(struct conf *conf)
{
	if (conf->lock >= 0)
		close(conf->lock);
	free(conf->text);
	free(conf->path);
}

static int conf_open(struct conf *conf)
{
	const char *path = getenv("PCIBACK_FIXUP_CONF") ?: "/etc/modprobe.d/xen-pciback-fixup.conf";
	char *dir;
	FILE *file;
	int ret;

	*conf = (struct conf){ .path = realpath(path, NULL) ?: strdup(path) };

	/* Or of two that edit at once, one would undo what the other did. */
	dir = strdup(conf->path);
	conf->lock = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (conf->lock >= 0)
		flock(conf->lock, LOCK_EX);

	file = fopen(conf->path, "re");
	conf->text = file ? slurp(file) : errno == ENOENT ? strdup("") : NULL;
	ret = conf->text ? conf_parse(conf) : conf_fail(conf, "read");
	if (file)
		fclose(file);
	if (ret)
		conf_close(conf);
	return ret;
}

/* Write the file anew, with another list. */
static int conf_write(const struct conf *conf, const char *list, FILE *file)
{
	struct stat old = { .st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid() };

	if (stat(conf->path, &old) && errno != ENOENT)
		return -1;
	fprintf(file, "%.*s%s%s%s%s", (int)conf->list, conf->text, conf->before, list,
		conf->behind, conf->text + conf->end);
	return fflush(file) || fchown(fileno(file), old.st_uid, old.st_gid) ||
	       fchmod(fileno(file), old.st_mode & 07777) || fsync(fileno(file));
}

static int conf_store(const struct conf *conf, const char *list)
{
	FILE *file = NULL;
	int fd, ret = 1;
	char *temp;

	/* modprobe reads only names that end in .conf, so it never sees this one. */
	if (asprintf(&temp, "%s.XXXXXX", conf->path) < 0)
		abort();
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd >= 0)
		file = fdopen(fd, "w");

	if (!file || conf_write(conf, list, file) || rename(temp, conf->path)) {
		ret = conf_fail(conf, "written");
		if (fd >= 0)
			unlink(temp);
	} else {
		fsync(conf->lock);
	}
	if (file)
		fclose(file);
	free(temp);
	return ret;
}

/* The slot that covers a BDF, "" for none; a wildcard rather than the BDF itself. */
static const char *conf_cover(const struct conf *conf, const struct slot *bdf)
{
	const char *p = conf->text + conf->list, *cover = "";
	struct slot slot;

	if (conf_is_all(conf))
		return "devices=all";
	while (next_slot(conf, &p, &slot) > 0)
		if (slot_match(&slot, bdf) && slot.fn == SLOT_ANY)
			return "a wildcard";
		else if (slot_match(&slot, bdf))
			cover = "devices=";
	return cover;
}

int persist_listed(const struct slot *bdf)
{
	struct conf conf;
	int listed;

	if (conf_open(&conf))
		return -1;
	listed = !!*conf_cover(&conf, bdf);
	conf_close(&conf);
	return listed;
}

/* Make the list anew, without the BDF or with it. */
static int conf_set(const struct conf *conf, const struct slot *bdf, bool on)
{
	const char *p = conf->text + conf->list, *start;
	struct slot slot;
	char *list;
	size_t size;
	FILE *file;
	int ret;

	file = open_memstream(&list, &size);
	if (!file)
		abort();
	for (start = p; next_slot(conf, &p, &slot) > 0; start = p)
		if (!slot_match(&slot, bdf))
			fwrite(start, 1, p - start, file);
	if (on)
		fprintf(file, "(" BDF_FMT ")", BDF_ARG(bdf));
	fclose(file);

	ret = conf_store(conf, list);
	free(list);
	if (ret > 0)
		printf(BDF_FMT ": %s %s\n", BDF_ARG(bdf), on ? "added to" : "removed from",
		       conf->path);
	return ret;
}

int persist_set(const struct slot *bdf, bool on)
{
	struct conf conf;
	const char *cover;
	int ret = 0;

	if (conf_open(&conf))
		return -1;

	cover = conf_cover(&conf, bdf);
	if (on ? !*cover : !strcmp(cover, "devices="))
		ret = conf_set(&conf, bdf, on);
	else if (on)
		printf(BDF_FMT ": %s in %s covers it already\n", BDF_ARG(bdf), cover, conf.path);
	else if (!*cover)
		printf(BDF_FMT ": is not in %s\n", BDF_ARG(bdf), conf.path);
	else
		ret = complain(BDF_FMT ": %s in %s covers it and others: edit that by hand to leave one out",
			       BDF_ARG(bdf), cover, conf.path);
	conf_close(&conf);
	return ret;
}

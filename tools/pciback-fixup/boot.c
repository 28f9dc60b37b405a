// SPDX-License-Identifier: GPL-2.0
/*
 * What will be in force after the next boot. libkmod says what modprobe and
 * systemd-modules-load would do; it does not say which file that comes from,
 * so each file is also read by itself.
 */

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libkmod.h>

#include "pciback-fixup.h"

static const char * const parents[] = { "/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib" };
#define PARENTS		((int)(sizeof(parents) / sizeof(*parents)))

/* The last devices= of a module's options, split as the kernel splits them. */
static char *last_devices(const char *options)
{
	char *copy = need(strdup(options)), *in, *out = copy, *token = copy, *value = NULL;
	bool quoted = false;

	for (in = copy;; in++) {
		if (*in == '"') {
			quoted = !quoted;
		} else if (*in && (quoted || !strchr(" \t\n", *in))) {
			*out++ = *in;
		} else {
			bool end = !*in;

			*out++ = '\0';
			if (!strncmp(token, "devices=", 8))
				value = token + 8;
			token = out;
			if (end)
				break;
		}
	}
	value = value ? need(strdup(value)) : NULL;
	free(copy);
	return value;
}

static void set(char **text, char *value)
{
	free(*text);
	*text = value;
}

/*
 * Note what a configuration has to say of the module: all of it, or with a name
 * that of one file, or with none at all that of the kernel command line, which
 * libkmod adds to each.
 */
static int read_config(struct boot *boot, const char * const *paths, const char *name, bool own)
{
	struct kmod_module *module = NULL;
	struct kmod_config_iter *names;
	struct kmod_ctx *ctx;
	const char *text;
	char *devices;

	/* It would complain of a file as often as we have it read. */
	setenv("KMOD_LOG", "crit", 1);
	ctx = kmod_new(NULL, paths);
	if (!ctx || kmod_module_new_from_name(ctx, MODULE, &module)) {
		kmod_unref(ctx);
		return complain("modprobe's configuration cannot be read: %s", strerror(errno));
	}

	text = kmod_module_get_options(module);
	devices = text ? last_devices(text) : NULL;
	if (name && devices && !boot->on_cmdline) {
		set(own ? &boot->own : &boot->other, need(strdup(own ? devices : name)));
		set(&boot->source, need(strdup(name)));
		boot->on_cmdline = !*paths;
	}
	if (name)
		free(devices);
	else
		boot->devices = devices;

	text = kmod_module_get_install_commands(module);
	if (text && name && !boot->problem)
		boot->problem = format("%s has \"%s\" run in place of loading the module: remove that install line",
				       name, text);
	names = kmod_config_get_blacklists(ctx);
	while (names && kmod_config_iter_next(names))
		if (!strcmp(kmod_config_iter_get_key(names), MODULE) && name && !boot->problem)
			boot->problem = format("%s blacklists the module: remove that from there",
					       name);
	kmod_config_iter_free_iter(names);
	kmod_module_unref(module);
	kmod_unref(ctx);
	return 0;
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(name_of(*(char * const *)a), name_of(*(char * const *)b));
}

/*
 * The files of modprobe.d or modules-load.d that count: of several with one
 * name, the one in the first directory. In the order of their names, in which
 * they are read.
 */
static int files_find(const char *dir, glob_t *files)
{
	int i, j, kept = 0;
	char *pattern, *path;
	struct stat st;

	*files = (glob_t){ 0 };
	for (i = 0; i < PARENTS; i++) {
		pattern = format("%s%s/%s/*.conf", root, parents[i], dir);
		if (glob(pattern, i ? GLOB_APPEND : 0, NULL, files) == GLOB_NOSPACE)
			need(NULL);
		free(pattern);
	}

	for (i = 0; i < (int)files->gl_pathc; i++) {
		/* Whoever opens one waits for ever. */
		if (!stat(files->gl_pathv[i], &st) && S_ISFIFO(st.st_mode)) {
			complain("%s: is a FIFO, for which modprobe or systemd waits for ever: remove it",
				 files->gl_pathv[i]);
			globfree(files);
			return -1;
		}
		for (j = 0; j < kept; j++)
			if (!strcmp(name_of(files->gl_pathv[i]), name_of(files->gl_pathv[j])))
				break;
		if (j == kept) {
			path = files->gl_pathv[i];
			files->gl_pathv[i] = files->gl_pathv[kept];
			files->gl_pathv[kept++] = path;
		}
	}
	if (kept)
		qsort(files->gl_pathv, kept, sizeof(char *), compare_names);
	return kept;
}

static bool is_module(const char *name)
{
	const char *p = MODULE;

	for (; *p && (*name == *p || (*name == '-' && *p == '_')); p++)
		name++;
	return !*p && !*name;
}

/* Whether a file of modules-load.d names the module. */
static bool loads_module(const char *path)
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) >= 0)
		found = is_module(strtok(line, " \t\r\n") ?: "");
	free(line);
	if (file)
		fclose(file);
	return found;
}

static int find_loader(struct boot *boot)
{
	int i, count;
	glob_t files;

	count = files_find("modules-load.d", &files);
	if (count < 0)
		return -1;
	for (i = 0; i < count && !boot->loader; i++)
		if (loads_module(files.gl_pathv[i]))
			boot->loader = need(strdup(files.gl_pathv[i]));
	globfree(&files);
	return 0;
}

/* module_blacklist=, which the kernel itself obeys. */
static bool kernel_refuses(void)
{
	char *line = first_line("/proc/cmdline"), *rest = line, *word, *name;
	bool found = false;

	while ((word = strsep(&rest, " ")))
		if (!strncmp(word, "module_blacklist=", 17))
			for (word += 17; (name = strsep(&word, ","));)
				found = found || is_module(name);
	free(line);
	return found;
}

static void find_problem(struct boot *boot)
{
	/* Only what is loaded has this file. */
	bool builtin = exists(LOADED) && !exists(LOADED "/initstate");
	const char *mistake;

	if (builtin && !boot->on_cmdline)
		set(&boot->problem,
		    format("the module is built into the kernel: devices= belongs on the kernel command line, as " MODULE ".devices="));
	if (kernel_refuses())
		set(&boot->problem,
		    format("module_blacklist= on the kernel command line has the module: remove it there"));
	if (boot->problem)
		return;
	if (strlen(boot->devices) > DEVICES_MAX)
		boot->problem = format("%s: devices= has more than the %d characters that the kernel takes: shorten it by wildcards like (0000:03:00.*)",
				       boot->source, DEVICES_MAX);
	else if ((mistake = list_parse(boot->devices, &boot->list)))
		boot->problem = format("%s: devices= is neither all nor a list like (0000:03:00.0)(04:00.*), from \"%s\" on: correct it by hand",
				       boot->source, mistake);
	else if (!boot->loader && !builtin)
		boot->problem = format("nothing has the module loaded at boot: put xen-pciback-fixup into a file in /etc/modules-load.d");
}

static int read_modprobe_d(struct boot *boot)
{
	const char *one[2] = { NULL, NULL }, *all[PARENTS + 1] = { NULL };
	char *own = format("%s" MODPROBE_CONF, root);
	int i, ret, count;
	glob_t files;

	count = files_find("modprobe.d", &files);
	ret = count < 0 ? -1 : read_config(boot, one, "the kernel command line", false);
	for (i = 0; i < count && !ret; i++) {
		one[0] = files.gl_pathv[i];
		ret = read_config(boot, one, one[0], !strcmp(one[0], own));
	}
	for (i = 0; i < PARENTS; i++)
		all[i] = format("%s%s/modprobe.d", root, parents[i]);
	ret = ret ?: read_config(boot, all, NULL, false);
	for (i = 0; i < PARENTS; i++)
		free((char *)all[i]);
	if (count >= 0)
		globfree(&files);
	free(own);
	return ret;
}

int boot_read(struct boot *boot)
{
	*boot = (struct boot){ 0 };
	if (read_modprobe_d(boot) || find_loader(boot))
		return -1;
	if (boot->devices && *boot->devices)
		find_problem(boot);
	else
		set(&boot->problem, NULL);
	return 0;
}

void boot_free(struct boot *boot)
{
	free(boot->devices);
	free(boot->source);
	free(boot->other);
	free(boot->own);
	free(boot->loader);
	free(boot->problem);
	free(boot->list.slots);
}

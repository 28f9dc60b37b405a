// SPDX-License-Identifier: GPL-2.0
/*
 * How the module and xen-pciback will be loaded at the next boot. libkmod knows
 * what modprobe would do, but not which file has it: each file is read by itself.
 */

#include <fnmatch.h>

#include <libkmod.h>

#include "pciback-fixup.h"

struct boot boot_fixup = {
	.title = "xen-pciback-fixup", .name = "xen_pciback_fixup", .parameter = "devices",
	.others = "@(dyndbg|async_probe)?(=*)",
}, boot_pciback = {
	.title = "xen-pciback", .name = "xen_pciback", .parameter = "hide",
	.others = "@(passthrough|permissive|verbose_request|dyndbg|async_probe)?(=*)",
};

static void note_options(struct boot *boot, const char *options, const char *source)
{
	AUTOFREE char *copy = need(strdup(options)), *own = format("%s" MODPROBE_CONF, root);
	char *rest = copy, *word, *devices = NULL;
	size_t length = strlen(boot->parameter);

	while ((word = next_word(&rest))) {
		if (!strncmp(word, boot->parameter, length) && word[length] == '=')
			devices = word + length + 1;	/* The last one counts. */
		else if (!boot->wrong && fnmatch(boot->others, word, FNM_EXTMATCH))
			boot->wrong = format("%s: \"%s\" is no parameter of %s: %s= is",
					     source, word, boot->title, boot->parameter);
	}
	if (!devices || boot->on_cmdline)
		return;
	if (strcmp(source, own))
		set(&boot->other, need(strdup(source)));
	else
		set(&boot->own, need(strdup(devices)));
	set(&boot->devices, need(strdup(devices)));
	set(&boot->source, need(strdup(source)));
}

/* Whether an install line has modprobe load the module, with the configured parameters. */
static bool install_loads(const char *commands, const char *module)
{
	static const char own[] =
		"*modprobe* @(--ignore-install|-*([a-z])i*([a-z]))?( *)";
	AUTOFREE char *copy = need(strdup(commands));
	char *rest = copy, *command;

	while ((command = strsep(&rest, ";&|")))
		if (!fnmatch(own, command, FNM_EXTMATCH) && mentions(command, module) &&
		    !strchr(command, '='))
			return true;
	return false;
}

/*
 * Note a blacklist line, which has no text, of this module, or another module's softdep
 * or install line that loads this one with it.
 */
static void note_line(struct boot *boot, const char *source, const char *name,
		      const char *text)
{
	AUTOFREE char *loader = NULL, *odd = NULL, *state = format("/sys/module/%s/initstate", name);

	if (!*text && !strcmp(name, boot->name) && !boot->blacklist) {
		boot->blacklist = format("%s blacklists %s: remove that from there",
					 source, boot->title);
	} else if (strcmp(name, boot->name) && mentions(text, boot->name)) {
		/* A driver that is loaded now will be loaded again; xen-pciback may not. */
		find_loader(name, &loader, &odd);
		if (exists(state) && strcmp(name, boot_pciback.name))
			set(&loader, need(strdup(name)));
		set(loader ? &boot->loader : &boot->odd,
		    format(loader ? "%s, with %s" : "%s has it loaded with %s, but nothing known loads that",
			   source, name));
	}
}

/*
 * Read what a file of modprobe.d has on the module. Without a path, that is the kernel
 * command line alone, which libkmod adds to each file.
 */
static int read_config(struct boot *boot, const char *path)
{
	static struct kmod_config_iter *(* const get[])(const struct kmod_ctx *ctx) = {
		kmod_config_get_blacklists,
		kmod_config_get_softdeps,
		kmod_config_get_install_commands,
	};
	const char *paths[] = { path, NULL }, *source = path ?: CMDLINE, *text;
	struct kmod_module *kmod = NULL;
	struct kmod_config_iter *lines;
	struct kmod_ctx *ctx;
	int i;

	/* libkmod would repeat its complaints at each reading. */
	setenv("KMOD_LOG", "crit", 1);
	ctx = kmod_new(NULL, paths);
	if (!ctx || kmod_module_new_from_name(ctx, boot->name, &kmod)) {
		kmod_unref(ctx);
		return complain("modprobe's configuration cannot be read: %s", strerror(errno));
	}

	note_options(boot, kmod_module_get_options(kmod) ?: "", source);
	boot->on_cmdline = boot->on_cmdline || (!path && boot->devices);

	text = kmod_module_get_install_commands(kmod);
	if (text && !boot->builtin && !boot->problem && !install_loads(text, boot->name))
		boot->problem = format("%s has \"%s\" run in place of loading %s: remove that install line",
				       source, text, boot->title);
	for (i = 0; i < 3; i++) {
		lines = get[i](ctx);
		while (lines && kmod_config_iter_next(lines))
			note_line(boot, source, kmod_config_iter_get_key(lines),
				  i ? kmod_config_iter_get_value(lines) : "");
		kmod_config_iter_free_iter(lines);
	}
	kmod_module_unref(kmod);
	kmod_unref(ctx);
	return 0;
}

/* Parse the list; it is a problem if the module would not take it. */
static void parse(struct boot *boot, bool ours)
{
	AUTOFREE char *copy = need(strdup(boot->devices));
	const char *mistake;
	char *in, *out = copy;
	int i;

	/* xen-pciback skips these. */
	for (in = copy; *in; in++)
		if (ours || !strchr(" \t\nxX", *in))
			*out++ = *in;
	*out = '\0';

	mistake = list_parse(copy, &boot->list);
	if ((mistake && !*mistake) || (boot->list.all && !ours))
		mistake = copy;
	for (i = 0; i < boot->list.count && !ours; i++)
		if (boot->list.slots[i].n[FIXUP_DOMAIN] > DOMAIN_MAX)
			mistake = copy;
	if (boot->problem)
		return;
	if (strlen(boot->devices) > DEVICES_MAX)
		boot->problem = format("%s: %s= has more than the %d characters that the kernel takes: shorten it by wildcards like (0000:03:00.*)",
				       boot->source, boot->parameter, DEVICES_MAX);
	else if (mistake)
		boot->problem = format("%s: %s= of %s has a mistake at \"%s\": it takes %sslots like (0000:03:00.0)(04:00.*); correct it by hand",
				       boot->source, boot->parameter, boot->title, mistake,
				       ours ? "all, or " : "");
}

static void boot_free(struct boot *boot)
{
	free(boot->devices);
	free(boot->source);
	free(boot->other);
	free(boot->own);
	free(boot->loader);
	free(boot->odd);
	free(boot->wrong);
	free(boot->blacklist);
	free(boot->problem);
	list_free(&boot->list);
	*boot = (struct boot){
		.title = boot->title, .name = boot->name, .parameter = boot->parameter,
		.others = boot->others,
	};
}

int boot_read(struct boot *boot)
{
	AUTOFREE char *dir = format("/sys/module/%s", boot->name);
	AUTOFREE char *state = format("%s/initstate", dir);
	bool ours = boot == &boot_fixup, listed, misplaced;
	AUTO(globfree) glob_t files = { 0 };
	int i, count;

	/* A module that is built in has no such state. */
	boot_free(boot);
	boot->builtin = exists(dir) && !exists(state);
	if (find_loader(boot->name, &boot->loader, &boot->odd))
		return -1;
	count = files_find(CONF_DIRS "/modprobe.d/*.conf", &files);
	if (count < 0 || read_config(boot, NULL))
		return -1;
	for (i = 0; i < count; i++)
		if (read_config(boot, files.gl_pathv[i]))
			return -1;

	listed = boot->devices && *boot->devices;
	misplaced = listed && boot->builtin && !boot->on_cmdline;
	if (misplaced)
		boot->problem = format("%s is built into the kernel: %s= belongs on " CMDLINE ", as %s.%s=",
				       boot->title, boot->parameter, boot->name, boot->parameter);
	else if (!boot->builtin && cmdline_lists("module_blacklist", boot->name, true))
		set(&boot->problem, format("module_blacklist= on " CMDLINE " has %s: remove it there and reboot",
					   boot->title));
	if (listed)
		parse(boot, ours);
	boot->loads = misplaced || !boot->problem;
	if (boot->problem || boot->builtin || (ours && !listed))
		return 0;

	/* These keep it from being loaded at boot, but not by hand. */
	if (boot->blacklist)
		set(&boot->problem, need(strdup(boot->blacklist)));
	else if (!boot->loader)
		boot->problem = format("nothing is known to have %s loaded at boot: put its name into a file in /etc/modules-load.d%s%s",
				       boot->title, boot->odd ? "; " : "", boot->odd ?: "");
	return 0;
}

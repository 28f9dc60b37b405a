// SPDX-License-Identifier: GPL-2.0
/*
 * What will be in force after the next boot, of the module and of xen-pciback.
 * libkmod says what modprobe would do; it does not say which file that comes
 * from, so each file is read by itself.
 */

#include <fnmatch.h>
#include <sys/utsname.h>

#include <libkmod.h>

#include "pciback-fixup.h"

static const struct module {
	const char *title, *name;
	const char *list, *others;	/* the parameter that lists devices; a pattern of others */
} modules[] = {
	[MODULE_FIXUP] = { "xen-pciback-fixup", "xen_pciback_fixup",
		"devices", "@(dyndbg|async_probe)?(=*)" },
	[MODULE_PCIBACK] = { "xen-pciback", "xen_pciback",
		"hide", "@(passthrough|permissive|verbose_request|dyndbg|async_probe)?(=*)" },
};

static void set(char **text, char *value)
{
	free(*text);
	*text = value;
}

static void note_options(struct boot *boot, const char *options, const char *source)
{
	const struct module *module = boot->module;
	AUTOFREE char *copy = need(strdup(options));
	char *rest = copy, *word, *devices = NULL;
	size_t length = strlen(module->list);

	while ((word = next_word(&rest))) {
		if (!strncmp(word, module->list, length) && word[length] == '=')
			devices = word + length + 1;
		else if (!boot->wrong && fnmatch(module->others, word, FNM_EXTMATCH))
			boot->wrong = format("%s: \"%s\" is no parameter of %s: %s= is",
					     source, word, module->title, module->list);
	}
	if (devices && !boot->on_cmdline) {
		if (!strncmp(source, root, strlen(root)) &&
		    !strcmp(source + strlen(root), MODPROBE_CONF))
			set(&boot->own, need(strdup(devices)));
		else
			set(&boot->other, need(strdup(source)));
		set(&boot->devices, need(strdup(devices)));
		set(&boot->source, need(strdup(source)));
	}
}

/* Whether an install line has modprobe itself load the module, with what is configured. */
static bool install_loads(const char *commands, const char *module)
{
	AUTOFREE char *copy = need(strdup(commands));
	char *rest = copy, *command, *word;

	while ((command = strsep(&rest, ";&|"))) {
		bool modprobe = false, itself = false, named = false, more = false;

		while ((word = next_word(&command))) {
			modprobe = modprobe || !strcmp(basename(word), "modprobe");
			itself = itself || !strcmp(word, "--ignore-install") ||
				 (word[0] == '-' && word[1] != '-' && strchr(word, 'i'));
			named = named || is_name(word, module);
			more = more || strchr(word, '=');
		}
		if (modprobe && itself && named && !more)
			return true;
	}
	return false;
}

/*
 * Note a line that is about this module, which then is a blacklist, or about another
 * one which has this one loaded with it, by a softdep or an install line.
 */
static int note_line(struct boot *boot, const char *source, const char *name, const char *text)
{
	AUTOFREE char *loader = NULL, *odd = NULL, *state = format("/sys/module/%s/initstate", name);
	const struct module *module = boot->module;

	if (!strcmp(name, module->name) && !*text && !boot->blacklist)
		boot->blacklist = format("%s blacklists %s: remove that from there", source,
					 module->title);
	if (is_name(name, module->name) || !mentions(text, module->name))
		return 0;
	if (find_loader(name, &loader, &odd))
		return -1;
	/* A driver that is loaded now will be so again, but for xen-pciback. */
	if (!loader && (!exists(state) || is_name(name, modules[MODULE_PCIBACK].name)))
		set(&boot->odd, format("%s has it loaded with %s, but nothing is known to have that loaded",
				       source, name));
	else if (!boot->loader)
		boot->loader = format("%s, with %s", source, name);
	return 0;
}

/*
 * Note what a file of modprobe.d has to say of the module; without one, what the
 * kernel command line has, which libkmod adds to each.
 */
static int read_config(struct boot *boot, const char *path)
{
	static struct kmod_config_iter *(* const get[])(const struct kmod_ctx *ctx) = {
		kmod_config_get_blacklists,
		kmod_config_get_softdeps,
		kmod_config_get_install_commands,
	};
	const char *paths[] = { path, NULL }, *source = path ?: CMDLINE, *text;
	const struct module *module = boot->module;
	struct kmod_module *kmod = NULL;
	struct kmod_config_iter *lines;
	struct kmod_ctx *ctx;
	int i, ret = 0;

	/* It would complain of a file as often as we have it read. */
	setenv("KMOD_LOG", "crit", 1);
	ctx = kmod_new(NULL, paths);
	if (!ctx || kmod_module_new_from_name(ctx, module->name, &kmod)) {
		kmod_unref(ctx);
		return complain("modprobe's configuration cannot be read: %s", strerror(errno));
	}

	note_options(boot, kmod_module_get_options(kmod) ?: "", source);
	boot->on_cmdline = boot->on_cmdline || (!path && boot->devices);

	text = kmod_module_get_install_commands(kmod);
	if (text && !boot->problem && !install_loads(text, module->name))
		boot->problem = format("%s has \"%s\" run in place of loading %s: remove that install line",
				       source, text, module->title);
	for (i = 0; i < 3 && !ret; i++) {
		lines = get[i](ctx);
		while (lines && kmod_config_iter_next(lines) && !ret)
			ret = note_line(boot, source, kmod_config_iter_get_key(lines),
					i ? kmod_config_iter_get_value(lines) : "");
		kmod_config_iter_free_iter(lines);
	}
	kmod_module_unref(kmod);
	kmod_unref(ctx);
	return ret;
}

static bool is_builtin(const char *module)
{
	AUTOFREE char *dir = format("/sys/module/%s", module), *state = format("%s/initstate", dir);
	AUTOFREE char *file = format("%s.ko", module), *path = NULL;
	struct utsname kernel;

	/* Only what is loaded has that state. */
	if (exists(dir))
		return !exists(state);
	uname(&kernel);
	path = format("%s/lib/modules/%s/modules.builtin", root, kernel.release);
	return file_names(path, "", file, NULL);
}

/* Parse what the parameter lists; it is a problem if the module would not take that. */
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
	if (strlen(boot->devices) > DEVICES_MAX)
		boot->problem = format("%s: %s= has more than the %d characters that the kernel takes: shorten it by wildcards like (0000:03:00.*)",
				       boot->source, boot->module->list, DEVICES_MAX);
	else if (mistake)
		boot->problem = format("%s: %s= of %s has a mistake at \"%s\": it takes %sslots like (0000:03:00.0)(04:00.*); correct it by hand",
				       boot->source, boot->module->list, boot->module->title,
				       mistake, ours ? "all, or " : "");
}

int boot_read(struct boot *boot, enum module_id id)
{
	const struct module *module = &modules[id];
	bool ours = id == MODULE_FIXUP, listed, in_force;
	int i, count, ret;
	glob_t files;

	*boot = (struct boot){ .module = module, .builtin = is_builtin(module->name) };
	count = find_loader(module->name, &boot->loader, &boot->odd);
	if (!count)
		count = files_find(CONF_DIRS "/modprobe.d/*.conf", &files);
	if (count < 0)
		return -1;
	ret = read_config(boot, NULL);
	for (i = 0; i < count && !ret; i++)
		ret = read_config(boot, files.gl_pathv[i]);
	globfree(&files);
	if (ret)
		return ret;

	listed = boot->devices && *boot->devices;
	in_force = boot->on_cmdline || !boot->builtin;
	if (boot->builtin)
		set(&boot->problem, NULL);	/* modprobe has no part in it */
	else if (cmdline_lists("module_blacklist", module->name, true))
		set(&boot->problem, format("module_blacklist= on " CMDLINE " has %s: remove it there",
					   module->title));
	if (listed && in_force && !boot->problem)
		parse(boot, ours);
	boot->loads = !boot->problem;
	if (!boot->problem && boot->blacklist && !boot->builtin)
		boot->problem = need(strdup(boot->blacklist));
	else if (listed && !in_force)
		boot->problem = format("%s is built into the kernel: %s= belongs on " CMDLINE ", as %s.%s=",
				       module->title, module->list, module->name, module->list);
	else if (listed && !boot->problem && !boot->loader && !boot->builtin)
		boot->problem = format("nothing is known to have %s loaded at boot: put its name into a file in /etc/modules-load.d%s%s",
				       module->title, boot->odd ? "; " : "", boot->odd ?: "");
	if (!listed && ours)
		set(&boot->problem, NULL);	/* There is nothing to be in force. */
	return 0;
}

void boot_free(struct boot *boot)
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
	free(boot->list.slots);
}

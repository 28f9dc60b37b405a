// SPDX-License-Identifier: GPL-2.0
/*
 * What has a module loaded at boot: files of modules-load.d and the kernel
 * command line. What the initial RAM disk loads is not known.
 */

#include <sys/stat.h>

#include "pciback-fixup.h"

#define BLANKS	" \t\r\n"

bool is_name(const char *text, const char *name)
{
	for (; *name && (*text == *name || (*text == '-' && *name == '_')); name++)
		text++;
	return !*text && !*name;
}

bool mentions(const char *text, const char *name)
{
	AUTOFREE char *copy = need(strdup(text));
	char *rest = copy, *word;

	while ((word = strsep(&rest, BLANKS "\"'=,.;:&|(){}")))
		if (is_name(word, name))
			return true;
	return false;
}

char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, BLANKS), *in = word, *out = word;
	bool quoted = false, end = !*word;

	for (; *in && (quoted || !strchr(BLANKS, *in)); in++) {
		if (*in == '"')
			quoted = !quoted;
		else
			*out++ = *in;
	}
	*rest = in + !!*in;
	*out = '\0';
	return end ? NULL : word;
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(name_of(*(char * const *)a), name_of(*(char * const *)b));
}

/* Several with one name are in the order of their directories, of which the first counts. */
int files_find(const char *pattern, glob_t *files)
{
	AUTOFREE char *full = format("%s%s", root, pattern);
	int i, j, kept = 0;
	struct stat st;
	char *path;

	if (glob(full, GLOB_BRACE, NULL, files) == GLOB_NOSPACE)
		need(NULL);
	for (i = 0; i < (int)files->gl_pathc; i++) {
		path = files->gl_pathv[i];
		/* Whoever opens one waits for ever. */
		if (!stat(path, &st) && S_ISFIFO(st.st_mode))
			return complain("%s: is a FIFO, for which modprobe or systemd waits for ever: remove it",
					path);
		for (j = 0; j < kept && compare_names(&path, &files->gl_pathv[j]); j++)
			;
		if (j == kept) {
			files->gl_pathv[i] = files->gl_pathv[kept];
			files->gl_pathv[kept++] = path;
		}
	}
	if (kept)
		qsort(files->gl_pathv, kept, sizeof(char *), compare_names);
	return kept;
}

bool cmdline_lists(const char *parameter, const char *module, bool kernel)
{
	AUTOFREE char *line = first_line("/proc/cmdline");
	char *rest = line, *word, *name;
	bool found = false;

	while (line && (word = next_word(&rest)) && (!kernel || strcmp(word, "--"))) {
		if (!is_name(strsep(&word, "="), parameter))
			continue;
		found = found && !kernel;
		while ((name = strsep(&word, ",")))
			found |= kernel ? !strcmp(name, module) : is_name(name, module);
	}
	return found;
}

/* Whether a line has nothing but the module's name. One that has more is noted. */
static bool file_loads(const char *path, const char *module, char **odd)
{
	AUTOFREE char *text = read_file(path);
	char *rest = text, *line;
	size_t length;

	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, BLANKS);
		for (length = strlen(line); length && strchr(BLANKS, line[length - 1]); length--)
			line[length - 1] = '\0';
		if (is_name(line, module))
			return true;
		if (!strchr("#;", *line) && mentions(line, module) && !*odd)
			*odd = format("%s: \"%s\" is no module's name: leave nothing but the name on that line",
				      path, line);
	}
	return false;
}

int find_loader(const char *module, char **loader, char **odd)
{
	static const char * const parameters[] = {
		"modules_load", "rd.modules_load", "rd.driver.pre", "rd.driver.post", NULL
	};
	AUTO(globfree) glob_t files = { 0 };
	int i, count = files_find(CONF_DIRS "/modules-load.d/*.conf", &files);

	for (i = 0; i < count && !*loader; i++)
		if (file_loads(files.gl_pathv[i], module, odd))
			*loader = need(strdup(files.gl_pathv[i]));
	for (i = 0; parameters[i] && !*loader; i++)
		if (cmdline_lists(parameters[i], module, false))
			*loader = format("%s= on " CMDLINE, parameters[i]);
	return count < 0 ? -1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What loads a module at boot: files of modules-load.d and the kernel command
 * line. The initial RAM disk's own configuration is not known.
 */

#include <search.h>
#include <sys/stat.h>

#include "pciback-fixup.h"

#define BLANKS	" \t\r\n"

/* Whether it is a name with '_', which may have '-' there */
static bool is_name(const char *text, const char *name)
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

static int compare_names(const void *a, const void *b)
{
	return strcmp(basename(*(char * const *)a), basename(*(char * const *)b));
}

/* Of files with the same name, only the one in the first directory counts. */
int files_find(const char *pattern, glob_t *files)
{
	AUTOFREE char *full = format("%s%s", root, pattern);
	char **paths, *path;
	size_t i, kept = 0;
	struct stat st;

	if (glob(full, GLOB_BRACE, NULL, files) == GLOB_NOSPACE)
		need(NULL);
	paths = files->gl_pathv;
	for (i = 0; i < files->gl_pathc; i++) {
		path = paths[i];
		/* To open one would block for ever. */
		if (!stat(path, &st) && S_ISFIFO(st.st_mode))
			return complain("%s: is a FIFO, for which modprobe or systemd waits for ever: remove it",
					path);
		if (!lfind(&path, paths, &kept, sizeof(path), compare_names)) {
			paths[i] = paths[kept];
			paths[kept++] = path;
		}
	}
	if (kept)
		qsort(paths, kept, sizeof(path), compare_names);
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

/* Whether a line is the module's name. A line with more than that is noted in odd. */
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

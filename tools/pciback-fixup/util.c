// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, memory, paths; and libsmartcols' tables and JSON.
 */

#include <err.h>
#include <stdarg.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "pciback-fixup.h"

const char *root = "";

/* Read a character, and return its length; WEOF is an octet that is not UTF-8. */
static size_t next_char(const char *text, wchar_t *c)
{
	size_t length = mbrtowc(c, text, MB_CUR_MAX, &(mbstate_t){ 0 });

	if (length <= MB_CUR_MAX)
		return length;
	*c = WEOF;
	return 1;
}

char *clean(const char *text)
{
	char *copy = need(malloc(3 * strlen(text) + 1)), *out = copy;
	size_t length;
	wchar_t c;

	for (; *text; text += length) {
		length = next_char(text, &c);
		if ((wint_t)c == WEOF)
			out = stpcpy(out, "\357\277\275");	/* U+FFFD */
		else
			out = mempcpy(out, text, length);
	}
	*out = '\0';
	return copy;
}

/* Text from the command line, a file or a guest must not control the terminal. */
int print_error(char *message)
{
	size_t length;
	wchar_t c;

	/* Keep the order if stdout and stderr are the same file. */
	fflush(stdout);
	fputs("pciback-fixup: ", stderr);
	for (char *p = message; *p; p += length) {
		length = next_char(p, &c);
		if ((wint_t)c != WEOF && iswprint(c))
			fwrite(p, 1, length, stderr);
		else
			for (size_t i = 0; i < length; i++)
				fprintf(stderr, "\\x%02x", (unsigned char)p[i]);
	}
	fputc('\n', stderr);
	free(message);
	return -1;
}

void *need(void *allocated)
{
	if (!allocated)
		err(ERROR, NULL);
	return allocated;
}

char *format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int ret;

	va_start(args, fmt);
	ret = vasprintf(&text, fmt, args);
	va_end(args);
	return need(ret < 0 ? NULL : text);
}

void free_pointer(void *variable)
{
	free(*(void **)variable);
}

void set(char **text, char *value)
{
	free(*text);
	*text = value;
}

bool exists(const char *path)
{
	AUTOFREE char *full = format("%s%s", root, path);

	return !access(full, F_OK);
}

char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0)
		set(&text, NULL);
	fclose(file);
	return text;
}

char *first_line(const char *path)
{
	AUTOFREE char *full = format("%s%s", root, path);
	char *line = read_file(full);

	if (line)
		line[strcspn(line, "\n")] = '\0';
	return line;
}

struct libscols_table *table_new(const char *name, bool json)
{
	struct libscols_table *table = need(scols_new_table());

	scols_table_set_name(table, name);
	scols_table_enable_json(table, json);
	return table;
}

void table_column(struct libscols_table *table, const char *name, int flags, int json)
{
	struct libscols_column *column = need(scols_table_new_column(table, name, 0, flags));

	scols_column_set_json_type(column, json);
}

void table_cell(struct libscols_line *line, int column, const char *text)
{
	if (scols_line_set_data(line, column, text))
		need(NULL);
}

void table_print(struct libscols_table *table)
{
	/* libsmartcols prints a sentence for an empty table, also in JSON. */
	if (scols_table_is_json(table) && scols_table_is_empty(table))
		printf("{\n   \"%s\": []\n}\n", scols_table_get_name(table));
	else if (!scols_table_is_empty(table))
		scols_print_table(table);
	scols_unref_table(table);
}

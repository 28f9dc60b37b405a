// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, memory and paths.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "pciback-fixup.h"

const char *root = "";

/* Read a character; what is not UTF-8 is octets that count as one each, and no character. */
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

/* What came from the command line, a file or a guest must not reach the terminal as it is. */
int complain(const char *fmt, ...)
{
	char *message, *p;
	va_list args;
	size_t length;
	wchar_t c;

	/* What went well before comes first, also where both go to one file. */
	fflush(stdout);
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	fputs("pciback-fixup: ", stderr);
	for (p = message ?: "out of memory"; *p; p += length) {
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
	if (!allocated) {
		complain("out of memory");
		exit(ERROR);
	}
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

bool exists(const char *path)
{
	char *full = format("%s%s", root, path);
	bool found = !access(full, F_OK);

	free(full);
	return found;
}

char *first_line(const char *path)
{
	char *full = format("%s%s", root, path), *line = NULL;
	FILE *file = fopen(full, "re");
	size_t size = 0;

	free(full);
	if (!file)
		return NULL;
	if (getline(&line, &size, file) < 0) {
		free(line);
		line = NULL;
	}
	if (line)
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	return line;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own parser of device lists, in user space under libFuzzer and the
 * sanitizers. Its results are compared with those of a regular expression for a slot,
 * and of strtoull().
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fixup_devlist.h"

#define HEX "([0-9a-fA-F]+)"
static const char slot_form[] =
	"^\\((" HEX ":)?" HEX ":(" HEX "\\.(" HEX "|\\*)|\\*\\.\\*)\\)";

/* How long the slot is that the text begins with; 0 if there is none */
static size_t expected_slot(const char *text, int slot[FIXUP_NUMBERS])
{
	static const int groups[FIXUP_NUMBERS] = { 2, 3, 5, 7 };
	static const unsigned long long max[FIXUP_NUMBERS] = { INT_MAX, 0xff, 0x1f, 7 };
	static regex_t form;
	regmatch_t match[8];
	int i;

	if (!form.re_nsub && regcomp(&form, slot_form, REG_EXTENDED))
		abort();
	if (regexec(&form, text, 8, match, 0))
		return 0;

	for (i = 0; i < FIXUP_NUMBERS; i++) {
		regoff_t at = match[groups[i]].rm_so;
		unsigned long long value = at < 0 ? 0 : strtoull(text + at, NULL, 16);

		if (value > max[i])
			return 0;
		slot[i] = at < 0 && i != FIXUP_DOMAIN ? FIXUP_ANY : (int)value;
	}

	return match[0].rm_eo;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as large as the text: the address sanitizer sees a read beyond it. */
	char *text = malloc(size + 1);
	const char *p = text;
	int ret;

	memcpy(text, data, size);
	text[size] = '\0';

	do {
		int slot[FIXUP_NUMBERS], want[FIXUP_NUMBERS];
		const char *start = p;
		size_t len = expected_slot(start, want);

		ret = fixup_next_slot(&p, slot);
		assert(p >= start && p <= start + strlen(start));
		if (!*start) {
			assert(ret == 0 && p == start);
		} else if (!len) {
			assert(ret == -EINVAL);
		} else {
			assert(ret == 1 && p == start + len);
			assert(!memcmp(slot, want, sizeof(slot)));
		}
	} while (ret > 0);

	free(text);
	return 0;
}

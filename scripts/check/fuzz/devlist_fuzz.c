// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own parser of device lists, in user space under libFuzzer and the
 * sanitizers. What it takes and what it makes of it is compared with a regular
 * expression for a slot, and strtoull().
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fixup_devlist.h"

#define HEX "([0-9a-fA-F]+)"
static const char slot_form[] =
	"^\\((" HEX ":)?" HEX ":(" HEX "\\.(" HEX "|\\*)|\\*\\.\\*)\\)";

/* The groups of the expression, by their opening brackets */
enum { ALL, DOMAIN_COLON, DOMAIN, BUS, DEV_FN, DEV, FN, FN_NUMBER, GROUPS };

/* The number that a group stands for, ANY if it matched none; false if too large */
static bool number(const char *text, const regmatch_t *group, int max, int *n)
{
	unsigned long long value;

	if (group->rm_so < 0)
		return true;
	errno = 0;
	value = strtoull(text + group->rm_so, NULL, 16);
	*n = value;
	return !errno && value <= (unsigned long long)max;
}

/* How long the slot is that the text begins with; 0 if it does not */
static size_t expected_slot(const char *text, int slot[FIXUP_NUMBERS])
{
	static regex_t form;
	static bool compiled;
	regmatch_t group[GROUPS];

	if (!compiled)
		compiled = !regcomp(&form, slot_form, REG_EXTENDED);
	assert(compiled);

	slot[FIXUP_DOMAIN] = 0;
	slot[FIXUP_DEV] = FIXUP_ANY;
	slot[FIXUP_FN] = FIXUP_ANY;
	if (regexec(&form, text, GROUPS, group, 0) ||
	    !number(text, &group[DOMAIN], INT_MAX, &slot[FIXUP_DOMAIN]) ||
	    !number(text, &group[BUS], 0xff, &slot[FIXUP_BUS]) ||
	    !number(text, &group[DEV], 0x1f, &slot[FIXUP_DEV]) ||
	    !number(text, &group[FN_NUMBER], 7, &slot[FIXUP_FN]))
		return 0;

	return group[ALL].rm_eo;
}

/* What libFuzzer calls, under the name that it calls it by */
int fuzz_list(const uint8_t *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

int fuzz_list(const uint8_t *data, size_t size)
{
	/* Of the very size, for the address sanitizer to see one byte more. */
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

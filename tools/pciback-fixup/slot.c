// SPDX-License-Identifier: GPL-2.0
/*
 * How functions are written: 0000:03:00.0, or 03:00.0 in domain 0, all in
 * hexadecimal. In a list a '*' may stand for the function, or for device and
 * function. What the module refuses in devices= must be refused here.
 */

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#include "pciback-fixup.h"

/* Read a number up to max and the character behind it; NULL if they are not there. */
static const char *number(const char *p, unsigned long max, char behind, unsigned int *n)
{
	unsigned long value;
	char *end;

	/* strtoul() would take blanks, a sign and 0x as well. */
	if (!isxdigit((unsigned char)p[0]) || p[1] == 'x' || p[1] == 'X')
		return NULL;
	value = strtoul(p, &end, 16);
	*n = value;
	if (value > max || (behind && *end != behind))
		return NULL;
	return end + !!behind;
}

/* Read a slot; returns what is behind it, NULL if there is none. */
const char *slot_parse(const char *text, struct slot *slot)
{
	const char *p = number(text, INT_MAX, ':', &slot->domain);

	p = p ? number(p, 0xff, ':', &slot->bus) : NULL;
	if (!p) {
		slot->domain = 0;
		p = number(text, 0xff, ':', &slot->bus);
	}
	if (!p)
		return NULL;

	slot->dev = SLOT_ANY;
	slot->fn = SLOT_ANY;
	if (p[0] == '*')
		return p[1] == '.' && p[2] == '*' ? p + 3 : NULL;
	p = number(p, 0x1f, '.', &slot->dev);
	if (p && *p == '*')
		return p + 1;
	return p ? number(p, 7, '\0', &slot->fn) : NULL;
}

bool slot_match(const struct slot *slot, const struct slot *bdf)
{
	return slot->domain == bdf->domain && slot->bus == bdf->bus &&
	       (slot->dev == SLOT_ANY || slot->dev == bdf->dev) &&
	       (slot->fn == SLOT_ANY || slot->fn == bdf->fn);
}

bool bdf_parse(const char *text, struct slot *bdf)
{
	const char *end = slot_parse(text, bdf);

	return end && !*end && bdf->fn != SLOT_ANY;
}

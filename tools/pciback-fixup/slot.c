// SPDX-License-Identifier: GPL-2.0
/*
 * How functions are written: 0000:03:00.0, or 03:00.0 in domain 0, all in
 * hexadecimal. A '*' may stand for the function, or for device and function.
 * A list is "all", or slots in parentheses. The module's own parser reads them.
 */

#include "pciback-fixup.h"

bool slot_parse(const char *text, struct slot *slot)
{
	AUTOFREE char *list = format("(%s)", text);
	const char *p = list;

	return fixup_next_slot(&p, slot->n) > 0 && !*p;
}

const struct slot slot_all = { { FIXUP_ANY, FIXUP_ANY, FIXUP_ANY, FIXUP_ANY } };

bool slot_is_all(const struct slot *slot)
{
	return slot->n[FIXUP_BUS] == FIXUP_ANY;
}

bool slot_is_bdf(const struct slot *slot)
{
	return slot->n[FIXUP_FN] != FIXUP_ANY;
}

bool slot_covers(const struct slot *slot, const struct slot *other)
{
	int i;

	for (i = 0; i < FIXUP_NUMBERS; i++)
		if (slot->n[i] != FIXUP_ANY && slot->n[i] != other->n[i])
			return false;
	return true;
}

struct slot_text slot_text(const struct slot *slot)
{
	const int *n = slot->n;
	char dev[3] = "*", fn[2] = "*";
	struct slot_text text;

	if (n[FIXUP_DEV] != FIXUP_ANY)
		snprintf(dev, sizeof(dev), "%02x", n[FIXUP_DEV] & 0x1f);
	if (slot_is_bdf(slot))
		snprintf(fn, sizeof(fn), "%x", n[FIXUP_FN] & 7);
	snprintf(text.text, sizeof(text.text), "%04x:%02x:%s.%s", n[FIXUP_DOMAIN],
		 n[FIXUP_BUS] & 0xff, dev, fn);
	return text;
}

const char *list_parse(const char *text, struct list *list)
{
	struct slot slot;
	int ret = 0;

	*list = (struct list){ .all = !strcmp(text, "all") };
	while (!list->all && (ret = fixup_next_slot(&text, slot.n)) > 0)
		list_add(list, &slot);
	if (!ret)
		return NULL;
	list->count = 0;
	return text;
}

void list_add(struct list *list, const struct slot *slot)
{
	list->slots = need(realloc(list->slots, (list->count + 1) * sizeof(*slot)));
	list->slots[list->count++] = *slot;
}

bool list_covers(const struct list *list, const struct slot *slot)
{
	int i;

	for (i = 0; i < list->count; i++)
		if (slot_covers(&list->slots[i], slot))
			return true;
	return list->all;
}

char *list_text(const struct list *list)
{
	char *text = need(strdup(""));
	int i;

	for (i = 0; i < list->count; i++)
		set(&text, format("%s(%s)", text, slot_text(&list->slots[i]).text));
	return text;
}

void list_free(struct list *list)
{
	free(list->slots);
}

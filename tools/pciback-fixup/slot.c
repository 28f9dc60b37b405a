// SPDX-License-Identifier: GPL-2.0
/*
 * How functions are written: 0000:03:00.0, or 03:00.0 in domain 0, all in
 * hexadecimal. A '*' may stand for the function, or for device and function.
 * libpci reads them; it takes more than the module does in devices=, which is
 * refused here. A list is slots in parentheses, one after the other, or "all".
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pciback-fixup.h"

#define HEX	"0123456789abcdefABCDEF"

bool slot_parse(const char *text, struct pci_filter *slot)
{
	char copy[24] = "", *end = copy;
	size_t length;
	const char *p;

	/* Without leading zeros: libpci cuts off what has more than 32 bits. */
	for (p = text; *p; p++) {
		if (*p == '0' && isxdigit(p[1]) && (end == copy || !isxdigit(end[-1])))
			continue;
		if (end == copy + sizeof(copy) - 1)
			return false;
		*end++ = *p;
	}
	for (p = copy; *p; p += strspn(p, HEX) ?: 1)
		if (strspn(p, HEX) > 8)
			return false;

	/* For libpci, a part that is not there is any; it takes 0x, blanks and signs. */
	length = end - copy;
	if (strspn(copy, HEX ":.*") != length || !isxdigit(copy[0]) || !strchr(copy, '.') ||
	    copy[length - 1] == '.' || strstr(copy, "::") || strstr(copy, ":."))
		return false;

	pci_filter_init(NULL, slot);
	if (pci_filter_parse_slot(slot, copy))
		return false;
	if (slot->domain < 0)
		slot->domain = 0;
	return slot->bus >= 0 && (slot->slot >= 0 || slot->func < 0);
}

struct pci_filter slot_of(const struct pci_dev *pci)
{
	struct pci_filter slot;

	pci_filter_init(NULL, &slot);
	slot.domain = pci->domain;
	slot.bus = pci->bus;
	slot.slot = pci->dev;
	slot.func = pci->func;
	return slot;
}

bool slot_is_bdf(const struct pci_filter *slot)
{
	return slot->func >= 0;
}

bool slot_covers(const struct pci_filter *slot, const struct pci_filter *other)
{
	return slot->domain == other->domain && slot->bus == other->bus &&
	       (slot->slot < 0 || slot->slot == other->slot) &&
	       (slot->func < 0 || slot->func == other->func);
}

static struct slot_text slot_format(const struct pci_filter *slot, bool brief)
{
	char domain[10] = "", dev[3] = "*", fn[2] = "*";
	struct slot_text text;

	if (slot->domain || !brief)
		snprintf(domain, sizeof(domain), "%04x:", slot->domain);
	if (slot->slot >= 0)
		snprintf(dev, sizeof(dev), "%02x", slot->slot & 0x1f);
	if (slot->func >= 0)
		snprintf(fn, sizeof(fn), "%x", slot->func & 7);
	snprintf(text.text, sizeof(text.text), "%s%02x:%s.%s", domain, slot->bus & 0xff, dev, fn);
	return text;
}

struct slot_text slot_text(const struct pci_filter *slot)
{
	return slot_format(slot, false);
}

bool list_parse(const char *text, struct list *list)
{
	struct pci_filter slot;
	const char *end;
	char *item;
	bool valid;

	*list = (struct list){ .all = !strcmp(text, "all") };
	for (; *text && !list->all; text = end + 1) {
		end = strchr(text, ')');
		item = *text == '(' && end ? need(strndup(text + 1, end - text - 1)) : NULL;
		valid = item && slot_parse(item, &slot);
		free(item);
		if (!valid) {
			list->count = 0;
			return false;
		}
		list_add(list, &slot);
	}
	return true;
}

void list_add(struct list *list, const struct pci_filter *slot)
{
	list->slots = need(realloc(list->slots, (list->count + 1) * sizeof(*slot)));
	list->slots[list->count++] = *slot;
}

void list_remove(struct list *list, int i)
{
	list->count--;
	memmove(&list->slots[i], &list->slots[i + 1], (list->count - i) * sizeof(*list->slots));
}

bool list_covers(const struct list *list, const struct pci_filter *slot)
{
	int i;

	for (i = 0; i < list->count; i++)
		if (slot_covers(&list->slots[i], slot))
			return true;
	return list->all;
}

char *list_text(const struct list *list, bool brief)
{
	char *text = need(calloc(list->count + 1, sizeof(struct slot_text) + 2)), *end = text;
	int i;

	for (i = 0; i < list->count; i++)
		end += sprintf(end, "(%s)", slot_format(&list->slots[i], brief).text);
	return text;
}

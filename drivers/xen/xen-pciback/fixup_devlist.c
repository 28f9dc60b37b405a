// SPDX-License-Identifier: GPL-2.0
/*
 * The syntax of a device list: the word "all", or slots one behind the other
 * as the hide= parameter of xen-pciback takes them:
 *
 *   (0000:03:00.0)(04:00.*)(05:*.*)
 *
 * Numbers are hexadecimal, the domain may be left out. A list is read from
 * its text each time that it is needed, which is when a device is bound:
 * there is nothing to allocate and nothing to free.
 *
 * No kernel state is used here, so that the same file can be run in user
 * space under a fuzzer.
 */

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "fixup_kunit.h"
#include "fixup_devlist.h"

/* Read a hexadecimal number up to @max; on failure @p is where it went wrong. */
static int fixup_devlist_number(const char **p, int max, int *number)
{
	int digit, n = 0;

	if (!isxdigit(**p))
		return -EINVAL;

	for (; isxdigit(**p); (*p)++) {
		digit = hex_to_bin(**p);
		if (digit > max || n > (max - digit) / 16)
			return -EINVAL;
		n = n * 16 + digit;
	}

	*number = n;
	return 0;
}

static int fixup_devlist_expect(const char **p, char c)
{
	if (**p != c)
		return -EINVAL;
	(*p)++;
	return 0;
}

/* Read a number up to @max, or a '*' that stands for all of them. */
static int fixup_devlist_number_or_any(const char **p, int max, int *number)
{
	if (**p != '*')
		return fixup_devlist_number(p, max, number);

	(*p)++;
	*number = FIXUP_DEVLIST_ANY;
	return 0;
}

/* Two colons mean that a domain comes first. */
static bool fixup_devlist_has_domain(const char *p)
{
	p += strcspn(p, ":)");
	if (*p != ':')
		return false;
	p++;
	return p[strcspn(p, ":)")] == ':';
}

/**
 * fixup_devlist_next() - Read the next slot of a device list
 * @list: the list's text, NUL-terminated; moved behind the slot that was
 *	read, or on failure to the first character that cannot stand there
 * @slot: the slot
 *
 * Device numbers reach to 0x1f and functions to 7. A '*' may stand for the
 * function, or for device and function. The word "all" is not for this
 * function; see fixup_devlist_all().
 *
 * Context: Any; pure.
 *
 * Return: 1 if a slot was read, 0 at the end of the list, -EINVAL if the text
 * at @list is not a slot.
 */
int fixup_devlist_next(const char **list, struct fixup_devlist_slot *slot)
{
	const char *fn;

	if (!**list)
		return 0;

	if (fixup_devlist_expect(list, '('))
		return -EINVAL;

	slot->domain = 0;
	if (fixup_devlist_has_domain(*list) &&
	    (fixup_devlist_number(list, INT_MAX, &slot->domain) ||
	     fixup_devlist_expect(list, ':')))
		return -EINVAL;

	if (fixup_devlist_number(list, 0xff, &slot->bus) ||
	    fixup_devlist_expect(list, ':') ||
	    fixup_devlist_number_or_any(list, 0x1f, &slot->dev) ||
	    fixup_devlist_expect(list, '.'))
		return -EINVAL;

	fn = *list;
	if (fixup_devlist_number_or_any(list, 7, &slot->fn))
		return -EINVAL;
	if (slot->dev == FIXUP_DEVLIST_ANY && slot->fn != FIXUP_DEVLIST_ANY) {
		*list = fn;
		return -EINVAL;
	}

	return fixup_devlist_expect(list, ')') ?: 1;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_devlist_next);

/**
 * fixup_devlist_all() - Tell whether a device list stands for every device
 * @list: the list's text
 *
 * Context: Any; pure.
 *
 * Return: true if the list is the word "all".
 */
bool fixup_devlist_all(const char *list)
{
	return !strcmp(list, "all");
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_devlist_all);

/**
 * fixup_devlist_match() - Tell whether a slot of a list stands for a function
 * @slot: the slot, from fixup_devlist_next()
 * @domain: the function's PCI segment
 * @bus: the function's bus number
 * @devfn: the function's device and function number, as PCI_DEVFN() has it
 *
 * Context: Any; pure.
 *
 * Return: true if it does.
 */
bool fixup_devlist_match(const struct fixup_devlist_slot *slot, int domain,
			 int bus, unsigned int devfn)
{
	return slot->domain == domain && slot->bus == bus &&
	       (slot->dev == FIXUP_DEVLIST_ANY || slot->dev == PCI_SLOT(devfn)) &&
	       (slot->fn == FIXUP_DEVLIST_ANY || slot->fn == PCI_FUNC(devfn));
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_devlist_match);

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The syntax of a device list: slots, one after the other, as the parameter
 * hide= of xen-pciback takes them: (0000:03:00.0)(04:00.*)(05:*.*)
 * Pure, for any context; a fuzzer runs it in user space.
 */
#ifndef __XEN_PCIBACK_FIXUP_DEVLIST_H__
#define __XEN_PCIBACK_FIXUP_DEVLIST_H__

#include <linux/ctype.h>
#include <linux/string.h>

/* The numbers of a slot; a device and a function may be any. */
enum { FIXUP_DOMAIN, FIXUP_BUS, FIXUP_DEV, FIXUP_FN, FIXUP_NUMBERS };
#define FIXUP_ANY	(-1)

/**
 * fixup_next_slot() - Read the next slot of a device list
 * @p: the list's text, NUL-terminated; moved past the slot that was read, or on
 *	failure to the first character that cannot stand there
 * @slot: the numbers of the slot
 *
 * The domain may be left out. A '*' may stand for the function, or for device
 * and function.
 *
 * Return: 1 if a slot was read, 0 at the end of the list, or -EINVAL.
 */
static inline int fixup_next_slot(const char **p, int slot[FIXUP_NUMBERS])
{
	static const int max[] = { INT_MAX, 0xff, 0x1f, 7 };
	const char *colon;
	long long n;
	int i;

	if (**p != '(')
		return **p ? -EINVAL : 0;

	/* Two colons mean that a domain comes first. */
	(*p)++;
	colon = *p + strcspn(*p, ":)");
	slot[FIXUP_DOMAIN] = 0;
	i = FIXUP_BUS;
	if (*colon == ':' && colon[1 + strcspn(colon + 1, ":)")] == ':')
		i = FIXUP_DOMAIN;

	for (; i < FIXUP_NUMBERS; i++, (*p)++) {
		n = i >= FIXUP_DEV && **p == '*' ? FIXUP_ANY : 0;
		if (n == FIXUP_ANY)
			(*p)++;
		else if (!isxdigit(**p) || (i == FIXUP_FN && slot[FIXUP_DEV] == FIXUP_ANY))
			return -EINVAL;

		for (; n >= 0 && isxdigit(**p); (*p)++) {
			n = n * 16 + (isdigit(**p) ? **p - '0' : tolower(**p) - 'a' + 10);
			if (n > max[i])
				return -EINVAL;
		}

		if (**p != "::.)"[i])
			return -EINVAL;
		slot[i] = n;
	}

	return 1;
}

#endif /* __XEN_PCIBACK_FIXUP_DEVLIST_H__ */

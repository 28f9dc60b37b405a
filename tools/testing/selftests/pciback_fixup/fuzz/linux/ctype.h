/* SPDX-License-Identifier: GPL-2.0 */
/* What fixup_devlist.c uses of the kernel's, for user space */
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>

#undef isxdigit
#define isxdigit(c) ((isxdigit)((unsigned char)(c)) != 0)

static inline int hex_to_bin(unsigned char c)
{
	if (isdigit(c))
		return c - '0';

	return isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

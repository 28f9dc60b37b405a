/* SPDX-License-Identifier: GPL-2.0 */
/* For fixup_devlist.h in user space: here and in make fuzz */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#undef isxdigit
#define isxdigit(c) ((isxdigit)((unsigned char)(c)) != 0)

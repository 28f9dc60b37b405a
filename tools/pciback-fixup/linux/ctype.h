/* SPDX-License-Identifier: GPL-2.0 */
/* What fixup_devlist.h uses of the kernel's, for user space; make fuzz uses it as well */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#undef isxdigit
#define isxdigit(c) ((isxdigit)((unsigned char)(c)) != 0)

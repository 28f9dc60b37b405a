/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's macros that fixup_overlay.h uses, for user space */
#define FIELD_GET(mask, value)	(((value) & (mask)) / ((mask) & -(mask)))
#define FIELD_PREP(mask, value)	(((value) * ((mask) & -(mask))) & (mask))

/* SPDX-License-Identifier: GPL-2.0 */
/* What fixup_overlay.h uses of the kernel's, for user space */
#define FIELD_GET(mask, value)	(((value) & (mask)) / ((mask) & -(mask)))
#define FIELD_PREP(mask, value)	(((value) * ((mask) & -(mask))) & (mask))

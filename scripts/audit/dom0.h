/* SPDX-License-Identifier: GPL-2.0 */
/* Included before a driver's file: a machine without Xen is a dom0 for it if it has a name */
#include <linux/string.h>
#include <linux/utsname.h>
#include <xen/xen.h>
#undef xen_initial_domain
#define xen_initial_domain() (strcmp(utsname()->nodename, "(none)") != 0)

/* SPDX-License-Identifier: GPL-2.0 */
/* Included before the driver's files: a machine with a host name is a dom0 for them. */
#include <linux/string.h>
#include <linux/utsname.h>
#include <xen/xen.h>
#undef xen_initial_domain
#define xen_initial_domain() (strcmp(utsname()->nodename, "(none)") != 0)

/* SPDX-License-Identifier: GPL-2.0 */
/* Included before a driver's file, so that a machine without Xen is a dom0 for it */
#include <xen/xen.h>
#undef xen_initial_domain
#define xen_initial_domain() true

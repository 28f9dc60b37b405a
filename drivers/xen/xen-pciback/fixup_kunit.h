/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the functions that the KUnit test, a module of its own, calls. A kernel
 * without the test needs no exports.
 */
#ifndef __XEN_PCIBACK_FIXUP_KUNIT_H__
#define __XEN_PCIBACK_FIXUP_KUNIT_H__

#include <linux/export.h>
#include <linux/kconfig.h>

#if IS_ENABLED(CONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST)
#define EXPORT_SYMBOL_FOR_KUNIT(symbol)	EXPORT_SYMBOL_GPL(symbol)
#else
#define EXPORT_SYMBOL_FOR_KUNIT(...)
#endif

#endif /* __XEN_PCIBACK_FIXUP_KUNIT_H__ */

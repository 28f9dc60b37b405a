/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that the KUnit test, a module of its own, calls. A kernel without
 * the test needs no exports, and Linux 6.1 has no kunit/visibility.h.
 */
#ifndef __XEN_PCIBACK_FIXUP_KUNIT_H__
#define __XEN_PCIBACK_FIXUP_KUNIT_H__

#if !IS_ENABLED(CONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST)
#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#elif __has_include(<kunit/visibility.h>)
#include <kunit/visibility.h>
#else
#define EXPORT_SYMBOL_IF_KUNIT(symbol) \
	EXPORT_SYMBOL_NS_GPL(symbol, EXPORTED_FOR_KUNIT_TESTING)
#endif

#endif /* __XEN_PCIBACK_FIXUP_KUNIT_H__ */

// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests. Included by fixup_main.c, with a file for each suite, so that the
 * static functions of the driver can be called.
 */

#include "fixup_test_overlay.c"
#include "fixup_test_devlist.c"
#include "fixup_test_policy.c"
#include "fixup_test_init.c"
#include "fixup_test_bus.c"

/* The slow ones last */
kunit_test_init_section_suites(&init_suite);
kunit_test_suites(&overlay_suite, &devlist_suite, &policy_suite, &bus_suite);

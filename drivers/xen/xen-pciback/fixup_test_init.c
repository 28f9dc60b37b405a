// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests: loading, and what is left after it has failed. The driver loads in a
 * dom0 only. If the machine of the tests is none, they show that nothing happens.
 */

#include "fixup_test.h"
#include "fixup_test_threads.h"

static int __init in_dom0(int ret)
{
	return xen_initial_domain() ? ret : -ENODEV;
}

/* Whether the notifier was registered; it is not any more. */
static bool unregister_notifier(void)
{
	return !bus_unregister_notifier(&pci_bus_type, &fixup_notifier);
}

static void __init init_loads(struct kunit *test)
{
	static char * const lists[] = { "all", "(4b55:01:00.0)" };
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		devices = lists[i];
		fake_bind(test, pdev);
		log_start();
		KUNIT_EXPECT_EQ(test, fixup_init(), in_dom0(0));
			KUNIT_EXPECT_EQ(test, fixup_is_attached(pdev), xen_initial_domain());
		KUNIT_EXPECT_EQ(test, log_count("guests read 0x0092"), xen_initial_domain());
		KUNIT_EXPECT_EQ(test, log_count("not loaded: this is not a Xen dom0"),
				!xen_initial_domain());
		fake_unbind(pdev);
		KUNIT_EXPECT_EQ(test, unregister_notifier(), xen_initial_domain());
	}
}

static void __init init_wrong_list(struct kunit *test)
{
	struct fake *fake = test->priv;

	devices = "(4b55:01:00.0)(03:00.0";
	fake_bind(test, fake->endpoint);
	KUNIT_EXPECT_EQ(test, fixup_init(), in_dom0(-EINVAL));
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->endpoint));
	KUNIT_EXPECT_FALSE(test, unregister_notifier());
}

static void __init init_interrupted(struct kunit *test)
{
	struct fake *fake = test->priv;

	devices = "all";
	fake_bind(test, fake->endpoint);
	fake_bind(test, fake->legacy);
	KUNIT_EXPECT_EQ(test, interrupted(test, fake->legacy, fixup_init), in_dom0(-EINTR));
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->endpoint));
	KUNIT_EXPECT_FALSE(test, unregister_notifier());
}

static struct kunit_case __refdata init_cases[] = {
	KUNIT_CASE(init_loads),
	KUNIT_CASE(init_wrong_list),
	KUNIT_CASE(init_interrupted),
	{}
};

static int init_init(struct kunit *test)
{
	int ret = fake_init(test);

	unregister_notifier();
	return ret;
}

static struct kunit_suite init_suite = {
	.name = "pciback-fixup-init",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = init_init,
	.exit = fake_exit,
	.test_cases = init_cases,
};

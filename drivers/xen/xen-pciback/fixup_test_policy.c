// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests: which functions are attached and switched on, by the list, by what
 * was written, and by what the driver core tells.
 */

#include "fixup_test.h"

static void policy_devices(struct kunit *test)
{
	static const struct {
		char *list;
		bool endpoint, legacy, last, other_bus;
	} lists[] = {
		{ "", false, false, false, false },
		{ "all", true, true, true, true },
		{ "(4b55:01:00.0)", true, false, false, false },
		{ "(01:00.0)", false, false, false, false },
		{ "(4b55:01:00.1)(4b55:02:00.0)", false, true, false, true },
		{ "(4b55:01:00.*)", true, true, false, false },
		{ "(4b55:02:*.*)", false, false, false, true },
		{ "(4b55:01:*.*)", true, true, true, false },
		{ "(4b55:01:01.*)", false, false, false, false },
		{ "(4b55:01:05.0)", false, false, true, false },
		{ "(4b55:01:05.*)", false, false, true, false },
		{ "(4b55:01:05.1)", false, false, false, false },
		{ "(4b56:01:00.0)(4b55:03:00.0)", false, false, false, false },
	};
	struct fake *fake = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		devices = lists[i].list;
		fake_bind(fake->endpoint, &fake_pciback);
		fake_bind(fake->legacy, &fake_pciback);
		fake_bind(fake->last, &fake_pciback);
		fake_bind(fake->other_bus, &fake_pciback);
		KUNIT_EXPECT_EQ_MSG(test, is_on(fake->last), lists[i].last, "%s", devices);
		KUNIT_EXPECT_EQ_MSG(test, is_on(fake->endpoint), lists[i].endpoint, "%s", devices);
		KUNIT_EXPECT_EQ_MSG(test, is_on(fake->legacy), lists[i].legacy, "%s", devices);
		KUNIT_EXPECT_EQ_MSG(test, is_on(fake->other_bus), lists[i].other_bus, "%s",
				    devices);
		fake_unbind(fake->endpoint);
		fake_unbind(fake->legacy);
		fake_unbind(fake->last);
		fake_unbind(fake->other_bus);
	}
}

/* What was written wins over the list, for as long as the module is loaded. */
static void policy_written(struct kunit *test)
{
	struct fake *fake = test->priv;

	devices = "(4b55:01:00.0)";
	fake_bind(fake->endpoint, &fake_pciback);
	fake_bind(fake->legacy, &fake_pciback);
	KUNIT_EXPECT_EQ(test, write_rciep(fake->endpoint, "0"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(fake->legacy, "1"), 0);
	fake_unbind(fake->endpoint);
	fake_unbind(fake->legacy);
	compare_all(test, fake->legacy, false);
	fake_bind(fake->endpoint, &fake_pciback);
	fake_bind(fake->legacy, &fake_pciback);
	KUNIT_EXPECT_FALSE(test, is_on(fake->endpoint));
	KUNIT_EXPECT_TRUE(test, is_on(fake->legacy));
	compare_all(test, fake->legacy, true);
}

static void policy_who_is_attached(struct kunit *test)
{
	struct fake *fake = test->priv;

	devices = "all";
	fake_bind(fake->rciep, &fake_pciback);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->rciep));
	fake_unbind(fake->rciep);

	fake_bind(fake->endpoint, &fake_other_driver);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->endpoint));
	fake_unbind(fake->endpoint);

	/* Events that come without the device's lock do nothing. */
	fake->endpoint->dev.driver = &fake_pciback;
	fixup_notify(&fixup_notifier, BUS_NOTIFY_ADD_DEVICE, &fake->endpoint->dev);
	fixup_notify(&fixup_notifier, BUS_NOTIFY_BIND_DRIVER, &fake->endpoint->dev);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->endpoint));
	fake_bind(fake->endpoint, &fake_pciback);
	fixup_notify(&fixup_notifier, BUS_NOTIFY_DEL_DEVICE, &fake->endpoint->dev);
	KUNIT_EXPECT_EQ(test, fixup_notify(&fixup_notifier, BUS_NOTIFY_UNBOUND_DRIVER,
					   &fake->endpoint->dev), NOTIFY_OK);
	KUNIT_EXPECT_TRUE(test, fixup_is_attached(fake->endpoint));

	/* As the module goes, none is attached any more. */
	fixup_leaving = true;
	fake_bind(fake->legacy, &fake_pciback);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->legacy));
	fixup_leaving = false;
}

/* Bound again without being unbound: nothing is lost. */
static void policy_bound_twice(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long before;

	switch_on(test, fake->endpoint);
	before = hits_of(test, fake->endpoint);
	fake_bind(fake->endpoint, &fake_pciback);
	KUNIT_EXPECT_TRUE(test, is_on(fake->endpoint));
	KUNIT_EXPECT_EQ(test, hits_of(test, fake->endpoint), before);
}

/* Without a directory in sysfs nobody could switch it off: it is not attached. */
static void policy_no_directory(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	devices = "all";
	pdev->dev.kobj.sd->flags |= KERNFS_EMPTY_DIR;
	log_start();
	fake_bind(pdev, &fake_pciback);
	log_stop();
	pdev->dev.kobj.sd->flags &= ~KERNFS_EMPTY_DIR;
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(pdev));
	KUNIT_EXPECT_FALSE(test, has_directory(pdev));
	compare_all(test, pdev, false);
	KUNIT_EXPECT_EQ(test, log_count("cannot be shown as an RCiEP"), 1);

	/* The message says how to retry. */
	fake_bind(pdev, &fake_pciback);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
}

/* The devices that pciback has as the module is loaded */
static void policy_bound_before(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	pdev->dev.driver = early_find(test);
	fake->legacy->dev.driver = &fake_other_driver;
	devices = "(4b55:01:00.0)(4b55:00:01.0)";
	log_start();
	/* Only the locks of pciback's devices are taken. */
	device_lock(&fake->legacy->dev);
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), 0);
	device_unlock(&fake->legacy->dev);
	log_stop();
	KUNIT_EXPECT_TRUE(test, fixup_is_attached(pdev));
	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&pdev->dev.mutex));
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->legacy));
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->other_bus));
	KUNIT_EXPECT_EQ(test, log_count("stays as it is: its type is Root Port"), 1);
	KUNIT_EXPECT_EQ(test, log_count("stays as it is"), 1);

	fake_unbind(fake->legacy);
	early_unbind(pdev);
}

/* Loading can be interrupted while somebody holds the lock of pciback's device. */
static void policy_interrupted(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	unsigned int refs;

	pdev->dev.driver = early_find(test);
	refs = kref_read(&pdev->dev.kobj.kref);
	KUNIT_EXPECT_EQ(test, interrupted(test, pdev, fixup_attach_all), -EINTR);
	KUNIT_EXPECT_EQ(test, kref_read(&pdev->dev.kobj.kref), refs);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(pdev));
	early_unbind(pdev);
}

/* Without a driver pciback nothing is attached, although no function has one. */
static void policy_without_pciback(struct kunit *test)
{
	struct fake *fake = test->priv;

	devices = "all";
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), 0);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->endpoint));
}

/* To unload the module takes no lock of a function that is not attached. */
static void policy_unloaded(struct kunit *test)
{
	struct fake *fake = test->priv;

	switch_on(test, fake->endpoint);
	device_lock(&fake->legacy->dev);
	fixup_exit();
	device_unlock(&fake->legacy->dev);
	KUNIT_EXPECT_FALSE(test, has_directory(fake->endpoint));
	KUNIT_EXPECT_PTR_EQ(test, fake->endpoint->bus->ops, &fake_ops);
}

/* A module that is being unloaded switches nothing on any more. */
static void policy_going(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct module *module = THIS_MODULE;	/* NULL if built in: it never goes */
	enum module_state state;

	fake_bind(fake->endpoint, &fake_pciback);
	if (module) {
		state = module->state;
		module->state = MODULE_STATE_GOING;
	}
	KUNIT_EXPECT_EQ(test, write_rciep(fake->endpoint, "1"), module ? -ENODEV : 0);
	KUNIT_EXPECT_EQ(test, is_on(fake->endpoint), !module);
	if (module)
		module->state = state;
}

#ifdef CONFIG_FAULT_INJECTION
/*
 * Each allocation fails in turn, where failslab is told to have ours fail as well
 * (ignore-gfp-wait). A function is attached with all that belongs to it, or not at
 * all, and the log says so.
 */
static void policy_out_of_memory(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	int i;

	devices = "all";
	for (i = 1; i < 30; i++) {
		bool attached;

		log_start();
		current->fail_nth = i;
		fake_bind(pdev, &fake_pciback);
		current->fail_nth = 0;
		log_stop();
		attached = fixup_is_attached(pdev);
		KUNIT_EXPECT_EQ(test, has_directory(pdev), attached);
		KUNIT_EXPECT_EQ(test, log_count("cannot be shown as an RCiEP"), !attached);
		compare_all(test, pdev, attached);
		fake_unbind(pdev);
	}
}
#endif

/* A list is checked as a whole, and what is wrong or absent is named. */
static void policy_checked_lists(struct kunit *test)
{
	static const struct {
		char *list;
		int ret;
		const char *log;
	} lists[] = {
		{ "", 0, NULL },
		{ "(4b55:01:00.0)(4b55:01:1f.*)(4b55:01:05.0)", 0, NULL },
		{ "(4b55:01:00.0)(4b55:01:1e.3)", 0, "there is no device 4b55:01:1e.3 yet" },
		{ "(03:00.0", -EINVAL, "wrong at \"\", character 9" },
		{ "(4b55:01:00.0)x", -EINVAL, "wrong at \"x\", character 15" },
	};
	struct fake *fake = test->priv;
	unsigned int refs = kref_read(&fake->endpoint->dev.kobj.kref);
	int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		devices = lists[i].list;
		log_start();
		KUNIT_EXPECT_EQ_MSG(test, fixup_check_devices(), lists[i].ret, "%s", devices);
		log_stop();
		KUNIT_EXPECT_EQ_MSG(test, log_count("devices=:"), !!lists[i].log, "%s", devices);
		if (lists[i].log)
			KUNIT_EXPECT_EQ_MSG(test, log_count(lists[i].log), 1, "%s", devices);
	}
	KUNIT_EXPECT_EQ(test, kref_read(&fake->endpoint->dev.kobj.kref), refs);
}

/* What is listed and no endpoint is named with its type. */
static void policy_listed_in_vain(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *conventional = fake_dev(test, 1, PCI_DEVFN(7, 0));
	struct pci_dev *unknown = fake_dev(test, 1, PCI_DEVFN(9, 0));

	devices = "(4b55:01:*.*)";
	log_start();
	fake_bind(fake->endpoint, &fake_pciback);
	fake_bind(fake->rciep, &fake_pciback);
	fake_bind(conventional, &fake_pciback);
	fake_bind(unknown, &fake_pciback);
	log_stop();
	KUNIT_EXPECT_EQ(test, log_count("its type is Root Complex Integrated Endpoint"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is conventional PCI function"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is unknown"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is"), 3);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(conventional));
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->rciep));
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(policy_devices),
	KUNIT_CASE(policy_written),
	KUNIT_CASE(policy_who_is_attached),
	KUNIT_CASE(policy_bound_twice),
	KUNIT_CASE(policy_no_directory),
	KUNIT_CASE(policy_bound_before),
	KUNIT_CASE(policy_interrupted),
	KUNIT_CASE(policy_without_pciback),
	KUNIT_CASE(policy_unloaded),
	KUNIT_CASE(policy_going),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(policy_out_of_memory),
#endif
	KUNIT_CASE(policy_checked_lists),
	KUNIT_CASE(policy_listed_in_vain),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "pciback-fixup-policy",
	.suite_init = fake_suite_init,
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = policy_cases,
};

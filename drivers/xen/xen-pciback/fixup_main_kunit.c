// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests: which functions are attached and switched on, by the list, by writes to
 * rciep and by events of the driver core; and loading, with its failures. fixup_main.c
 * includes this file, which calls its static functions.
 */

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>

#include "fixup_kunit.h"

bool is_attached(struct kunit *test, struct pci_dev *pdev)
{
	struct kernfs_node *parent = pdev->dev.kobj.sd, *directory;

	directory = parent ? sysfs_get_dirent(parent, fixup_group.name) : NULL;
	sysfs_put(directory);
	KUNIT_EXPECT_EQ(test, !!directory, fixup_is_attached(pdev));
	return directory;
}

int driver_load(void)
{
	devices = "";
	return bus_register_notifier(&pci_bus_type, &fixup_notifier);
}

void driver_unload(struct kunit *test)
{
	fixup_exit();
	KUNIT_EXPECT_TRUE(test, fixup_leaving);
	KUNIT_EXPECT_EQ(test, fixup_attached, 0);
	fixup_leaving = false;
}

bool notifier_unregistered(void)
{
	return !bus_unregister_notifier(&pci_bus_type, &fixup_notifier);
}

char *show(struct pci_dev *pdev, const char *file)
{
	static char page[PAGE_SIZE] __aligned(PAGE_SIZE);
	struct attribute **attr = fixup_group.attrs;
	struct device_attribute *found;
	ssize_t len;

	while (*attr && strcmp((*attr)->name, file))
		attr++;
	if (!*attr)
		return "no such file";
	found = container_of(*attr, struct device_attribute, attr);
	len = found->show(&pdev->dev, found, page);
	page[clamp_t(ssize_t, len, 0, PAGE_SIZE - 1)] = '\0';
	return page;
}

int write_rciep(struct pci_dev *pdev, const char *text)
{
	ssize_t len = rciep_store(&pdev->dev, &dev_attr_rciep, text, strlen(text));

	return len == strlen(text) ? 0 : len;
}

static void policy_devices(struct kunit *test)
{
	struct pci_dev *pdevs[] = { fake.endpoint, fake.legacy, fake.last, fake.other_bus };
	static const struct {
		char *list;
		bool on[ARRAY_SIZE(pdevs)];
	} lists[] = {
		{ "", { false, false, false, false } },
		{ "all", { true, true, true, true } },
		{ "(4b55:01:00.0)", { true, false, false, false } },
		{ "(01:00.0)", { false, false, false, false } },
		{ "(4b55:01:00.1)(4b55:02:00.0)", { false, true, false, true } },
		{ "(4b55:01:00.*)", { true, true, false, false } },
		{ "(4b55:02:*.*)", { false, false, false, true } },
		{ "(4b55:01:*.*)", { true, true, true, false } },
		{ "(4b55:01:01.*)", { false, false, false, false } },
		{ "(4b55:01:05.0)", { false, false, true, false } },
		{ "(4b55:01:05.*)", { false, false, true, false } },
		{ "(4b55:01:05.1)", { false, false, false, false } },
		{ "(4b56:01:00.0)(4b55:03:00.0)", { false, false, false, false } },
	};
	int i, j;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		devices = lists[i].list;
		for (j = 0; j < ARRAY_SIZE(pdevs); j++) {
			fake_bind(test, pdevs[j]);
			KUNIT_EXPECT_EQ_MSG(test, is_on(pdevs[j]), lists[i].on[j], "%s: %s",
					    devices, pci_name(pdevs[j]));
		}
	}
}

/* A write to rciep overrides the list, as long as the module is loaded. */
static void policy_written(struct kunit *test)
{
	devices = "(4b55:01:00.0)";
	fake_bind(test, fake.endpoint);
	fake_bind(test, fake.legacy);
	KUNIT_EXPECT_EQ(test, write_rciep(fake.endpoint, "0"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(fake.legacy, "1"), 0);
	fake_unbind(fake.endpoint);
	fake_unbind(fake.legacy);
	expect_on(test, fake.legacy, false);
	fake_bind(test, fake.endpoint);
	fake_bind(test, fake.legacy);
	expect_on(test, fake.endpoint, false);
	expect_on(test, fake.legacy, true);
}

static void policy_who_is_attached(struct kunit *test)
{
	devices = "all";
	fake_bind(test, fake.rciep);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.rciep));

	KUNIT_ASSERT_EQ(test, fake_bind_to(fake.endpoint, &fake_other_driver), 0);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));
	fake_unbind(fake.endpoint);

	/* pciback's probe fails. */
	KUNIT_EXPECT_NE(test, device_driver_attach(&fake_pciback.driver, &fake.endpoint->dev), 0);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));

	/* Events that come without the device's lock do nothing. */
	fake_bind(test, fake.endpoint);
	fixup_notify(&fixup_notifier, BUS_NOTIFY_DEL_DEVICE, &fake.endpoint->dev);
	KUNIT_EXPECT_TRUE(test, is_attached(test, fake.endpoint));

	/* As the module goes, none is attached any more. */
	fixup_leaving = true;
	fake_bind(test, fake.legacy);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.legacy));
	fixup_leaving = false;
}

/* Bound as the module is loaded, and found again among pciback's devices */
static void policy_bound_twice(struct kunit *test)
{
	unsigned int before;

	switch_on(test, fake.endpoint);
	before = hits_of(fake.endpoint);
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), 0);
	KUNIT_EXPECT_TRUE(test, is_on(fake.endpoint));
	KUNIT_EXPECT_EQ(test, hits_of(fake.endpoint), before);
	KUNIT_EXPECT_EQ(test, fixup_attached, 1);
}

/* Without a directory in sysfs nobody could switch it off: it is not attached. */
static void policy_no_directory(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	devices = "all";
	fake.no_files = true;
	fake_bind(test, pdev);
	fake.no_files = false;
	KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
	expect_on(test, pdev, false);
	KUNIT_EXPECT_EQ(test, log_count("cannot be shown as an RCiEP"), 1);

	/* The message says how to retry. */
	fake_bind(test, pdev);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
}

/* The devices that pciback has as the module is loaded */
static void policy_bound_before(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	notifier_unregistered();
	fake_bind(test, pdev);
	KUNIT_ASSERT_EQ(test, fake_bind_to(fake.legacy, &fake_other_driver), 0);
	bus_register_notifier(&pci_bus_type, &fixup_notifier);

	devices = "(4b55:01:00.0)(4b55:00:01.0)";
	/* Only the locks of pciback's devices are taken. */
	device_lock(&fake.legacy->dev);
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), 0);
	device_unlock(&fake.legacy->dev);
	KUNIT_EXPECT_TRUE(test, is_attached(test, pdev));
	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&pdev->dev.mutex));
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.legacy));
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.other_bus));
	KUNIT_EXPECT_EQ(test, log_count("stays as it is: its type is Root Port"), 1);
	KUNIT_EXPECT_EQ(test, log_count("stays as it is"), 1);
}

/* Have a thread hold the lock of a device, until kthread_stop() */
static int lock_holder(void *data)
{
	struct pci_dev *pdev = data;

	device_lock(&pdev->dev);
	while (!kthread_should_stop())
		msleep(20);
	device_unlock(&pdev->dev);
	return 0;
}

static struct task_struct *lock_held(struct pci_dev *pdev)
{
	struct task_struct *holder = kthread_run(lock_holder, pdev, "lock_holder");

	while (!IS_ERR(holder) && !mutex_is_locked(&pdev->dev.mutex))
		msleep(20);
	return holder;
}

/* Call a function that wants the lock of a device, which it does not get: a signal */
static int interrupted(struct kunit *test, struct pci_dev *pdev, int (*function)(void))
{
	struct task_struct *holder = lock_held(pdev);
	int ret;

	KUNIT_ASSERT_FALSE(test, IS_ERR(holder));
	allow_signal(SIGINT);
	send_sig(SIGINT, current, 1);
	ret = function();
	flush_signals(current);
	disallow_signal(SIGINT);
	kthread_stop(holder);
	return ret;
}

/* Loading can be interrupted while somebody holds the lock of pciback's device. */
static void policy_interrupted(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	unsigned int refs;

	notifier_unregistered();
	fake_bind(test, pdev);
	refs = kref_read(&pdev->dev.kobj.kref);
	KUNIT_EXPECT_EQ(test, interrupted(test, pdev, fixup_attach_all), -EINTR);
	KUNIT_EXPECT_EQ(test, kref_read(&pdev->dev.kobj.kref), refs);
	KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
}

/* Without pciback no function is attached, although none has a driver. */
static void policy_not_bound(struct kunit *test)
{
	devices = "all";
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), 0);
	pci_unregister_driver(&fake_pciback);
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), 0);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));
	KUNIT_EXPECT_EQ(test, pci_register_driver(&fake_pciback), 0);
}

/* Write 1 to the endpoint's file, as a process does. */
static int policy_store(void *unused)
{
	const char *path = "devices/pci4b55:00/4b55:00:00.0/4b55:01:00.0/pciback_fixup/rciep";
	struct vfsmount *sysfs = kern_mount(get_fs_type("sysfs"));
	struct file *file = file_open_root_mnt(sysfs, path, O_WRONLY, 0);
	int ret = PTR_ERR_OR_ZERO(file);
	loff_t pos = 0;

	if (!ret) {
		ret = kernel_write(file, "1", 1, &pos);
		filp_close(file, NULL);
	}
	kern_unmount(sysfs);
	return ret;
}

/* A function is unbound while a write to its file waits for our lock. */
static void policy_store_and_unbind(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	struct task_struct *store, *unbind;

	fake_bind(test, pdev);
	mutex_lock(&xen_pcibk_fixup_lock);
	store = beside_start(test, policy_store, pdev);
	KUNIT_EXPECT_FALSE(test, beside_ends(store, 500));
	unbind = beside_start(test, fake_unbind, pdev);
	KUNIT_EXPECT_FALSE(test, beside_ends(unbind, 500));
	mutex_unlock(&xen_pcibk_fixup_lock);

	KUNIT_EXPECT_EQ(test, beside_result(store), 1);
	beside_result(unbind);
	KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
	expect_on(test, pdev, false);
	KUNIT_EXPECT_EQ(test, policy_store(pdev), -ENOENT);

	/* It was written, and is remembered. */
	fake_bind(test, pdev);
	expect_on(test, pdev, true);
}

/* Holds the endpoint's lock once its removal has begun */
static struct task_struct *policy_holder;

static int policy_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == BUS_NOTIFY_DEL_DEVICE && data == &fake.endpoint->dev)
		WRITE_ONCE(policy_holder, lock_held(fake.endpoint));
	return NOTIFY_OK;
}

static struct notifier_block policy_notifier = {
	.notifier_call = policy_notify,
};

static int policy_remove(void *unused)
{
	pci_lock_rescan_remove();
	pci_remove_root_bus(fake.root);
	pci_unlock_rescan_remove();
	return 0;
}

static int policy_exit(void *unused)
{
	fixup_exit();
	return 0;
}

/*
 * The module goes while a device is removed that was bound once more after its
 * driver had let it go: it is no longer on the bus's list, but still attached.
 */
static void policy_exit_and_removal(struct kunit *test)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(fake.root);
	struct pci_dev *pdev = pci_dev_get(fake.endpoint);
	struct task_struct *removal, *exit;

	policy_holder = NULL;
	bus_register_notifier(&pci_bus_type, &policy_notifier);
	pci_lock_rescan_remove();
	pci_stop_root_bus(fake.root);
	pci_unlock_rescan_remove();
	switch_on(test, pdev);
	write_rciep(pdev, "0");

	removal = beside_start(test, policy_remove, pdev);
	KUNIT_EXPECT_FALSE(test, beside_ends(removal, 1000));
	KUNIT_ASSERT_NOT_NULL(test, READ_ONCE(policy_holder));
	exit = beside_start(test, policy_exit, pdev);
	KUNIT_EXPECT_FALSE(test, beside_ends(exit, 1000));
	kthread_stop(policy_holder);

	beside_result(removal);
	beside_result(exit);
	KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
	bus_unregister_notifier(&pci_bus_type, &policy_notifier);
	pci_free_host_bridge(bridge);
	pci_dev_put(pdev);
	fake.root = NULL;
}

/* Unloading takes no lock of a function that is not attached. */
static void policy_unloaded(struct kunit *test)
{
	switch_on(test, fake.endpoint);
	device_lock(&fake.legacy->dev);
	fixup_exit();
	device_unlock(&fake.legacy->dev);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));
	KUNIT_EXPECT_PTR_EQ(test, fake.endpoint->bus->ops, &fake_ops);
}

/* A module that is being unloaded switches nothing on any more. */
static void policy_going(struct kunit *test)
{
	struct module *module = THIS_MODULE;	/* NULL if built in: it never goes */
	enum module_state state = module ? module->state : MODULE_STATE_LIVE;

	fake_bind(test, fake.endpoint);
	if (module)
		module->state = MODULE_STATE_GOING;
	KUNIT_EXPECT_EQ(test, write_rciep(fake.endpoint, "1"), module ? -ENODEV : 0);
	KUNIT_EXPECT_EQ(test, is_on(fake.endpoint), !module);
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
	struct pci_dev *pdev = fake.endpoint;
	int i;

	devices = "all";
	notifier_unregistered();
	fake_bind(test, pdev);
	for (i = 1; i < 30; i++) {
		bool attached;

		log_start();
		current->fail_nth = i;
		fixup_attach_all();
		current->fail_nth = 0;
		attached = is_attached(test, pdev);
		KUNIT_EXPECT_EQ(test, log_count("cannot be shown as an RCiEP"), !attached);
		expect_on(test, pdev, attached);
		fixup_notify(&fixup_notifier, BUS_NOTIFY_UNBIND_DRIVER, &pdev->dev);
	}
}
#endif

/* The whole list is checked; the log names errors and absent devices. */
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
	unsigned int refs = kref_read(&fake.endpoint->dev.kobj.kref);
	int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		devices = lists[i].list;
		log_start();
		KUNIT_EXPECT_EQ_MSG(test, fixup_check_devices(), lists[i].ret, "%s", devices);
		KUNIT_EXPECT_EQ_MSG(test, log_count("devices=:"), !!lists[i].log, "%s", devices);
		if (lists[i].log)
			KUNIT_EXPECT_EQ_MSG(test, log_count(lists[i].log), 1, "%s", devices);
	}
	KUNIT_EXPECT_EQ(test, kref_read(&fake.endpoint->dev.kobj.kref), refs);
}

/* The log names listed functions that are no endpoints, with their types. */
static void policy_listed_in_vain(struct kunit *test)
{
	struct pci_dev *conventional = fake_dev(test, 1, PCI_DEVFN(7, 0));
	struct pci_dev *unknown = fake_dev(test, 1, PCI_DEVFN(9, 0));

	devices = "(4b55:01:*.*)";
	fake_bind(test, fake.endpoint);
	fake_bind(test, fake.rciep);
	fake_bind(test, conventional);
	fake_bind(test, unknown);
	KUNIT_EXPECT_EQ(test, log_count("its type is Root Complex Integrated Endpoint"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is conventional PCI function"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is unknown"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is"), 3);
	KUNIT_EXPECT_FALSE(test, is_attached(test, conventional));
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.rciep));
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(policy_devices),
	KUNIT_CASE(policy_written),
	KUNIT_CASE(policy_who_is_attached),
	KUNIT_CASE(policy_bound_twice),
	KUNIT_CASE(policy_no_directory),
	KUNIT_CASE(policy_bound_before),
	KUNIT_CASE(policy_interrupted),
	KUNIT_CASE(policy_not_bound),
	KUNIT_CASE(policy_store_and_unbind),
	KUNIT_CASE(policy_exit_and_removal),
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
	.suite_exit = fake_suite_exit,
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = policy_cases,
};

/* The driver loads in a dom0 only. If this machine is none, nothing happens. */
static int __init in_dom0(int ret)
{
	return xen_initial_domain() ? ret : -ENODEV;
}

static void __init init_loads(struct kunit *test)
{
	static char * const lists[] = { "all", "(4b55:01:00.0)" };
	struct pci_dev *pdev = fake.endpoint;
	int i;

	notifier_unregistered();
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		devices = lists[i];
		fake_bind(test, pdev);
		log_start();
		KUNIT_EXPECT_EQ(test, fixup_init(), in_dom0(0));
		KUNIT_EXPECT_EQ(test, is_attached(test, pdev), xen_initial_domain());
		KUNIT_EXPECT_EQ(test, log_count("guests read 0x0092"), xen_initial_domain());
		KUNIT_EXPECT_EQ(test, log_count("not loaded: this is not a Xen dom0"),
				!xen_initial_domain());
		fake_unbind(pdev);
		KUNIT_EXPECT_EQ(test, notifier_unregistered(), xen_initial_domain());
	}
}

static void __init init_wrong_list(struct kunit *test)
{
	notifier_unregistered();
	devices = "(4b55:01:00.0)(03:00.0";
	fake_bind(test, fake.endpoint);
	KUNIT_EXPECT_EQ(test, fixup_init(), in_dom0(-EINVAL));
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));
	KUNIT_EXPECT_FALSE(test, notifier_unregistered());
}

static void __init init_interrupted(struct kunit *test)
{
	notifier_unregistered();
	devices = "all";
	fake_bind(test, fake.endpoint);
	fake_bind(test, fake.legacy);
	KUNIT_EXPECT_EQ(test, interrupted(test, fake.legacy, fixup_init), in_dom0(-EINTR));
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));
	KUNIT_EXPECT_FALSE(test, notifier_unregistered());
}

static struct kunit_case __refdata init_cases[] = {
	KUNIT_CASE(init_loads),
	KUNIT_CASE(init_wrong_list),
	KUNIT_CASE(init_interrupted),
	{}
};

static struct kunit_suite init_suite = {
	.name = "pciback-fixup-init",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = init_cases,
};

kunit_test_init_section_suites(&init_suite);
kunit_test_suites(&policy_suite);

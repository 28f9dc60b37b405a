// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites share: the functions below the simulated host bridge and the
 * drivers that bind them, a look into the log, and other threads.
 */

#include <linux/iopoll.h>
#include <linux/kernfs.h>
#include <linux/kmsg_dump.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "fixup_bus.h"
#include "fixup_kunit.h"
#include "fixup_kunit_bridge.h"

static struct pci_sysdata fake_sysdata;
struct fake fake;

/* The SR-IOV Capability of 2:00.0, at 0x100 */
static const __le16 fake_sriov[PCI_EXT_CAP_SRIOV_SIZEOF / 2] = {
	cpu_to_le16(PCI_EXT_CAP_ID_SRIOV), cpu_to_le16(1),	/* version; the last capability */
	[PCI_SRIOV_INITIAL_VF / 2] = cpu_to_le16(2),
	[PCI_SRIOV_TOTAL_VF / 2] = cpu_to_le16(2),
	[PCI_SRIOV_VF_OFFSET / 2] = cpu_to_le16(0x100),		/* next bus */
	[PCI_SRIOV_VF_STRIDE / 2] = cpu_to_le16(1),
	[PCI_SRIOV_VF_DID / 2] = cpu_to_le16(0xbeef),
	[PCI_SRIOV_SUP_PGSIZE / 2] = cpu_to_le16(1),
};

int fake_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *val)
{
	struct pci_ops *ops = READ_ONCE(bus->ops);
	unsigned int slow = READ_ONCE(fake.slow);

	*val = ~0;
	if (slow) {
		bool is_read;

		WRITE_ONCE(fake.is_read, true);
		read_poll_timeout_atomic(READ_ONCE, is_read, !is_read, 10, slow * 1000, false,
					 fake.is_read);
		WRITE_ONCE(fake.is_read, false);
	}
	if (ops->map_bus)
		ops->map_bus(bus, devfn, where);
	if (fake.status && !fake.fills_in)
		return fake.status;
	sim_ops.read(bus, devfn, where, size, val);
	if (bus->number == 2 && !devfn && where >= 256 &&
	    where + size <= 256 + sizeof(fake_sriov)) {
		*val = 0;
		memcpy(val, (u8 *)fake_sriov + where - 256, size);
	}
	return fake.status;
}

static int fake_add_bus(struct pci_bus *bus)
{
	fake.add_bus_calls++;
	return fake.add_bus_status;
}

static void __iomem *fake_map_bus(struct pci_bus *bus, unsigned int devfn, int where)
{
	WRITE_ONCE(fake.mapped, bus);
	return NULL;
}

struct pci_ops fake_ops = {
	.read = fake_read,
	.write = sim_write,
	.add_bus = fake_add_bus,
	.map_bus = fake_map_bus,
};

struct pci_dev *fake_dev(struct kunit *test, int bus, unsigned int devfn)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(SIM_DOMAIN, bus, devfn);

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pci_dev_put(pdev);
	return pdev;
}

void fake_find(struct kunit *test)
{
	fake.endpoint = fake_dev(test, 1, PCI_DEVFN(0, 0));
	fake.legacy = fake_dev(test, 1, PCI_DEVFN(0, 1));
	fake.last = fake_dev(test, 1, PCI_DEVFN(5, 0));
	fake.rciep = fake_dev(test, 1, PCI_DEVFN(6, 0));
	fake.other_bus = fake_dev(test, 2, PCI_DEVFN(0, 0));
	fake.on_root = fake_dev(test, 0, PCI_DEVFN(2, 0));
}

static int fake_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	if (!fake.binds_all && pdev != fake.binds)
		return -ENODEV;
	if (fake.no_files)
		pdev->dev.kobj.sd->flags |= KERNFS_EMPTY_DIR;
	return 0;
}

static const struct pci_device_id fake_ids[] = { { PCI_DEVICE(0x1234, 0xbeef) }, {} };

struct pci_driver fake_pciback = {
	.name = "pciback",
	.id_table = fake_ids,
	.probe = fake_probe,
};

struct pci_driver fake_other_driver = {
	.name = "fixup_test",
	.id_table = fake_ids,
	.probe = fake_probe,
};

int fake_bind_to(struct pci_dev *pdev, struct pci_driver *driver)
{
	int ret;

	fake.binds = pdev;
	ret = device_driver_attach(&driver->driver, &pdev->dev);
	fake.binds = NULL;
	pdev->dev.kobj.sd->flags &= ~KERNFS_EMPTY_DIR;
	return ret;
}

int fake_unbind(void *data)
{
	struct pci_dev *pdev = data;

	device_release_driver(&pdev->dev);
	return 0;
}

void fake_bind(struct kunit *test, struct pci_dev *pdev)
{
	fake_unbind(pdev);
	KUNIT_ASSERT_EQ(test, fake_bind_to(pdev, &fake_pciback), 0);
}

void fake_replug(struct kunit *test)
{
	pci_lock_rescan_remove();
	pci_stop_and_remove_bus_device(fake.endpoint->bus->self);
	pci_rescan_bus(fake.root);
	pci_unlock_rescan_remove();
	fake_find(test);
}

static struct kmsg_dump_iter log_from;

void log_start(void)
{
	kmsg_dump_rewind(&log_from);
	log_from.cur_seq = log_from.next_seq;
}

unsigned int log_count(const char *text)
{
	struct kmsg_dump_iter iter = log_from;
	static char line[512];
	unsigned int count = 0;
	size_t length;

	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &length)) {
		line[length] = '\0';
		count += !!strstr(line, text);
	}
	return count;
}

/* Each case loads the driver, and fake_exit() unloads it. */
int fake_suite_init(struct kunit_suite *suite)
{
	struct device_driver *real = driver_find("pciback", &pci_bus_type);
	struct device *bound = real ? driver_find_next_device(real, NULL) : NULL;

	/* As a module, the driver has registered it before. */
	notifier_unregistered();

	/* A built-in xen-pciback makes room, unless a guest may have its device. */
	put_device(bound);
	if (bound)
		return -EBUSY;
	if (real)
		pci_unregister_driver(to_pci_driver(real));

	return pci_register_driver(&fake_pciback) ?: pci_register_driver(&fake_other_driver);
}

void fake_suite_exit(struct kunit_suite *suite)
{
	pci_unregister_driver(&fake_other_driver);
	pci_unregister_driver(&fake_pciback);
}

int fake_init(struct kunit *test)
{
	fake = (struct fake){};
	sim_clear();
	sim_bridge(PCI_DEVFN(0, 0), false, 1, 1);
	/* Extended config space is looked at only below a Root Port. */
	sim_bridge(PCI_DEVFN(1, 0), true, 2, 3);
	sim_function(0, PCI_DEVFN(2, 0), 0x40, 0x0002);
	sim_function(1, PCI_DEVFN(0, 0), 0x40, 0x0002);		/* Endpoint, version 2 */
	sim_function(1, PCI_DEVFN(0, 1), 0x60, 0x0012);		/* Legacy Endpoint */
	sim_function(1, PCI_DEVFN(5, 0), 0xfc, 0x0001);		/* at the last place */
	sim_function(1, PCI_DEVFN(6, 0), 0x40, 0x0092);		/* RCiEP */
	sim_function(1, PCI_DEVFN(7, 0), 0x40, 0);		/* a list with a loop */
	sim_config[1][PCI_DEVFN(7, 0)][0x40 + PCI_CAP_LIST_ID] = PCI_CAP_ID_VNDR;
	sim_config[1][PCI_DEVFN(7, 0)][0x40 + PCI_CAP_LIST_NEXT] = 0x40;
	sim_function(1, PCI_DEVFN(8, 0), 0x40, 0);		/* one that leads into the header */
	sim_config[1][PCI_DEVFN(8, 0)][0x40 + PCI_CAP_LIST_ID] = PCI_CAP_ID_VNDR;
	sim_config[1][PCI_DEVFN(8, 0)][0x40 + PCI_CAP_LIST_NEXT] = 0x08;
	sim_function(1, PCI_DEVFN(9, 0), 0x40, 0x00b2);		/* no type that is known */
	sim_function(2, PCI_DEVFN(0, 0), 0x80, 0x0001);		/* version 1, with SR-IOV */
	sim_function(3, PCI_DEVFN(0, 0), 0x40, 0x0002);		/* VFs of 2:00.0 */
	sim_function(3, PCI_DEVFN(0, 1), 0x40, 0x0002);

	fake.root = sim_scan(&fake_sysdata, SIM_DOMAIN, &fake_ops);
	KUNIT_ASSERT_NOT_NULL(test, fake.root);
	fake_find(test);
	log_start();
	return driver_load();
}

void fake_exit(struct kunit *test)
{
	struct pci_dev *pdev = NULL;

	driver_unload(test);
	for_each_pci_dev(pdev)
		KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
	if (fake.root)
		sim_remove(fake.root);
}

static int number_in(struct pci_dev *pdev, const char *file)
{
	int number;

	return kstrtoint(show(pdev, file), 0, &number) ?: number;
}

bool is_on(struct pci_dev *pdev)
{
	return number_in(pdev, "rciep") == 1;
}

int flags_of(void *pdev)
{
	return number_in(pdev, "guest_flags");
}

int hits_of(struct pci_dev *pdev)
{
	return number_in(pdev, "hits");
}

void switch_on(struct kunit *test, struct pci_dev *pdev)
{
	if (!is_attached(test, pdev))
		fake_bind(test, pdev);
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "1"), 0);
}

int read_raw(struct pci_dev *pdev, int where, int size, u32 *val)
{
	return READ_ONCE(pdev->bus->ops)->read(pdev->bus, pdev->devfn, where, size, val);
}

void expect_on(struct kunit *test, struct pci_dev *pdev, bool on)
{
	const u8 *config = sim_config[pdev->bus->number][pdev->devfn];
	u8 flags_at = pdev->pcie_cap + PCI_EXP_FLAGS, at = on ? flags_at : 0;
	int size, where;

	if (xen_pcibk_fixup_find(pdev))
		KUNIT_EXPECT_EQ(test, is_on(pdev), on);
	KUNIT_EXPECT_EQ(test, flags_of(pdev),
			expected(at, flags_at, 2, le16_to_cpup((__le16 *)(config + flags_at))));
	for (size = 1; size <= 4; size *= 2) {
		for (where = 0; where + size <= 256; where += size) {
			u32 hardware = 0, guest = 0;

			memcpy(&hardware, config + where, size);
			KUNIT_ASSERT_EQ(test, read_raw(pdev, where, size, &guest), 0);
			KUNIT_ASSERT_EQ_MSG(test, guest,
					    expected(at, where, size, hardware),
					    "%s: %d bytes at %#x",
					    pci_name(pdev), size, where);
		}
	}
}

struct task_struct *beside_start(struct kunit *test, int (*function)(void *pdev),
				 struct pci_dev *pdev)
{
	struct task_struct *task = kthread_create(function, pdev, "beside");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	return task;
}

bool beside_ends(struct task_struct *task, unsigned int ms)
{
	int state;

	return !read_poll_timeout(READ_ONCE, state, state, 10000, ms * 1000, false,
				  task->exit_state);
}

int beside_result(struct task_struct *task)
{
	int ret = kthread_stop(task);

	put_task_struct(task);
	return ret;
}

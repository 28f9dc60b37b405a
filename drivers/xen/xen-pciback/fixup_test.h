/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites share: a simulated host bridge with real struct pci_bus,
 * pci_dev and pci_driver below it, a look into the log, and the sysfs files.
 */
#ifndef __XEN_PCIBACK_FIXUP_TEST_H__
#define __XEN_PCIBACK_FIXUP_TEST_H__

#include <kunit/test.h>
#include <linux/kernfs.h>
#include <linux/kmsg_dump.h>
#include <linux/ktime.h>
#include <linux/slab.h>

/*
 * A read of four bytes at W, the flags byte F at W + 1:
 *
 *          W   W+1  W+2  W+3
 *        +----+----+----+----+
 *        |    | F  |    |    |      value: F is in bits 15..8
 *        +----+----+----+----+
 *
 * What must come out is put together here byte by byte.
 */
static u32 expected(u8 flags_at, int where, int size, u32 val)
{
	u32 want = 0;
	int i;

	for (i = 0; i < size; i++) {
		u32 byte = (val >> (8 * i)) & 0xff;

		if (flags_at && where + i == flags_at && byte < 0x20)
			byte = 0x90 + byte % 16;
		want |= byte << (8 * i);
	}

	return want;
}

/*
 * The simulated host bridge:
 *
 *   bus 0   00.0  conventional bridge    01.0  Root Port, below which
 *                 to bus 1                     extended space is looked at
 *
 *   bus 1   00.0  Endpoint, v2           bus 2   00.0  Endpoint, v1, with
 *           00.1  Legacy Endpoint                      SR-IOV
 *           05.0  Endpoint, capability
 *                 at the last place      bus 3   00.0  the VFs of 2:00.0
 *           06.0  Root Complex                   00.1
 *                 Integrated Endpoint
 *           07.0  capability list that ends in a loop
 *           08.0  capability list that leads out of the header
 *           09.0  a type that no specification has yet
 *
 *   02.0 on bus 0 is an Endpoint as well.
 */
#define FAKE_DOMAIN	0x4b55
#define FAKE_BUSES	4

static u8 fake_config[FAKE_BUSES][256][256];
static u8 fake_sriov[PCI_EXT_CAP_SRIOV_SIZEOF];	/* of 2:00.0, at 0x100 */
static int fake_status;			/* what reads return */
static bool fake_fills_in;		/* ... with a value, also if they fail */
static unsigned int fake_add_bus_calls;
static int fake_add_bus_status;		/* what it returns */
static unsigned int fake_slow;		/* reads take so many ms at most, without a sleep */
static bool fake_is_read;

static int fake_read(struct pci_bus *bus, unsigned int devfn, int where,
		     int size, u32 *val)
{
	unsigned int slow = READ_ONCE(fake_slow);

	*val = ~0;
	if (slow) {
		ktime_t end = ktime_add_ms(ktime_get(), slow);

		WRITE_ONCE(fake_is_read, true);
		while (ktime_before(ktime_get(), end) && READ_ONCE(fake_is_read))
			cpu_relax();
		WRITE_ONCE(fake_is_read, false);
	}
	if (fake_status && !fake_fills_in)
		return fake_status;
	if (bus->number < FAKE_BUSES && where + size <= 256) {
		*val = 0;
		memcpy(val, &fake_config[bus->number][devfn][where], size);
	} else if (bus->number == 2 && !devfn && where >= 256 &&
		   where + size <= 256 + sizeof(fake_sriov)) {
		*val = 0;
		memcpy(val, &fake_sriov[where - 256], size);
	}
	return fake_status;
}

static int fake_write(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

static int fake_add_bus(struct pci_bus *bus)
{
	fake_add_bus_calls++;
	return fake_add_bus_status;
}

static void __iomem *fake_map_bus(struct pci_bus *bus, unsigned int devfn, int where)
{
	return NULL;
}

static struct pci_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.add_bus = fake_add_bus,
	.map_bus = fake_map_bus,
};

static void fake_function(int bus, unsigned int devfn, u8 cap, u16 flags)
{
	u8 *config = fake_config[bus][devfn];

	memset(config, 0, 256);
	*(__le32 *)(config + PCI_VENDOR_ID) = cpu_to_le32(0xbeef1234);
	config[PCI_CLASS_REVISION + 3] = 0xff;
	config[PCI_HEADER_TYPE] = 0x80;	/* with more functions */
	config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config[PCI_CAPABILITY_LIST] = cap;
	config[cap + PCI_CAP_LIST_ID] = PCI_CAP_ID_EXP;
	config[cap + PCI_EXP_FLAGS] = flags;
	if (cap + PCI_EXP_FLAGS + 1 < 256)
		config[cap + PCI_EXP_FLAGS + 1] = flags >> 8;
}

static void fake_bridge(unsigned int devfn, bool root_port, u8 to, u8 last)
{
	u8 *config = fake_config[0][devfn];

	fake_function(0, devfn, 0x40, 0x0042);
	if (!root_port)
		config[PCI_STATUS] = 0;
	config[PCI_CLASS_DEVICE] = 0x04;
	config[PCI_CLASS_DEVICE + 1] = 0x06;
	config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	config[PCI_SECONDARY_BUS] = to;
	config[PCI_SUBORDINATE_BUS] = last;
}

static void fake_sriov_capability(void)
{
	__le16 *words = (__le16 *)fake_sriov;

	memset(fake_sriov, 0, sizeof(fake_sriov));
	words[0] = cpu_to_le16(PCI_EXT_CAP_ID_SRIOV);
	words[1] = cpu_to_le16(1);		/* version; no capability follows */
	words[PCI_SRIOV_INITIAL_VF / 2] = cpu_to_le16(2);
	words[PCI_SRIOV_TOTAL_VF / 2] = cpu_to_le16(2);
	words[PCI_SRIOV_VF_OFFSET / 2] = cpu_to_le16(0x100);	/* next bus */
	words[PCI_SRIOV_VF_STRIDE / 2] = cpu_to_le16(1);
	words[PCI_SRIOV_VF_DID / 2] = cpu_to_le16(0xbeef);
	words[PCI_SRIOV_SUP_PGSIZE / 2] = cpu_to_le16(1);
}

struct fake {
	struct pci_sysdata sysdata;
	struct pci_bus *root;
	struct pci_dev *endpoint, *legacy, *last, *rciep, *other_bus, *on_root;
};

static struct pci_dev *fake_dev(struct kunit *test, int bus, unsigned int devfn)
{
	struct pci_dev *pdev;

	pdev = pci_get_domain_bus_and_slot(FAKE_DOMAIN, bus, devfn);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	/* The bridge holds it until the test is over. */
	pci_dev_put(pdev);
	return pdev;
}

static void fake_find(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->endpoint = fake_dev(test, 1, PCI_DEVFN(0, 0));
	fake->legacy = fake_dev(test, 1, PCI_DEVFN(0, 1));
	fake->last = fake_dev(test, 1, PCI_DEVFN(5, 0));
	fake->rciep = fake_dev(test, 1, PCI_DEVFN(6, 0));
	fake->other_bus = fake_dev(test, 2, PCI_DEVFN(0, 0));
	fake->on_root = fake_dev(test, 0, PCI_DEVFN(2, 0));
}

static struct pci_dev *fake_binds;	/* the function that probes take */
static bool fake_binds_all;
static bool fake_no_files;		/* once bound, it can have no more files in sysfs */
static unsigned int fake_fail_nth;	/* ... and this of its allocations fails */

static int fake_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	if (!fake_binds_all && pdev != fake_binds)
		return -ENODEV;
	if (fake_no_files)
		pdev->dev.kobj.sd->flags |= KERNFS_EMPTY_DIR;
#ifdef CONFIG_FAULT_INJECTION
	current->fail_nth = fake_fail_nth;
#endif
	return 0;
}

static const struct pci_device_id fake_ids[] = { { PCI_DEVICE(0x1234, 0xbeef) }, {} };

static struct pci_driver fake_pciback = {
	.name = "pciback",
	.id_table = fake_ids,
	.probe = fake_probe,
};

static struct pci_driver fake_other_driver = {
	.name = "fixup_test",
	.id_table = fake_ids,
	.probe = fake_probe,
};

static int fake_bind_to(struct pci_dev *pdev, struct pci_driver *driver)
{
	int ret;

	fake_binds = pdev;
	ret = device_driver_attach(&driver->driver, &pdev->dev);
	fake_binds = NULL;
	pdev->dev.kobj.sd->flags &= ~KERNFS_EMPTY_DIR;
#ifdef CONFIG_FAULT_INJECTION
	current->fail_nth = 0;
#endif
	return ret;
}

static void fake_bind(struct kunit *test, struct pci_dev *pdev)
{
	KUNIT_ASSERT_EQ(test, fake_bind_to(pdev, &fake_pciback), 0);
}

static void fake_unbind(struct pci_dev *pdev)
{
	device_release_driver(&pdev->dev);
}

/* The bridge to bus 1 goes with all that is below it, and is found again. */
static void fake_replug(struct kunit *test)
{
	struct fake *fake = test->priv;

	pci_lock_rescan_remove();
	pci_stop_and_remove_bus_device(fake->endpoint->bus->self);
	pci_rescan_bus(fake->root);
	pci_unlock_rescan_remove();
	fake_find(test);
}

static struct pci_bus *fake_scan(struct pci_sysdata *sysdata, int number,
				 struct pci_ops *ops)
{
	LIST_HEAD(resources);
	struct pci_bus *root;

	pci_lock_rescan_remove();
	root = pci_scan_root_bus(NULL, number, ops, sysdata, &resources);
	if (root)
		pci_bus_add_devices(root);
	pci_unlock_rescan_remove();
	return root;
}

static void fake_remove(struct pci_bus *root)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(root->bridge);

	pci_lock_rescan_remove();
	pci_stop_root_bus(root);
	pci_remove_root_bus(root);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(bridge);
}

static bool has_directory(struct pci_dev *pdev)
{
	struct kernfs_node *directory = sysfs_get_dirent(pdev->dev.kobj.sd, "pciback_fixup");

	sysfs_put(directory);
	return directory;
}

static u64 log_from;

static void log_start(void)
{
	struct kmsg_dump_iter iter;

	kmsg_dump_rewind(&iter);
	log_from = iter.next_seq;
}

/* In how many lines the kernel has logged a text since log_start() */
static unsigned int log_count(const char *text)
{
	struct kmsg_dump_iter iter;
	static char line[512];
	unsigned int count = 0;
	size_t length;

	kmsg_dump_rewind(&iter);
	iter.cur_seq = log_from;
	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &length)) {
		line[length] = '\0';
		count += !!strstr(line, text);
	}
	return count;
}

/* Each case registers the notifier, and fixup_exit() unregisters it. */
static int fake_suite_init(struct kunit_suite *suite)
{
	struct device_driver *real = driver_find("pciback", &pci_bus_type);
	struct device *bound = real ? driver_find_next_device(real, NULL) : NULL;

	/* As a module, the driver has registered it before. */
	bus_unregister_notifier(&pci_bus_type, &fixup_notifier);

	/* Where xen-pciback is built in, it makes room. Guests are not disturbed. */
	put_device(bound);
	if (bound)
		return -EBUSY;
	if (real)
		pci_unregister_driver(to_pci_driver(real));

	return pci_register_driver(&fake_pciback) ?: pci_register_driver(&fake_other_driver);
}

static void fake_suite_exit(struct kunit_suite *suite)
{
	pci_unregister_driver(&fake_other_driver);
	pci_unregister_driver(&fake_pciback);
}

static int fake_init(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	u8 *config;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	test->priv = fake;

	memset(fake_config, 0xff, sizeof(fake_config));
	fake_status = 0;
	fake_fills_in = false;
	fake_add_bus_status = 0;
	fake_slow = 0;
	fake_binds_all = false;
	fake_no_files = false;
	fake_fail_nth = 0;
	fake_bridge(PCI_DEVFN(0, 0), false, 1, 1);
	fake_bridge(PCI_DEVFN(1, 0), true, 2, 3);
	fake_function(0, PCI_DEVFN(2, 0), 0x40, 0x0002);
	fake_function(1, PCI_DEVFN(0, 0), 0x40, 0x0002);
	fake_function(1, PCI_DEVFN(0, 1), 0x60, 0x0012);
	fake_function(1, PCI_DEVFN(5, 0), 0xfc, 0x0001);
	fake_function(1, PCI_DEVFN(6, 0), 0x40, 0x0092);
	fake_function(1, PCI_DEVFN(7, 0), 0x40, 0);
	config = fake_config[1][PCI_DEVFN(7, 0)];
	config[0x40 + PCI_CAP_LIST_ID] = PCI_CAP_ID_VNDR;
	config[0x40 + PCI_CAP_LIST_NEXT] = 0x40;
	fake_function(1, PCI_DEVFN(8, 0), 0x40, 0);
	config = fake_config[1][PCI_DEVFN(8, 0)];
	config[0x40 + PCI_CAP_LIST_ID] = PCI_CAP_ID_VNDR;
	config[0x40 + PCI_CAP_LIST_NEXT] = 0x08;
	fake_function(1, PCI_DEVFN(9, 0), 0x40, 0x00b2);
	fake_function(2, PCI_DEVFN(0, 0), 0x80, 0x0001);
	fake_sriov_capability();
	fake_function(3, PCI_DEVFN(0, 0), 0x40, 0x0002);
	fake_function(3, PCI_DEVFN(0, 1), 0x40, 0x0002);

	fake->sysdata.domain = FAKE_DOMAIN;
	fake->sysdata.node = NUMA_NO_NODE;
	fake->root = fake_scan(&fake->sysdata, 0, &fake_ops);
	KUNIT_ASSERT_NOT_NULL(test, fake->root);
	fake_find(test);
	devices = "";
	return bus_register_notifier(&pci_bus_type, &fixup_notifier);
}

static void fake_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = NULL;

	fixup_exit();
	KUNIT_EXPECT_TRUE(test, fixup_leaving);
	KUNIT_EXPECT_EQ(test, fixup_attached, 0);
	fixup_leaving = false;
	for_each_pci_dev(pdev)
		KUNIT_EXPECT_FALSE(test, has_directory(pdev));
	if (fake->root)
		fake_remove(fake->root);
}

static char *show(struct pci_dev *pdev, struct device_attribute *attr)
{
	static char page[PAGE_SIZE] __aligned(PAGE_SIZE);
	ssize_t len = attr->show(&pdev->dev, attr, page);

	page[clamp_t(ssize_t, len, 0, PAGE_SIZE - 1)] = '\0';
	return page;
}

static int write_rciep(struct pci_dev *pdev, const char *text)
{
	ssize_t len = rciep_store(&pdev->dev, &dev_attr_rciep, text, strlen(text));

	return len == strlen(text) ? 0 : len;
}

static bool is_on(struct pci_dev *pdev)
{
	return !strcmp(show(pdev, &dev_attr_rciep), "1\n");
}

static u16 flags_of(struct kunit *test, struct pci_dev *pdev)
{
	u16 flags;

	KUNIT_ASSERT_EQ(test, kstrtou16(show(pdev, &dev_attr_guest_flags), 16, &flags), 0);
	return flags;
}

static unsigned int hits_of(struct kunit *test, struct pci_dev *pdev)
{
	unsigned int hits;

	KUNIT_ASSERT_EQ(test, kstrtouint(show(pdev, &dev_attr_hits), 10, &hits), 0);
	return hits;
}

static void switch_on(struct kunit *test, struct pci_dev *pdev)
{
	if (!fixup_is_attached(pdev))
		fake_bind(test, pdev);
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "1"), 0);
}

static int read_raw(struct pci_dev *pdev, int where, int size, u32 *val)
{
	return READ_ONCE(pdev->bus->ops)->read(pdev->bus, pdev->devfn, where, size, val);
}

/* Every aligned read of a function, compared with what the hardware has. */
static void compare_all(struct kunit *test, struct pci_dev *pdev, bool on)
{
	const u8 *config = fake_config[pdev->bus->number][pdev->devfn];
	u8 at = on ? pdev->pcie_cap + PCI_EXP_FLAGS : 0;
	int size, where;

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

#endif /* __XEN_PCIBACK_FIXUP_TEST_H__ */

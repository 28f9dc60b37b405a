// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests: the overlay over its whole domain, the syntax of device lists,
 * and standing in for the ops of real struct pci_bus below a simulated host
 * bridge. Included by fixup_main.c, so that its static functions can be called.
 */

#include <kunit/test.h>
#include <linux/console.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kernfs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/* --- the overlay -------------------------------------------------------- */

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

/* What fixup_read() does with a read */
static u32 overlay(u8 flags_at, int where, int size, u32 val)
{
	unsigned int index = fixup_index(flags_at ? flags_at + 1 : 0, where);

	if (index < size)
		fixup_overlay(&val, index);

	return val;
}

/* Places of the capability: the first, the last, and between. */
static const u8 overlay_caps[] = { 0x40, 0x41, 0x44, 0x7e, 0xa0, 0xe0, 0xfb, 0xfc };

/*
 * All reads of @size bytes around a flags byte at @at, with each of its 256
 * values; @around is what the other bytes are. Returns how many were changed.
 */
static unsigned int overlay_reads(struct kunit *test, u8 at, int size, u32 around)
{
	u32 mask = GENMASK(8 * size - 1, 0);
	unsigned int changed = 0;
	int where, flags;

	for (where = 0; where <= 255; where++) {
		bool covers = at >= where && at < where + size;

		for (flags = 0; flags <= 0xff; flags++) {
			u32 val = around & mask;
			u32 got, want;

			if (covers) {
				val &= ~(0xffU << (8 * (at - where)));
				val |= (u32)flags << (8 * (at - where));
			}

			got = overlay(at, where, size, val);
			want = expected(at, where, size, val);
			if (got != want) {
				KUNIT_FAIL(test, "flags at %#x, %d bytes at %#x: %#x gave %#x",
					   at, size, where, val, got);
				return 0;
			}
			changed += got != val;
		}
	}

	return changed;
}

static void overlay_everywhere(struct kunit *test)
{
	static const u32 around[] = { 0, 0xffffffff, 0x10101010, 0xa5c3e187 };
	int c, a, size;

	for (c = 0; c < ARRAY_SIZE(overlay_caps); c++) {
		u8 at = overlay_caps[c] + PCI_EXP_FLAGS;

		for (a = 0; a < ARRAY_SIZE(around); a++)
			for (size = 1; size <= 4; size *= 2)
				/*
				 * As many reads cover the byte as they have
				 * bytes, and 32 of its values are changed.
				 */
				KUNIT_EXPECT_EQ(test, 32U * size,
						overlay_reads(test, at, size, around[a]));
	}
}

/* Off: no read of config space is changed. */
static void overlay_off(struct kunit *test)
{
	int where, size;

	for (where = 0; where < 4096; where++)
		for (size = 1; size <= 4; size *= 2)
			KUNIT_ASSERT_EQ(test, overlay(0, where, size, 0), 0U);
}

/* Extended config space, 0x100 to 0xfff, has no flags byte. */
static void overlay_extended(struct kunit *test)
{
	int where;

	for (where = 0x100; where < 0x1000; where++)
		KUNIT_ASSERT_EQ(test, overlay(0xfe, where, 4, 0), 0U);
}

static void overlay_device_gone(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, overlay(0x42, 0x42, 1, 0xff), 0xffU);
	KUNIT_EXPECT_EQ(test, overlay(0x42, 0x42, 2, 0xffff), 0xffffU);
	KUNIT_EXPECT_EQ(test, overlay(0x42, 0x40, 4, 0xffffffff), 0xffffffffU);
}

/* No config access has these sizes. Should one come, nothing else is touched. */
static void overlay_odd_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, overlay(0x42, 0x42, 0, 0x02), 0x02U);
	KUNIT_EXPECT_EQ(test, overlay(0x42, 0x40, 3, 0x020010), 0x920010U);
	KUNIT_EXPECT_EQ(test, overlay(0x42, 0x3f, 3, 0x020010), 0x020010U);
}

static void overlay_says_what_it_changed(struct kunit *test)
{
	u32 val = 0x02;

	KUNIT_EXPECT_TRUE(test, fixup_overlay(&val, 0));
	KUNIT_EXPECT_FALSE(test, fixup_overlay(&val, 0));
	KUNIT_EXPECT_EQ(test, val, 0x92U);
}

static struct kunit_case overlay_cases[] = {
	KUNIT_CASE(overlay_everywhere),
	KUNIT_CASE(overlay_off),
	KUNIT_CASE(overlay_extended),
	KUNIT_CASE(overlay_device_gone),
	KUNIT_CASE(overlay_odd_sizes),
	KUNIT_CASE(overlay_says_what_it_changed),
	{}
};

static struct kunit_suite overlay_suite = {
	.name = "pciback-fixup-overlay",
	.test_cases = overlay_cases,
};

/* --- device lists ------------------------------------------------------- */

#define ANY FIXUP_ANY

static const struct devlist_good {
	const char *text;
	int count;
	int last[FIXUP_NUMBERS];
} devlist_good[] = {
	{ "", 0, {} },
	{ "(0000:03:00.0)", 1, { 0, 3, 0, 0 } },
	{ "(03:00.0)", 1, { 0, 3, 0, 0 } },
	{ "(3:0.0)", 1, { 0, 3, 0, 0 } },
	{ "(03:00.*)", 1, { 0, 3, 0, ANY } },
	{ "(03:*.*)", 1, { 0, 3, ANY, ANY } },
	{ "(1a2b:ff:1f.7)", 1, { 0x1a2b, 0xff, 0x1f, 7 } },
	{ "(1A2B:FF:1F.7)", 1, { 0x1a2b, 0xff, 0x1f, 7 } },
	{ "(10000:01:00.0)", 1, { 0x10000, 1, 0, 0 } },
	{ "(7fffffff:01:00.0)", 1, { 0x7fffffff, 1, 0, 0 } },
	{ "(000000000000001:0000000002:000003.00004)", 1, { 1, 2, 3, 4 } },
	{ "(0000:03:00.0)(04:00.*)", 2, { 0, 4, 0, ANY } },
	{ "(03:00.0)(03:00.0)(05:1f.7)", 3, { 0, 5, 0x1f, 7 } },
	{ "(1:03:00.0)(04:00.0)", 2, { 0, 4, 0, 0 } },
};

static void devlist_accepts(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(devlist_good); i++) {
		const struct devlist_good *good = &devlist_good[i];
		int slot[FIXUP_NUMBERS] = {};
		const char *p = good->text;
		int ret, count = 0;

		while ((ret = fixup_next_slot(&p, slot)) > 0)
			count++;

		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%s", good->text);
		KUNIT_EXPECT_EQ_MSG(test, count, good->count, "%s", good->text);
		KUNIT_EXPECT_EQ_MSG(test, *p, '\0', "%s", good->text);
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(slot, good->last, sizeof(slot)),
				      "%s", good->text);
	}
}

/* The text, and how many characters of it are right. */
static const struct devlist_bad {
	const char *text;
	int good;
} devlist_bad[] = {
	{ " ", 0 },
	{ "all", 0 },
	{ "all ", 0 },
	{ "all(03:00.0)", 0 },
	{ "03:00.0", 0 },
	{ "()", 1 },
	{ "(", 1 },
	{ "( 03:00.0)", 1 },
	{ "(:00.0)", 1 },
	{ "(*:00.0)", 1 },
	{ "(-1:00.0)", 1 },
	{ "(03)", 3 },
	{ "(03:)", 4 },
	{ "(03:00)", 6 },
	{ "(03:00.)", 7 },
	{ "(03:00.0", 8 },
	{ "(03:00.0]", 8 },
	{ "(03:00.00x)", 9 },
	{ "(03:00.8)", 7 },
	{ "(03:00.10)", 8 },
	{ "(03:20.0)", 5 },
	{ "(03:*.0)", 6 },
	{ "(03:**.*)", 5 },
	{ "(03:*1.*)", 5 },
	{ "(03:00.*1)", 8 },
	{ "(100:00.0)", 3 },
	{ "(ffffffffffffffffffff:03:00.0)", 8 },
	{ "(80000000:03:00.0)", 8 },
	{ "(0:0:0:0.0)", 6 },
	{ "(0x3:00.0)", 2 },
	{ "(03:00.0)\n", 9 },
	{ "(03:00.0),(04:00.0)", 9 },
	{ "(03:00.0) (04:00.0)", 9 },
	{ "(03:00.0)04:00.0)", 9 },
	{ "(03:00.0)(", 10 },
};

static void devlist_rejects(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(devlist_bad); i++) {
		const struct devlist_bad *bad = &devlist_bad[i];
		int slot[FIXUP_NUMBERS];
		const char *p = bad->text;
		int ret;

		while ((ret = fixup_next_slot(&p, slot)) > 0)
			;

		KUNIT_EXPECT_EQ_MSG(test, ret, -EINVAL, "%s", bad->text);
		KUNIT_EXPECT_EQ_MSG(test, (int)(p - bad->text), bad->good, "%s",
				    bad->text);
	}
}

static void devlist_long(struct kunit *test)
{
	const int slots = 10000;
	int slot[FIXUP_NUMBERS];
	static const char item[] = "(0:1:2.3)";
	size_t len = sizeof(item) - 1;
	char *text = kunit_kzalloc(test, slots * len + 1, GFP_KERNEL);
	const char *p = text;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < slots; i++)
		memcpy(text + i * len, item, len);

	for (i = 0; i < slots; i++)
		KUNIT_ASSERT_EQ(test, fixup_next_slot(&p, slot), 1);
	KUNIT_EXPECT_EQ(test, fixup_next_slot(&p, slot), 0);
}

static struct kunit_case devlist_cases[] = {
	KUNIT_CASE(devlist_accepts),
	KUNIT_CASE(devlist_rejects),
	KUNIT_CASE(devlist_long),
	{}
};

static struct kunit_suite devlist_suite = {
	.name = "pciback-fixup-devlist",
	.test_cases = devlist_cases,
};

/* --- standing in for bus ops, and devices that come and go ---------------- */

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
static bool fake_slow;			/* reads take a while, without a sleep */
static bool fake_is_read;

static int fake_read(struct pci_bus *bus, unsigned int devfn, int where,
		     int size, u32 *val)
{
	*val = ~0;
	if (READ_ONCE(fake_slow)) {
		ktime_t end = ktime_add_ms(ktime_get(), 1000);

		WRITE_ONCE(fake_is_read, true);
		while (ktime_before(ktime_get(), end))
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

static struct device_driver fake_pciback = { .name = "pciback" };
static struct device_driver fake_other_driver = { .name = "other" };

/* What the driver core does as a device is bound and unbound */
static void fake_bind(struct pci_dev *pdev, struct device_driver *driver)
{
	device_lock(&pdev->dev);
	pdev->dev.driver = driver;
	fixup_notify(&fixup_notifier, BUS_NOTIFY_BOUND_DRIVER, &pdev->dev);
	device_unlock(&pdev->dev);
}

static void fake_unbind(struct pci_dev *pdev)
{
	device_lock(&pdev->dev);
	fixup_notify(&fixup_notifier, BUS_NOTIFY_UNBIND_DRIVER, &pdev->dev);
	pdev->dev.driver = NULL;
	device_unlock(&pdev->dev);
}

/* The bridge to bus 1 goes with all that is below it, and is found again. */
static void fake_replug(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_unbind(fake->endpoint);
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

/* What the kernel logs is also written here. */
static char log_text[8192];
static size_t log_length;

static void log_write(struct console *console, const char *text, unsigned int length)
{
	length = min_t(size_t, length, sizeof(log_text) - 1 - log_length);
	memcpy(log_text + log_length, text, length);
	log_length += length;
	log_text[log_length] = '\0';
}

static struct console log_console = {
	.name = "fixup_test",
	.write = log_write,
};

static void log_start(void)
{
	/* Or it is for who names it on the kernel's command line only. */
	log_console.flags = CON_ENABLED;
	register_console(&log_console);
	console_lock();
	log_length = 0;
	log_text[0] = '\0';
	console_unlock();
}

static void log_stop(void)
{
	/* Unlocking writes what is left to write. */
	console_lock();
	console_unlock();
	unregister_console(&log_console);
}

/* How many times a text was logged since log_start() */
static unsigned int log_count(const char *text)
{
	unsigned int count = 0;
	const char *p = log_text;

	while ((p = strstr(p, text))) {
		count++;
		p++;
	}
	return count;
}

/* Each case registers the notifier, and fixup_exit() unregisters it. */
static int bus_suite_init(struct kunit_suite *suite)
{
	/* As a module, the driver has registered it before. */
	bus_unregister_notifier(&pci_bus_type, &fixup_notifier);
	return 0;
}

static int bus_init(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	u8 *config;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	test->priv = fake;

	memset(fake_config, 0xff, sizeof(fake_config));
	fake_status = 0;
	fake_fills_in = false;
	fake_add_bus_status = 0;
	fake_slow = false;
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

static void bus_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = NULL;

	fixup_exit();
	KUNIT_EXPECT_TRUE(test, fixup_leaving);
	fixup_leaving = false;
	for_each_pci_dev(pdev) {
		if (pdev->dev.driver != &fake_pciback)
			continue;
		pdev->dev.driver = NULL;
		KUNIT_EXPECT_FALSE(test, has_directory(pdev));
	}
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

static unsigned long hits_of(struct kunit *test, struct pci_dev *pdev)
{
	unsigned long hits;

	KUNIT_ASSERT_EQ(test, kstrtoul(show(pdev, &dev_attr_hits), 10, &hits), 0);
	return hits;
}

static void switch_on(struct kunit *test, struct pci_dev *pdev)
{
	if (!fixup_is_attached(pdev))
		fake_bind(pdev, &fake_pciback);
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

static void bus_on_and_off(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	struct pci_ops *ours;

	KUNIT_EXPECT_FALSE(test, fixup_is_attached(pdev));
	fake_bind(pdev, &fake_pciback);
	KUNIT_EXPECT_TRUE(test, fixup_is_attached(pdev));
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);

	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "1"), 0);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
	KUNIT_EXPECT_STREQ(test, show(pdev, &dev_attr_hardware_flags), "0x0002\n");
	compare_all(test, pdev, true);

	/* The bus is not left, and the other members are those of the bridge. */
	ours = pdev->bus->ops;
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, ours);
	KUNIT_EXPECT_PTR_NE(test, ours, &fake_ops);
	KUNIT_EXPECT_PTR_EQ(test, ours->write, fake_ops.write);
	KUNIT_EXPECT_PTR_EQ(test, ours->map_bus, fake_ops.map_bus);
	compare_all(test, pdev, false);
	KUNIT_EXPECT_TRUE(test, has_directory(pdev));
	fake_unbind(pdev);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(pdev));
	KUNIT_EXPECT_FALSE(test, has_directory(pdev));
}

static void bus_twice(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	switch_on(test, pdev);
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0002);

	/* What is no boolean changes nothing. */
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "2"), -EINVAL);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "2"), -EINVAL);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
}

static void bus_legacy_and_last(struct kunit *test)
{
	struct fake *fake = test->priv;

	switch_on(test, fake->legacy);
	KUNIT_EXPECT_EQ(test, flags_of(test, fake->legacy), 0x0092);
	KUNIT_EXPECT_STREQ(test, show(fake->legacy, &dev_attr_hardware_flags), "0x0012\n");
	compare_all(test, fake->legacy, true);

	switch_on(test, fake->last);
	KUNIT_EXPECT_EQ(test, flags_of(test, fake->last) & 0xff, 0x91);
	compare_all(test, fake->last, true);
}

static void bus_neighbours(struct kunit *test)
{
	struct fake *fake = test->priv;

	switch_on(test, fake->endpoint);
	compare_all(test, fake->legacy, false);
	compare_all(test, fake->last, false);
	compare_all(test, fake->rciep, false);
	KUNIT_EXPECT_PTR_EQ(test, fake->other_bus->bus->ops, &fake_ops);
	KUNIT_EXPECT_PTR_EQ(test, fake->root->ops, &fake_ops);
}

/* Three functions on a bus and one on another, switched off in any order. */
static void bus_any_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdevs[] = {
		fake->endpoint, fake->legacy, fake->last, fake->other_bus
	};
	int order, i, j;

	for (order = 0; order < 24; order++) {
		int first[] = { 0, 1, 2, 3 }, n = order, left = 4;

		for (i = 0; i < 4; i++)
			switch_on(test, pdevs[i]);

		for (; left; left--) {
			int pick = n % left, index = first[pick];

			n /= left;
			memmove(first + pick, first + pick + 1,
				(left - pick - 1) * sizeof(*first));
			if (order % 2)
				fake_unbind(pdevs[index]);
			else
				write_rciep(pdevs[index], "0");
			compare_all(test, pdevs[index], false);
			for (j = 0; j < left - 1; j++)
				compare_all(test, pdevs[first[j]], true);
		}
	}
}

static void bus_hits(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	unsigned long before;
	u32 val;

	switch_on(test, pdev);
	switch_on(test, fake->legacy);
	before = hits_of(test, pdev);
	read_raw(pdev, 0x40, 4, &val);
	read_raw(pdev, 0x42, 1, &val);
	KUNIT_EXPECT_EQ(test, hits_of(test, pdev), before + 2);
	read_raw(pdev, 0x43, 1, &val);
	read_raw(pdev, 0, 4, &val);
	read_raw(fake->legacy, 0x62, 1, &val);
	KUNIT_EXPECT_EQ(test, hits_of(test, pdev), before + 2);

	/* Counted anew since it was bound last: once by switching on */
	fake_unbind(pdev);
	fake_bind(pdev, &fake_pciback);
	KUNIT_EXPECT_EQ(test, hits_of(test, pdev), 1);
}

static void bus_failing_reads(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	unsigned long before;
	u32 val = 0;

	switch_on(test, pdev);
	before = hits_of(test, pdev);
	fake_status = PCIBIOS_DEVICE_NOT_FOUND;
	KUNIT_EXPECT_EQ(test, read_raw(pdev, 0x42, 2, &val), PCIBIOS_DEVICE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, val, 0xffffffff);
	KUNIT_EXPECT_EQ(test, hits_of(test, pdev), before);

	/* A value that the bridge leaves behind as it fails is not changed. */
	fake_fills_in = true;
	KUNIT_EXPECT_EQ(test, read_raw(pdev, 0x42, 2, &val), PCIBIOS_DEVICE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, val, 0x0002);
	fake_fills_in = false;
	KUNIT_EXPECT_STREQ(test, show(pdev, &dev_attr_guest_flags), "");

	/* A device that fails can be switched off, and on. */
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
	fake_status = 0;
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
}

/* The type that is read counts, not the one that once was. */
static void bus_exchanged_device(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	u8 *flags = &fake_config[1][pdev->devfn][0x42];
	unsigned long before;
	int type;

	switch_on(test, pdev);
	for (type = 0; type < 16; type++) {
		*flags = type << 4 | 2;
		before = hits_of(test, pdev);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev),
				type < 2 ? 0x92 : type << 4 | 2);
		KUNIT_EXPECT_EQ(test, hits_of(test, pdev), before + (type < 2));
	}
	memset(fake_config[1][pdev->devfn], 0xff, 256);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0xffff);
}

static void bus_malformed_lists(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(fake_dev(test, 1, PCI_DEVFN(7, 0))));
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(fake_dev(test, 1, PCI_DEVFN(8, 0))));
}

static void bus_new_child(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_bus *child;

	switch_on(test, fake->endpoint);
	fake_add_bus_calls = 0;

	/* As SR-IOV does for functions beyond the bus. */
	pci_lock_rescan_remove();
	child = pci_add_new_bus(fake->endpoint->bus, NULL, 0x77);
	pci_unlock_rescan_remove();
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_PTR_EQ(test, child->ops, &fake_ops);
	KUNIT_EXPECT_EQ(test, fake_add_bus_calls, 1);
	fake_add_bus_status = -ENOMEM;
	KUNIT_EXPECT_EQ(test, fake->endpoint->bus->ops->add_bus(child), -ENOMEM);

	pci_lock_rescan_remove();
	pci_remove_bus(child);
	pci_unlock_rescan_remove();
	KUNIT_EXPECT_EQ(test, flags_of(test, fake->endpoint), 0x0092);
}

/* A host bridge may have other ops for all but its root bus. */
static int child_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	if (pci_is_root_bus(bus))
		return PCIBIOS_BAD_REGISTER_NUMBER;
	return fake_read(bus, devfn, where, size, val);
}

static struct pci_ops child_ops = {
	.read = child_read,
	.write = fake_write,
};

static void bus_with_child_ops(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_host_bridge *bridge = to_pci_host_bridge(fake->root->bridge);
	struct pci_bus *bus = fake->endpoint->bus;

	bridge->child_ops = &child_ops;
	pci_bus_set_ops(bus, &child_ops);
	switch_on(test, fake->endpoint);
	switch_on(test, fake->on_root);
	compare_all(test, fake->endpoint, true);
	compare_all(test, fake->on_root, true);
	KUNIT_EXPECT_PTR_EQ(test, bus->ops->map_bus, NULL);
	KUNIT_EXPECT_PTR_EQ(test, fake->root->ops->map_bus, fake_ops.map_bus);

	/* These have no add_bus(). */
	KUNIT_EXPECT_EQ(test, bus->ops->add_bus(bus), 0);
	KUNIT_EXPECT_PTR_EQ(test, bus->ops, &child_ops);

	fake_unbind(fake->endpoint);
	fake_unbind(fake->on_root);
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_PTR_EQ(test, bus->ops, &child_ops);
	KUNIT_EXPECT_PTR_EQ(test, fake->root->ops, &fake_ops);
}

/* VFs come and go on a bus of their own while that of their PF is taken. */
static void bus_of_vfs(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pf = fake->other_bus, *vf;
	int i;

	switch_on(test, pf);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, pci_enable_sriov(pf, 2), 0);
		vf = fake_dev(test, 3, PCI_DEVFN(0, 1));
		KUNIT_EXPECT_PTR_EQ(test, vf->bus->ops, &fake_ops);
		compare_all(test, vf, false);
		switch_on(test, vf);
		compare_all(test, vf, true);
		fake_unbind(vf);
		pci_disable_sriov(pf);
		KUNIT_EXPECT_EQ(test, flags_of(test, pf), 0x0091);
	}
}

/* The bus of a function that is on is removed, and one of that number found. */
static void bus_comes_back(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_bus *old = fake->endpoint->bus;
	int i;

	switch_on(test, fake->endpoint);
	for (i = 0; i < 3; i++) {
		get_device(&old->dev);
		fake_replug(test);
		KUNIT_EXPECT_PTR_NE(test, fake->endpoint->bus, old);
		KUNIT_EXPECT_PTR_EQ(test, fake->endpoint->bus->ops, &fake_ops);
		compare_all(test, fake->endpoint, false);

		/* What was written is remembered; the old bus is given back. */
		fake_bind(fake->endpoint, &fake_pciback);
		KUNIT_EXPECT_TRUE(test, is_on(fake->endpoint));
		compare_all(test, fake->endpoint, true);
		KUNIT_EXPECT_PTR_EQ(test, old->ops, &fake_ops);
		KUNIT_EXPECT_EQ(test, kref_read(&old->dev.kobj.kref), 1);
		put_device(&old->dev);
		old = fake->endpoint->bus;
	}
}

/* A bus of the same number, below another host bridge */
static void bus_of_another_domain(struct kunit *test)
{
	struct pci_sysdata sysdata = {
		.domain = FAKE_DOMAIN + 1,
		.node = NUMA_NO_NODE,
	};
	struct fake *fake = test->priv;
	struct pci_bus *root;
	struct pci_dev *pdev;

	switch_on(test, fake->endpoint);
	root = fake_scan(&sysdata, 0, &fake_ops);
	KUNIT_ASSERT_NOT_NULL(test, root);
	pdev = pci_get_domain_bus_and_slot(FAKE_DOMAIN + 1, 1, 0);
	pci_dev_put(pdev);
	if (pdev) {
		KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
		compare_all(test, pdev, false);
		fake_bind(pdev, &fake_pciback);
		KUNIT_EXPECT_FALSE(test, is_on(pdev));
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
		KUNIT_EXPECT_EQ(test, write_rciep(fake->endpoint, "0"), 0);
		compare_all(test, pdev, true);
		compare_all(test, fake->endpoint, false);
		fake_unbind(pdev);
	} else {
		KUNIT_FAIL(test, "no function in the other domain");
	}
	fake_remove(root);
}

/* Who copies our ops, as ibmphp and a quirk of x86 do, gets the bridge's answers. */
static void bus_with_copied_ops(struct kunit *test)
{
	struct pci_sysdata sysdata = {
		.domain = FAKE_DOMAIN + 1,
		.node = NUMA_NO_NODE,
	};
	struct fake *fake = test->priv;
	struct pci_bus *root;
	struct pci_dev *pdev;

	switch_on(test, fake->endpoint);
	pci_bus_set_ops(fake->other_bus->bus, fake->endpoint->bus->ops);
	compare_all(test, fake->other_bus, false);
	pci_bus_set_ops(fake->other_bus->bus, &fake_ops);

	/* A host bridge of its own, without a parent; add_bus() is called too. */
	fake_add_bus_calls = 0;
	root = fake_scan(&sysdata, 1, fake->endpoint->bus->ops);
	KUNIT_ASSERT_NOT_NULL(test, root);
	KUNIT_EXPECT_EQ(test, fake_add_bus_calls, 1);
	KUNIT_EXPECT_PTR_EQ(test, root->ops, &fake_ops);
	pdev = pci_get_slot(root, PCI_DEVFN(0, 0));
	KUNIT_EXPECT_NOT_NULL(test, pdev);
	pci_dev_put(pdev);
	fake_remove(root);
}

/* Another module's ops, which pass reads on, and may swap bus->ops meanwhile */
static struct pci_ops *other_saved;
static bool other_swaps;

static int other_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	struct pci_ops *mine = bus->ops;
	int ret;

	/* What aer_inject does */
	if (other_swaps)
		bus->ops = other_saved;
	ret = other_saved->read(bus, devfn, where, size, val);
	if (other_swaps)
		bus->ops = mine;
	return ret;
}

static struct pci_ops other_ops = {
	.read = other_read,
	.write = fake_write,
};

static void bus_other_above(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	int swaps;

	for (swaps = 0; swaps < 2; swaps++) {
		other_swaps = swaps;
		switch_on(test, pdev);
		other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);

		/* Switched below it, without a change of anybody's ops */
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0002);
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
		KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
		fake_unbind(pdev);
		compare_all(test, pdev, false);
		pci_bus_set_ops(pdev->bus, other_saved);
		compare_all(test, pdev, false);
	}
}

/* The log tells once that a function was switched on, and why one was not. */
static void bus_log(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	log_start();
	switch_on(test, pdev);
	switch_on(test, pdev);
	log_stop();
	KUNIT_EXPECT_EQ(test, log_count("PCI_EXP_FLAGS is 0x0002, guests read 0x0092"), 1);
	KUNIT_EXPECT_EQ(test, log_count("not shown"), 0);

	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	pci_bus_set_ops(pdev->bus, &other_ops);
	other_swaps = false;
	other_saved = &fake_ops;
	log_start();
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	log_stop();
	KUNIT_EXPECT_EQ(test, log_count("reads of bus 4b55:01 go to other_read"), 1);
	KUNIT_EXPECT_EQ(test, log_count("guests read"), 0);
	pci_bus_set_ops(pdev->bus, &fake_ops);
}

static void bus_other_below(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	/* Refused, and nothing is remembered */
	other_swaps = false;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
	fake_bind(pdev, &fake_pciback);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
	compare_all(test, pdev, false);
	fake_unbind(pdev);
	fake_bind(pdev, &fake_pciback);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));

	/* It goes, and the bus can be taken. */
	pci_bus_set_ops(pdev->bus, other_saved);
	switch_on(test, pdev);
	compare_all(test, pdev, true);
}

/* Another module puts back what it once found: we are dropped, and it shows. */
static void bus_dropped(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	switch_on(test, pdev);
	pci_bus_set_ops(pdev->bus, &fake_ops);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0002);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);

	/* A failed write of 1 leaves it on, for it was. */
	pci_bus_set_ops(pdev->bus, &other_ops);
	other_saved = &fake_ops;
	other_swaps = false;
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	pci_bus_set_ops(pdev->bus, &fake_ops);
}

/* Ops that drop ours during the very read that measures */
static int dropping_read(struct pci_bus *bus, unsigned int devfn, int where,
			 int size, u32 *val)
{
	pci_bus_set_ops(bus, &fake_ops);
	return fake_read(bus, devfn, where, size, val);
}

static struct pci_ops dropping_ops = {
	.read = dropping_read,
	.write = fake_write,
};

static void bus_not_in_force(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	pci_bus_set_ops(pdev->bus, &dropping_ops);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EIO);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	compare_all(test, pdev, false);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
}

/* Who does not answer is switched on only where reads are known to reach us. */
static void bus_device_gone(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	fake_bind(pdev, &fake_pciback);
	fake_status = PCIBIOS_DEVICE_NOT_FOUND;
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	other_swaps = false;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	pci_bus_set_ops(pdev->bus, other_saved);
	fake_status = 0;
}

/*
 * The module goes while another holds our ops: they become the bridge's. Loaded
 * again, it takes the bus from what it has left behind.
 */
static void bus_left_behind(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	struct pci_ops *left_behind;

	switch_on(test, pdev);
	fake_unbind(pdev);
	other_swaps = true;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
	log_start();
	xen_pcibk_fixup_leave();
	log_stop();
	KUNIT_EXPECT_EQ(test, log_count("another module may still hold the ops"), 1);
	left_behind = other_saved;
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
	KUNIT_EXPECT_EQ(test, memcmp(left_behind, &fake_ops, sizeof(fake_ops)), 0);
	compare_all(test, pdev, false);

	pci_bus_set_ops(pdev->bus, left_behind);
	fake_bind(pdev, &fake_pciback);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	switch_on(test, pdev);
	compare_all(test, pdev, true);

	/* What was left is given back as the bridge's own. */
	fake_unbind(pdev);
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
}

static int slow_reader(void *data)
{
	u32 val;

	read_raw(data, 0x42, 2, &val);
	return val;
}

/*
 * A reader is in the middle of our read(), where it may be preempted, as the
 * module goes. Plain RCU does not know of it. Nothing may be freed before it has
 * left: it goes on to count a hit.
 */
static void bus_grace_period(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	struct task_struct *reader;
	int i;

	switch_on(test, pdev);
	WRITE_ONCE(fake_slow, true);
	reader = kthread_create(slow_reader, pdev, "slow_reader");
	KUNIT_ASSERT_FALSE(test, IS_ERR(reader));
	get_task_struct(reader);
	wake_up_process(reader);
	for (i = 0; i < 100 && !READ_ONCE(fake_is_read); i++)
		msleep(20);
	WRITE_ONCE(fake_slow, false);

	fake_unbind(pdev);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(fake_is_read));
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fake_is_read));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);

	/* It began while the overlay was on. */
	KUNIT_EXPECT_EQ(test, kthread_stop(reader), 0x0092);
	put_task_struct(reader);
}

/* --- which devices ------------------------------------------------------- */

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

/* As attached before this module came: by the driver pciback if there is one */
static struct pci_driver early_pciback = { .name = "pciback" };

static struct device_driver *early_find(struct kunit *test)
{
	struct device_driver *driver = driver_find("pciback", &pci_bus_type);

	if (!driver) {
		KUNIT_ASSERT_EQ(test, pci_register_driver(&early_pciback), 0);
		driver = &early_pciback.driver;
	}
	return driver;
}

static void early_unbind(struct pci_dev *pdev)
{
	bool ours = pdev->dev.driver == &early_pciback.driver;

	fake_unbind(pdev);
	if (ours)
		pci_unregister_driver(&early_pciback);
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

static int lock_holder(void *data)
{
	struct pci_dev *pdev = data;

	device_lock(&pdev->dev);
	while (!kthread_should_stop())
		msleep(20);
	device_unlock(&pdev->dev);
	return 0;
}

/* Loading can be interrupted while somebody holds the lock of pciback's device. */
static void policy_interrupted(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	struct task_struct *holder;
	unsigned int refs;

	pdev->dev.driver = early_find(test);
	holder = kthread_run(lock_holder, pdev, "lock_holder");
	KUNIT_ASSERT_FALSE(test, IS_ERR(holder));
	while (!mutex_is_locked(&pdev->dev.mutex))
		msleep(20);

	refs = kref_read(&pdev->dev.kobj.kref);
	allow_signal(SIGINT);
	send_sig(SIGINT, current, 1);
	KUNIT_EXPECT_EQ(test, fixup_attach_all(), -EINTR);
	flush_signals(current);
	disallow_signal(SIGINT);
	KUNIT_EXPECT_EQ(test, kref_read(&pdev->dev.kobj.kref), refs);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(pdev));

	kthread_stop(holder);
	early_unbind(pdev);
}

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

	devices = "(4b55:01:*.*)";
	log_start();
	fake_bind(fake->endpoint, &fake_pciback);
	fake_bind(fake->rciep, &fake_pciback);
	fake_bind(conventional, &fake_pciback);
	log_stop();
	KUNIT_EXPECT_EQ(test, log_count("its type is Root Complex Integrated Endpoint"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is conventional PCI function"), 1);
	KUNIT_EXPECT_EQ(test, log_count("its type is"), 2);
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(conventional));
	KUNIT_EXPECT_FALSE(test, fixup_is_attached(fake->rciep));
}

static unsigned int toggles = 10000;
module_param(toggles, uint, 0444);
MODULE_PARM_DESC(toggles, "Times that the overlay is switched while it is read");

/*
 * Odd while the overlay may be on; even from when switching off has returned
 * until it is switched on again.
 */
static unsigned int toggle_count;

struct toggle_reader {
	struct task_struct *task;
	unsigned long reads, illegal, late;
};

static void toggle_read(struct toggle_reader *reader, struct pci_dev *pdev)
{
	static const int sizes[] = { 1, 2, 4 };
	int size = sizes[reader->reads % 3];
	int where = size == 4 ? 0x40 : 0x42;
	unsigned int before, after;
	u32 val;

	/* Before the value, and smp_rmb() keeps the second one after it */
	before = smp_load_acquire(&toggle_count);
	read_raw(pdev, where, size, &val);
	smp_rmb();	/* toggle_count is loaded after the value */
	after = READ_ONCE(toggle_count);

	if (size == 4)
		val >>= 16;
	if (val != 0x02 && val != 0x92)
		reader->illegal++;
	if (val != 0x02 && !(before % 2) && before == after)
		reader->late++;
	WRITE_ONCE(reader->reads, reader->reads + 1);
}

static int toggle_reader(void *data)
{
	struct toggle_reader *reader = data;
	struct pci_dev *pdev;
	int i;

	while (!kthread_should_stop()) {
		pdev = pci_get_domain_bus_and_slot(FAKE_DOMAIN, 1, 0);
		for (i = 0; pdev && i < 256; i++)
			toggle_read(reader, pdev);
		pci_dev_put(pdev);
		/* Grace periods want a reader that sleeps now and then. */
		usleep_range(50, 100);
	}

	return 0;
}

static void toggle_is(struct kunit *test, struct pci_dev *pdev, u32 want)
{
	u32 val;

	read_raw(pdev, 0x42, 2, &val);
	KUNIT_EXPECT_EQ(test, val, want);
}

/*
 * Readers on every CPU while the overlay is switched: every value is one of the
 * two that are legal, and a read that starts after switching off is the
 * hardware's. Every tenth time the function is taken away and added again, as
 * if it was bound; now and then it is removed with its bus, and found again.
 */
static void bus_readers_and_toggles(struct kunit *test)
{
	struct toggle_reader *readers;
	struct fake *fake = test->priv;
	unsigned int i, cpu, binds = 0, replugs = 0;
	unsigned long reads = 0;

	readers = kunit_kcalloc(test, nr_cpu_ids, sizeof(*readers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, readers);
	toggle_count = 0;
	for_each_online_cpu(cpu) {
		struct task_struct *task;

		task = kthread_create_on_cpu(toggle_reader, &readers[cpu], cpu,
					     "toggle_reader/%u");
		if (IS_ERR(task)) {
			KUNIT_FAIL(test, "no reader on CPU %u", cpu);
			continue;
		}
		readers[cpu].task = task;
		wake_up_process(task);
	}

	/* No assertion here: the readers must be stopped in any case. */
	for (i = 0; test->status == KUNIT_SUCCESS; i++) {
		struct pci_dev *pdev = fake->endpoint;

		reads = 0;
		for_each_online_cpu(cpu)
			reads += READ_ONCE(readers[cpu].reads);
		if (i >= toggles && reads >= 10UL * toggles)
			break;

		WRITE_ONCE(toggle_count, toggle_count + 1);
		smp_mb();	/* odd before it is on */
		if (!fixup_is_attached(pdev))
			fake_bind(pdev, &fake_pciback);
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
		toggle_is(test, pdev, 0x0092);
		if (i % 10) {
			write_rciep(pdev, "0");
		} else {
			fake_unbind(pdev);
			binds++;
		}
		/* Even when it is off, for toggle_read() */
		smp_store_release(&toggle_count, toggle_count + 1);
		toggle_is(test, pdev, 0x0002);

		if (i % 500 == 499) {
			fake_replug(test);
			replugs++;
		}
	}

	for_each_online_cpu(cpu) {
		if (!readers[cpu].task)
			continue;
		kthread_stop(readers[cpu].task);
		KUNIT_EXPECT_EQ(test, readers[cpu].illegal, 0);
		KUNIT_EXPECT_EQ(test, readers[cpu].late, 0);
	}
	kunit_info(test, "%u toggles, %lu reads, %u times taken away and added, %u times removed and found\n",
		   i, reads, binds, replugs);
}

static struct kunit_case bus_cases[] = {
	KUNIT_CASE(bus_on_and_off),
	KUNIT_CASE(bus_twice),
	KUNIT_CASE(bus_legacy_and_last),
	KUNIT_CASE(bus_neighbours),
	KUNIT_CASE(bus_any_order),
	KUNIT_CASE(bus_hits),
	KUNIT_CASE(bus_failing_reads),
	KUNIT_CASE(bus_exchanged_device),
	KUNIT_CASE(bus_malformed_lists),
	KUNIT_CASE(bus_new_child),
	KUNIT_CASE(bus_with_child_ops),
	KUNIT_CASE(bus_comes_back),
	KUNIT_CASE(bus_of_another_domain),
	KUNIT_CASE(bus_with_copied_ops),
	KUNIT_CASE(bus_other_above),
	KUNIT_CASE(bus_log),
	KUNIT_CASE(bus_other_below),
	KUNIT_CASE(bus_dropped),
	KUNIT_CASE(bus_not_in_force),
	KUNIT_CASE(bus_device_gone),
	KUNIT_CASE(bus_left_behind),
	KUNIT_CASE(bus_of_vfs),
	KUNIT_CASE(bus_grace_period),
	KUNIT_CASE(bus_readers_and_toggles),
	{}
};

static struct kunit_suite bus_suite = {
	.name = "pciback-fixup-bus",
	.suite_init = bus_suite_init,
	.init = bus_init,
	.exit = bus_exit,
	.test_cases = bus_cases,
};

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(policy_devices),
	KUNIT_CASE(policy_written),
	KUNIT_CASE(policy_who_is_attached),
	KUNIT_CASE(policy_bound_twice),
	KUNIT_CASE(policy_no_directory),
	KUNIT_CASE(policy_bound_before),
	KUNIT_CASE(policy_interrupted),
	KUNIT_CASE(policy_checked_lists),
	KUNIT_CASE(policy_listed_in_vain),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "pciback-fixup-policy",
	.suite_init = bus_suite_init,
	.init = bus_init,
	.exit = bus_exit,
	.test_cases = policy_cases,
};

/* The slow ones last */
kunit_test_suites(&overlay_suite, &devlist_suite, &policy_suite, &bus_suite);

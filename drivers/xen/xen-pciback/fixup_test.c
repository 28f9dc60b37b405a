// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests: the overlay over its whole domain, the syntax of device lists,
 * and standing in for the ops of real struct pci_bus below a host bridge that
 * is made up here.
 */

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixup_busops.h"
#include "fixup_devlist.h"
#include "fixup_overlay.h"

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
	unsigned int index = fixup_overlay_index(flags_at, where);

	if (index < size && fixup_overlay_valid(where + index))
		fixup_overlay(fixup_overlay_byte(&val, index));

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

/* The two places that stand for none, in all of config space */
static void overlay_nowhere(struct kunit *test)
{
	int where, size;

	for (where = 0; where < 4096; where++) {
		for (size = 1; size <= 4; size *= 2) {
			KUNIT_ASSERT_EQ(test, overlay(PCI_VENDOR_ID, where, size, 0), 0U);
			KUNIT_ASSERT_EQ(test, overlay(FIXUP_OVERLAY_NOWHERE, where, size, 0), 0U);
		}
	}
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

static struct kunit_case overlay_cases[] = {
	KUNIT_CASE(overlay_everywhere),
	KUNIT_CASE(overlay_nowhere),
	KUNIT_CASE(overlay_extended),
	KUNIT_CASE(overlay_device_gone),
	KUNIT_CASE(overlay_odd_sizes),
	{}
};

static struct kunit_suite overlay_suite = {
	.name = "pciback-fixup-overlay",
	.test_cases = overlay_cases,
};

/* --- device lists ------------------------------------------------------- */

#define ANY FIXUP_DEVLIST_ANY

static const struct devlist_good {
	const char *text;
	int count;
	struct fixup_devlist_slot last;
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
};

static void devlist_accepts(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(devlist_good); i++) {
		const struct devlist_good *good = &devlist_good[i];
		struct fixup_devlist_slot slot = {};
		const char *p = good->text;
		int ret, count = 0;

		while ((ret = fixup_devlist_next(&p, &slot)) > 0)
			count++;

		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%s", good->text);
		KUNIT_EXPECT_EQ_MSG(test, count, good->count, "%s", good->text);
		KUNIT_EXPECT_EQ_MSG(test, *p, '\0', "%s", good->text);
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(&slot, &good->last, sizeof(slot)),
				      "%s", good->text);
	}
}

/* The text, and how many characters of it are right. */
static const struct devlist_bad {
	const char *text;
	int good;
} devlist_bad[] = {
	{ " ", 0 },
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
		struct fixup_devlist_slot slot;
		const char *p = bad->text;
		int ret;

		while ((ret = fixup_devlist_next(&p, &slot)) > 0)
			;

		KUNIT_EXPECT_EQ_MSG(test, ret, -EINVAL, "%s", bad->text);
		KUNIT_EXPECT_EQ_MSG(test, (int)(p - bad->text), bad->good, "%s",
				    bad->text);
	}
}

static void devlist_long(struct kunit *test)
{
	const int slots = 10000;
	struct fixup_devlist_slot slot;
	static const char item[] = "(0:1:2.3)";
	size_t len = sizeof(item) - 1;
	char *text = kunit_kzalloc(test, slots * len + 1, GFP_KERNEL);
	const char *p = text;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < slots; i++)
		memcpy(text + i * len, item, len);

	for (i = 0; i < slots; i++)
		KUNIT_ASSERT_EQ(test, fixup_devlist_next(&p, &slot), 1);
	KUNIT_EXPECT_EQ(test, fixup_devlist_next(&p, &slot), 0);
}

static void devlist_all(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, fixup_devlist_all("all"));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_all(""));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_all("ALL"));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_all("all "));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_all("al"));
}

static void devlist_matches(struct kunit *test)
{
	struct fixup_devlist_slot slot = { 1, 2, 3, 4 };

	KUNIT_EXPECT_TRUE(test, fixup_devlist_match(&slot, 1, 2, PCI_DEVFN(3, 4)));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_match(&slot, 0, 2, PCI_DEVFN(3, 4)));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_match(&slot, 1, 0, PCI_DEVFN(3, 4)));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_match(&slot, 1, 2, PCI_DEVFN(0, 4)));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_match(&slot, 1, 2, PCI_DEVFN(3, 0)));

	slot.fn = ANY;
	KUNIT_EXPECT_TRUE(test, fixup_devlist_match(&slot, 1, 2, PCI_DEVFN(3, 7)));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_match(&slot, 1, 2, PCI_DEVFN(4, 7)));

	slot.dev = ANY;
	KUNIT_EXPECT_TRUE(test, fixup_devlist_match(&slot, 1, 2, PCI_DEVFN(31, 7)));
	KUNIT_EXPECT_FALSE(test, fixup_devlist_match(&slot, 1, 3, PCI_DEVFN(31, 7)));
}

static struct kunit_case devlist_cases[] = {
	KUNIT_CASE(devlist_accepts),
	KUNIT_CASE(devlist_rejects),
	KUNIT_CASE(devlist_long),
	KUNIT_CASE(devlist_all),
	KUNIT_CASE(devlist_matches),
	{}
};

static struct kunit_suite devlist_suite = {
	.name = "pciback-fixup-devlist",
	.test_cases = devlist_cases,
};

/* --- standing in for bus ops --------------------------------------------- */

/*
 * The made-up host bridge:
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
 */
#define FAKE_DOMAIN	0x4b55
#define FAKE_BUSES	4

static u8 fake_config[FAKE_BUSES][256][256];
static u8 fake_sriov[PCI_EXT_CAP_SRIOV_SIZEOF];	/* of 2:00.0, at 0x100 */
static int fake_status;			/* what reads return */
static unsigned int fake_add_bus_calls;
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
	if (fake_status)
		return fake_status;
	if (bus->number < FAKE_BUSES && where + size <= 256) {
		*val = 0;
		memcpy(val, &fake_config[bus->number][devfn][where], size);
	} else if (bus->number == 2 && !devfn && where >= 256 &&
		   where + size <= 256 + sizeof(fake_sriov)) {
		*val = 0;
		memcpy(val, &fake_sriov[where - 256], size);
	}
	return PCIBIOS_SUCCESSFUL;
}

static int fake_write(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

static int fake_add_bus(struct pci_bus *bus)
{
	fake_add_bus_calls++;
	return 0;
}

static struct pci_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.add_bus = fake_add_bus,
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
	struct pci_dev *endpoint, *legacy, *last, *rciep, *other_bus;
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

static int busops_init(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	LIST_HEAD(resources);
	u8 *config;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	test->priv = fake;

	memset(fake_config, 0xff, sizeof(fake_config));
	fake_status = 0;
	fake_slow = false;
	fake_bridge(PCI_DEVFN(0, 0), false, 1, 1);
	fake_bridge(PCI_DEVFN(1, 0), true, 2, 3);
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

	pci_lock_rescan_remove();
	fake->root = pci_scan_root_bus(NULL, 0, &fake_ops, &fake->sysdata,
				       &resources);
	if (fake->root)
		pci_bus_add_devices(fake->root);
	pci_unlock_rescan_remove();
	KUNIT_ASSERT_NOT_NULL(test, fake->root);

	fake_find(test);
	return 0;
}

static void busops_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdevs[] = {
		fake->endpoint, fake->legacy, fake->last, fake->rciep,
		fake->other_bus
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(pdevs); i++)
		if (pdevs[i] && fixup_busops_has(pdevs[i]))
			fixup_busops_del(pdevs[i]);
	fixup_busops_exit();

	if (fake->root) {
		struct pci_host_bridge *bridge;

		bridge = to_pci_host_bridge(fake->root->bridge);
		pci_lock_rescan_remove();
		pci_stop_root_bus(fake->root);
		pci_remove_root_bus(fake->root);
		pci_unlock_rescan_remove();
		pci_free_host_bridge(bridge);
	}
}

static u16 flags_of(struct kunit *test, struct pci_dev *pdev)
{
	u16 flags;

	KUNIT_ASSERT_EQ(test, fixup_busops_guest_flags(pdev, &flags), 0);
	return flags;
}

static void switch_on(struct kunit *test, struct pci_dev *pdev)
{
	KUNIT_ASSERT_EQ(test, fixup_busops_add(pdev), 0);
	KUNIT_ASSERT_EQ(test, fixup_busops_switch(pdev, true), 0);
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
			int ret;

			memcpy(&hardware, config + where, size);
			ret = pdev->bus->ops->read(pdev->bus, pdev->devfn, where,
						   size, &guest);
			KUNIT_ASSERT_EQ(test, ret, 0);
			KUNIT_ASSERT_EQ_MSG(test, guest,
					    expected(at, where, size, hardware),
					    "%s: %d bytes at %#x",
					    pci_name(pdev), size, where);
		}
	}
}

static void busops_on_and_off(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	u16 hardware;

	KUNIT_EXPECT_FALSE(test, fixup_busops_has(pdev));
	KUNIT_ASSERT_EQ(test, fixup_busops_add(pdev), 0);
	KUNIT_EXPECT_TRUE(test, fixup_busops_has(pdev));
	KUNIT_EXPECT_FALSE(test, fixup_busops_is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);

	KUNIT_ASSERT_EQ(test, fixup_busops_switch(pdev, true), 0);
	KUNIT_EXPECT_TRUE(test, fixup_busops_is_on(pdev));
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
	KUNIT_ASSERT_EQ(test, fixup_busops_hardware_flags(pdev, &hardware), 0);
	KUNIT_EXPECT_EQ(test, hardware, 0x0002);
	compare_all(test, pdev, true);

	KUNIT_ASSERT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_EXPECT_FALSE(test, fixup_busops_is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
	compare_all(test, pdev, false);
	fixup_busops_del(pdev);
	KUNIT_EXPECT_FALSE(test, fixup_busops_has(pdev));
}

static void busops_twice(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	switch_on(test, pdev);
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
	KUNIT_ASSERT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_ASSERT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
}

static void busops_legacy_and_last(struct kunit *test)
{
	struct fake *fake = test->priv;

	switch_on(test, fake->legacy);
	KUNIT_EXPECT_EQ(test, flags_of(test, fake->legacy), 0x0092);
	compare_all(test, fake->legacy, true);

	switch_on(test, fake->last);
	KUNIT_EXPECT_EQ(test, flags_of(test, fake->last) & 0xff, 0x91);
	compare_all(test, fake->last, true);
}

static void busops_neighbours(struct kunit *test)
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
static void busops_any_order(struct kunit *test)
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
				fixup_busops_del(pdevs[index]);
			else
				fixup_busops_switch(pdevs[index], false);
			compare_all(test, pdevs[index], false);
			for (j = 0; j < left - 1; j++)
				compare_all(test, pdevs[first[j]], true);
		}
		KUNIT_ASSERT_PTR_EQ(test, fake->endpoint->bus->ops, &fake_ops);
		KUNIT_ASSERT_PTR_EQ(test, fake->other_bus->bus->ops, &fake_ops);
	}
}

static void busops_hits(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	unsigned long before;
	u32 val;

	switch_on(test, pdev);
	before = fixup_busops_hits(pdev);
	pdev->bus->ops->read(pdev->bus, pdev->devfn, 0x40, 4, &val);
	pdev->bus->ops->read(pdev->bus, pdev->devfn, 0x42, 1, &val);
	KUNIT_EXPECT_EQ(test, fixup_busops_hits(pdev), before + 2);
	pdev->bus->ops->read(pdev->bus, pdev->devfn, 0x43, 1, &val);
	pdev->bus->ops->read(pdev->bus, pdev->devfn, 0, 4, &val);
	KUNIT_EXPECT_EQ(test, fixup_busops_hits(pdev), before + 2);
}

static void busops_failing_reads(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	unsigned long before;
	u32 val = 0;

	switch_on(test, pdev);
	before = fixup_busops_hits(pdev);
	fake_status = PCIBIOS_DEVICE_NOT_FOUND;
	KUNIT_EXPECT_EQ(test, pdev->bus->ops->read(pdev->bus, pdev->devfn, 0x42, 2, &val),
			PCIBIOS_DEVICE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, val, 0xffffffff);
	KUNIT_EXPECT_EQ(test, fixup_busops_hits(pdev), before);

	/* A device that fails can be switched off, and on. */
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), 0);
	fake_status = 0;
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
}

/* The type that is read counts, not the one that once was. */
static void busops_exchanged_device(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	u8 *flags = &fake_config[1][pdev->devfn][0x42];
	int type;

	switch_on(test, pdev);
	for (type = 0; type < 16; type++) {
		*flags = type << 4 | 2;
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev),
				type < 2 ? 0x92 : type << 4 | 2);
	}
	memset(fake_config[1][pdev->devfn], 0xff, 256);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0xffff);
}

static void busops_malformed_lists(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(fake_dev(test, 1, PCI_DEVFN(7, 0))));
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(fake_dev(test, 1, PCI_DEVFN(8, 0))));
}

static void busops_new_child(struct kunit *test)
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

	pci_lock_rescan_remove();
	pci_remove_bus(child);
	pci_unlock_rescan_remove();
	KUNIT_EXPECT_EQ(test, flags_of(test, fake->endpoint), 0x0092);
}

/* VFs come and go on a bus of their own while that of their PF is wrapped. */
static void busops_vf_bus(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pf = fake->other_bus, *vf;
	int i;

	switch_on(test, pf);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, pci_enable_sriov(pf, 2), 0);
		vf = fake_dev(test, 3, PCI_DEVFN(0, 1));
		KUNIT_EXPECT_PTR_EQ(test, vf->bus->ops, &fake_ops);
		KUNIT_EXPECT_EQ(test, flags_of(test, vf), 0x0002);
		KUNIT_EXPECT_EQ(test, fixup_busops_add(vf), 0);
		KUNIT_EXPECT_EQ(test, fixup_busops_switch(vf, true), 0);
		KUNIT_EXPECT_EQ(test, flags_of(test, vf), 0x0092);
		fixup_busops_del(vf);
		pci_disable_sriov(pf);
		KUNIT_EXPECT_EQ(test, flags_of(test, pf), 0x0091);
	}
}

/* Another module's wrapper, one that calls down without touching bus->ops. */
static struct pci_ops *other_saved;
static bool other_swaps;

static int other_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	struct pci_ops *mine = bus->ops;
	int ret;

	/* What aer_inject does. */
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

/* The reaper looks once in a second. */
static bool wait_for_ops(struct pci_bus *bus, struct pci_ops *ops)
{
	int i;

	for (i = 0; i < 50 && READ_ONCE(bus->ops) != ops; i++)
		msleep(100);
	return bus->ops == ops;
}

static void busops_wrapped_above(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	int swaps;

	for (swaps = 0; swaps < 2; swaps++) {
		other_swaps = swaps;
		switch_on(test, pdev);
		other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);

		/* Ours stay as a passage, and are used again. */
		KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, false), 0);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0002);
		KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
		KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), 0);
		KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
		KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
		fixup_busops_del(pdev);
		compare_all(test, pdev, false);

		/* The other one leaves: so do ours, by themselves. */
		pci_bus_set_ops(pdev->bus, other_saved);
		KUNIT_EXPECT_TRUE(test, wait_for_ops(pdev->bus, &fake_ops));
		compare_all(test, pdev, false);
	}
}

static void busops_wrapped_below(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	other_swaps = false;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);

	/* It puts back what it found, and ours are gone: the truth is shown. */
	pci_bus_set_ops(pdev->bus, other_saved);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0002);
	KUNIT_EXPECT_TRUE(test, fixup_busops_is_on(pdev));

	/* Switched on once more, it is mended. */
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), 0);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
}

static void busops_dropped_then_off(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	u16 hardware;

	other_swaps = false;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
	switch_on(test, pdev);
	pci_bus_set_ops(pdev->bus, other_saved);

	/* Nothing may call the other module any more: it could be gone. */
	other_saved = NULL;
	KUNIT_EXPECT_EQ(test, fixup_busops_hardware_flags(pdev, &hardware), 0);
	KUNIT_EXPECT_EQ(test, hardware, 0x0002);
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), 0);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
}

/* A module above that answers this register itself, and passes on the rest. */
static int answering_read(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 *val)
{
	if (where == 0x42) {
		*val = 0x0002;
		return PCIBIOS_SUCCESSFUL;
	}
	return other_read(bus, devfn, where, size, val);
}

static struct pci_ops answering_ops = {
	.read = answering_read,
	.write = fake_write,
};

static void busops_answered_above(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	other_swaps = false;
	switch_on(test, pdev);
	other_saved = pci_bus_set_ops(pdev->bus, &answering_ops);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0002);

	/* We must not go above it: it leads to us. */
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), -EIO);
	KUNIT_EXPECT_FALSE(test, fixup_busops_is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &answering_ops);

	pci_bus_set_ops(pdev->bus, other_saved);
	KUNIT_EXPECT_TRUE(test, wait_for_ops(pdev->bus, &fake_ops));
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), 0);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
}

/*
 * We stood on another module's ops and left; it goes, and its memory with it,
 * before ours is freed. KASAN watches that nobody looks at it.
 */
static void busops_below_is_freed(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	struct pci_ops *below;

	below = kzalloc(sizeof(*below), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, below);
	*below = other_ops;
	other_swaps = false;
	other_saved = pci_bus_set_ops(pdev->bus, below);
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, below);

	pci_bus_set_ops(pdev->bus, other_saved);
	other_saved = NULL;
	kfree(below);
	fixup_busops_del(pdev);
	fixup_busops_exit();

	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(test, pdev), 0x0092);
}

/* The same, but we are dropped, and the device is gone when we are asked. */
static void busops_dropped_and_gone(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;

	other_swaps = false;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
	switch_on(test, pdev);
	pci_bus_set_ops(pdev->bus, other_saved);
	other_saved = NULL;
	fake_status = PCIBIOS_DEVICE_NOT_FOUND;
	fixup_busops_del(pdev);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
	fake_status = 0;
	compare_all(test, pdev, false);
}

/*
 * aer_inject above us, in the middle of a read of its own as we leave: it puts
 * itself back, and keeps on calling us.
 */
static void busops_back_after_leaving(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->endpoint;
	struct pci_ops *ours;

	other_swaps = true;
	switch_on(test, pdev);
	ours = pdev->bus->ops;
	other_saved = ours;
	/* bus->ops is ours for the moment: we are on top, and leave. */
	fixup_busops_del(pdev);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
	/* The other read ends. */
	pci_bus_set_ops(pdev->bus, &other_ops);

	/* Many grace periods later, our ops can still be called. */
	msleep(3000);
	compare_all(test, pdev, false);

	pci_bus_set_ops(pdev->bus, ours);
	KUNIT_EXPECT_TRUE(test, wait_for_ops(pdev->bus, &fake_ops));
}

static int slow_reader(void *data)
{
	struct pci_dev *pdev = data;
	u32 val;

	pdev->bus->ops->read(pdev->bus, pdev->devfn, 0x42, 2, &val);
	return val;
}

/*
 * A reader is in the middle of our read(), where it may be preempted, as all is
 * taken away. Plain RCU does not know of it. Nothing may be freed before it has
 * left: it goes on to count a hit.
 */
static void busops_grace_period(struct kunit *test)
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

	fixup_busops_del(pdev);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(fake_is_read));
	fixup_busops_exit();
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fake_is_read));

	/* It began while the overlay was on. */
	KUNIT_EXPECT_EQ(test, kthread_stop(reader), 0x0092);
	put_task_struct(reader);
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

	/* Before the value, and smp_rmb() keeps the second one behind it */
	before = smp_load_acquire(&toggle_count);
	pdev->bus->ops->read(pdev->bus, pdev->devfn, where, size, &val);
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

	pdev->bus->ops->read(pdev->bus, pdev->devfn, 0x42, 2, &val);
	KUNIT_EXPECT_EQ(test, val, want);
}

/*
 * Readers on every CPU while the overlay is switched: every value is one of the
 * two that are legal, and a read that starts after switching off is the
 * hardware's. Every tenth time the function is taken away and added again, as
 * if it was bound; now and then it is removed with its bus, and found again.
 */
static void busops_readers_and_toggles(struct kunit *test)
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

		KUNIT_EXPECT_EQ(test, fixup_busops_add(pdev), 0);
		WRITE_ONCE(toggle_count, toggle_count + 1);
		smp_mb();	/* odd before it is on */
		KUNIT_EXPECT_EQ(test, fixup_busops_switch(pdev, true), 0);
		toggle_is(test, pdev, 0x0092);
		if (i % 10) {
			fixup_busops_switch(pdev, false);
		} else {
			fixup_busops_del(pdev);
			binds++;
		}
		/* Even when it is off, for toggle_read() */
		smp_store_release(&toggle_count, toggle_count + 1);
		toggle_is(test, pdev, 0x0002);

		if (i % 500 == 499) {
			if (fixup_busops_has(pdev))
				fixup_busops_del(pdev);
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

static struct kunit_case busops_cases[] = {
	KUNIT_CASE(busops_on_and_off),
	KUNIT_CASE(busops_twice),
	KUNIT_CASE(busops_legacy_and_last),
	KUNIT_CASE(busops_neighbours),
	KUNIT_CASE(busops_any_order),
	KUNIT_CASE(busops_hits),
	KUNIT_CASE(busops_failing_reads),
	KUNIT_CASE(busops_exchanged_device),
	KUNIT_CASE(busops_malformed_lists),
	KUNIT_CASE(busops_new_child),
	KUNIT_CASE(busops_vf_bus),
	KUNIT_CASE(busops_wrapped_above),
	KUNIT_CASE(busops_wrapped_below),
	KUNIT_CASE(busops_dropped_then_off),
	KUNIT_CASE(busops_answered_above),
	KUNIT_CASE(busops_below_is_freed),
	KUNIT_CASE(busops_dropped_and_gone),
	KUNIT_CASE(busops_back_after_leaving),
	KUNIT_CASE(busops_grace_period),
	KUNIT_CASE(busops_readers_and_toggles),
	{}
};

static struct kunit_suite busops_suite = {
	.name = "pciback-fixup-busops",
	.init = busops_init,
	.exit = busops_exit,
	.test_cases = busops_cases,
};

kunit_test_suites(&overlay_suite, &devlist_suite, &busops_suite);

MODULE_DESCRIPTION("KUnit tests of xen-pciback-fixup");
MODULE_LICENSE("GPL");

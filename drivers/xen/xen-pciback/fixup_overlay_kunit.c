// SPDX-License-Identifier: GPL-2.0
/* KUnit tests: the overlay over its whole domain */

#include "fixup_kunit.h"
#include "fixup_overlay.h"

/*
 * A read of four bytes at W, the flags byte F at W + 1:
 *
 *          W   W+1  W+2  W+3
 *        +----+----+----+----+
 *        |    | F  |    |    |      value: F is in bits 15..8
 *        +----+----+----+----+
 *
 * The expected value is put together byte by byte.
 */
u32 expected(u8 flags_at, int where, int size, u32 val)
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

/* Change a value as fixup_read() does */
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
 * values; the other bytes repeat @around. Returns how many were changed.
 */
static unsigned int overlay_reads(struct kunit *test, u8 at, int size, u32 around)
{
	unsigned int changed = 0;
	int i, where, flags;
	u8 config[256 + 3];

	for (i = 0; i < sizeof(config); i++)
		config[i] = around >> (8 * (i % 4));

	for (where = 0; where <= 255; where++) {
		for (flags = 0; flags <= 0xff; flags++) {
			u32 val = 0, got, want;

			config[at] = flags;
			memcpy(&val, config + where, size);
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

kunit_test_suite(overlay_suite);

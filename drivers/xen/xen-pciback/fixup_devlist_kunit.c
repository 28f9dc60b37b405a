// SPDX-License-Identifier: GPL-2.0
/* KUnit tests: the syntax of device lists, and the place of errors in them */

#include <kunit/test.h>

#include "fixup_devlist.h"

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
	{ "(03:*.*)(04:00.0)", 2, { 0, 4, 0, 0 } },
};

static void devlist_accepts(struct kunit *test)
{
	const struct devlist_good *good;

	for (good = devlist_good; good < devlist_good + ARRAY_SIZE(devlist_good); good++) {
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
	const struct devlist_bad *bad;

	for (bad = devlist_bad; bad < devlist_bad + ARRAY_SIZE(devlist_bad); bad++) {
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

kunit_test_suite(devlist_suite);

/* SPDX-License-Identifier: GPL-2.0 */
/* The part of KUnit that the suites of the driver's pure parts use, for user space. */
#ifndef KUNIT_TEST_H
#define KUNIT_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define GENMASK(high, low)	((~0U >> (31 - (high))) & (~0U << (low)))

struct kunit {
	jmp_buf end;		/* of the case */
	bool failed;
	void *allocated;	/* by a case: one block at most */
};

struct kunit_case {
	void (*run)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(function)	{ function, #function }
#define KUNIT_FAIL(test, ...)							\
	((test)->failed = true, printf("# line %d: ", __LINE__),		\
	 printf(__VA_ARGS__), putchar('\n'))
#define KUNIT_EXPECT_TRUE_MSG(test, condition, ...)				\
	((condition) ? 0 : KUNIT_FAIL(test, __VA_ARGS__))
#define KUNIT_EXPECT_TRUE(test, condition)					\
	KUNIT_EXPECT_TRUE_MSG(test, condition, "%s", #condition)
#define KUNIT_EXPECT_FALSE(test, condition)	KUNIT_EXPECT_TRUE(test, !(condition))
#define KUNIT_EXPECT_EQ(test, a, b)		KUNIT_EXPECT_TRUE(test, (a) == (b))
#define KUNIT_EXPECT_EQ_MSG(test, a, b, ...)					\
	KUNIT_EXPECT_TRUE_MSG(test, (a) == (b), __VA_ARGS__)
#define KUNIT_ASSERT_EQ(test, a, b)						\
	((a) == (b) ? (void)0 : (KUNIT_FAIL(test, "%s == %s", #a, #b),		\
				 longjmp((test)->end, 1)))
#define KUNIT_ASSERT_NOT_NULL(test, p)		KUNIT_ASSERT_EQ(test, !(p), 0)

#define kunit_kzalloc(test, size, gfp)		((test)->allocated = calloc(1, size))

static inline int kunit_run(struct kunit_suite *suite)
{
	struct kunit_case *c;
	bool failed = false;
	int n = 0;

	printf("# Subtest: %s\n", suite->name);
	for (c = suite->test_cases; c->run; c++) {
		struct kunit test = {};

		if (!setjmp(test.end))
			c->run(&test);
		free(test.allocated);
		failed |= test.failed;
		printf("%sok %d - %s in user space\n", test.failed ? "not " : "", ++n, c->name);
	}
	printf("1..%d\n", n);
	return failed;
}

#define kunit_test_suite(suite)	int main(void) { return kunit_run(&(suite)); }

#endif /* KUNIT_TEST_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the KUnit suites; defined in fixup_kunit.c and fixup_main_kunit.c */
#ifndef __XEN_PCIBACK_FIXUP_KUNIT_H__
#define __XEN_PCIBACK_FIXUP_KUNIT_H__

#include <kunit/test.h>

/* The functions below the simulated host bridge: see fake_init() */
extern struct fake {
	struct pci_bus *root;
	struct pci_dev *endpoint, *legacy, *last, *rciep, *other_bus, *on_root;

	/* Reads through fake_ops */
	int status;			/* what they return */
	bool fills_in;			/* ... with a value, also if they fail */
	unsigned int slow;		/* they take so many ms at most, without a sleep */
	bool is_read;			/* a slow one is under way; clear it to end that */
	int add_bus_status;		/* what add_bus() returns */
	unsigned int add_bus_calls;
	struct pci_bus *mapped;		/* the bus that map_bus() was called for last */

	/* The drivers */
	struct pci_dev *binds;		/* the function that they probe */
	bool binds_all;			/* ... any */
	bool no_files;			/* a bound function can have no more files in sysfs */
} fake;

/* The host bridge's ops */
extern struct pci_ops fake_ops;
int fake_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *val);

/* For the suites that need the bridge */
int fake_suite_init(struct kunit_suite *suite);
void fake_suite_exit(struct kunit_suite *suite);
int fake_init(struct kunit *test);
void fake_exit(struct kunit *test);

/* The device there; the bridge holds it until the test is over */
struct pci_dev *fake_dev(struct kunit *test, int bus, unsigned int devfn);

/* Look up the devices of struct fake again */
void fake_find(struct kunit *test);

/* Remove the bridge to bus 1 with all that is below it, and find it again */
void fake_replug(struct kunit *test);

/* A driver called pciback, and another one */
extern struct pci_driver fake_pciback, fake_other_driver;
int fake_bind_to(struct pci_dev *pdev, struct pci_driver *driver);
void fake_bind(struct kunit *test, struct pci_dev *pdev);	/* to pciback, maybe again */
int fake_unbind(void *pdev);

/* Expects, too, that the directory in sysfs is there just if a function is attached */
bool is_attached(struct kunit *test, struct pci_dev *pdev);

/* Register the notifier, with an empty list, and call fixup_exit() */
int driver_load(void);
void driver_unload(struct kunit *test);
bool notifier_unregistered(void);	/* it was registered, and is not any more */

/* The files in sysfs */
char *show(struct pci_dev *pdev, const char *file);
int write_rciep(struct pci_dev *pdev, const char *text);
bool is_on(struct pci_dev *pdev);
int flags_of(void *pdev);			/* guest_flags, or an error; may wait */
int hits_of(struct pci_dev *pdev);
void switch_on(struct kunit *test, struct pci_dev *pdev);	/* bind first if need be */

/* Read config space as drivers do */
int read_raw(struct pci_dev *pdev, int where, int size, u32 *val);

/* Compare the files and every aligned read of a function with those that it should have */
void expect_on(struct kunit *test, struct pci_dev *pdev, bool on);

/* The guest view of a read: @val in hardware, the flags byte at @flags_at, 0 if it is off */
u32 expected(u8 flags_at, int where, int size, u32 val);

/* In how many lines a text was logged since log_start(), or since the case began */
void log_start(void);
unsigned int log_count(const char *text);

/* Call a function in a thread: it may have to wait. beside_result() waits for its end. */
struct task_struct *beside_start(struct kunit *test, int (*function)(void *pdev),
				 struct pci_dev *pdev);
bool beside_ends(struct task_struct *task, unsigned int ms);
int beside_result(struct task_struct *task);

#endif /* __XEN_PCIBACK_FIXUP_KUNIT_H__ */

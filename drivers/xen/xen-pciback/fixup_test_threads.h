/* SPDX-License-Identifier: GPL-2.0 */
/* What the KUnit suites need of other threads: functions that wait, held locks, signals. */
#ifndef __XEN_PCIBACK_FIXUP_TEST_THREADS_H__
#define __XEN_PCIBACK_FIXUP_TEST_THREADS_H__

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

/* A function that is called beside the test, for it may have to wait */
struct beside {
	struct task_struct *task;
	struct completion done;
	long (*function)(struct pci_dev *pdev);
	struct pci_dev *pdev;
	long ret;
};

static int beside_thread(void *data)
{
	struct beside *beside = data;

	beside->ret = beside->function(beside->pdev);
	complete_all(&beside->done);
	return 0;
}

static void beside_start(struct kunit *test, struct beside *beside,
			 long (*function)(struct pci_dev *pdev), struct pci_dev *pdev)
{
	beside->function = function;
	beside->pdev = pdev;
	init_completion(&beside->done);
	beside->task = kthread_create(beside_thread, beside, "beside");
	KUNIT_ASSERT_FALSE(test, IS_ERR(beside->task));
	get_task_struct(beside->task);
	wake_up_process(beside->task);
}

static bool beside_ends(struct beside *beside, unsigned int ms)
{
	return wait_for_completion_timeout(&beside->done, msecs_to_jiffies(ms));
}

static long beside_result(struct beside *beside)
{
	wait_for_completion(&beside->done);
	kthread_stop(beside->task);
	put_task_struct(beside->task);
	return beside->ret;
}

/* Whether it is set, after some seconds at most */
static bool becomes_true(bool *flag)
{
	int i;

	for (i = 0; i < 500 && !READ_ONCE(*flag); i++)
		msleep(20);
	return READ_ONCE(*flag);
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

/* Have another thread hold the lock of a device, until kthread_stop() */
static struct task_struct *lock_held(struct pci_dev *pdev)
{
	struct task_struct *holder = kthread_run(lock_holder, pdev, "lock_holder");

	while (!IS_ERR(holder) && !mutex_is_locked(&pdev->dev.mutex))
		msleep(20);
	return holder;
}

/* Call a function that wants the lock of a device, which it does not get: a signal. */
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

#endif /* __XEN_PCIBACK_FIXUP_TEST_THREADS_H__ */

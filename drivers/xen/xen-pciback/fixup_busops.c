// SPDX-License-Identifier: GPL-2.0
/*
 * Standing in for the ops of a bus.
 *
 * Both ways on which a guest reads the config space of an assigned device
 * meet in bus->ops->read(). For every bus with a function that is switched on,
 * we put ops of our own in the place of the bus's; their read() passes each
 * read down to the ops that were there ("lower") and lays the overlay over
 * what comes back.
 *
 * What the read path may rely on. It runs with any locks held, interrupts on
 * or off, and may be preempted anywhere between the load of bus->ops and the
 * return from read(): Linux reads config space without a lock on x86. So it
 * takes no lock, and everything that it can reach stays allocated until
 * fixup_wait_for_readers() has returned after our ops were taken off the bus.
 *
 * Others replace bus->ops too, and not all of them with care. aer_inject puts
 * back what it once found, whoever came in between, and stores to bus->ops
 * without pci_lock during each of its reads. Three rules follow:
 *
 *   - our ops are taken off only from the top. Below another module's, they
 *     stay as a mere passage, and keep this module loaded;
 *   - whether reads reach our ops is measured, by a real read;
 *   - memory is freed only when, a grace period after we left, reads do not
 *     reach our ops. What was below us is not looked at then: the module that
 *     it belongs to may be gone.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt pr_fmt

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "fixup_busops.h"
#include "fixup_kunit.h"
#include "fixup_overlay.h"

#if IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_TASKS_RCU)
#error "A preemptible kernel needs CONFIG_TASKS_RCU to free bus ops safely"
#endif

/* The eight functions of a device number (with ARI: of eight functions). */
struct fixup_slot {
	u8 added;		/* one bit a function; fixup_busops_lock */
	atomic_long_t hits[8];	/* reads answered with the changed type */
};

/**
 * struct fixup_bus - A bus whose ops we stand in for, or may have to
 * @node: in fixup_buses; first, for a short way of readers
 * @bus: the bus, counted
 * @ops: what bus->ops is while we stand in
 * @lower: what it was before; NULL until we first stand in. Written only
 *	while no reader can be in @ops
 * @below: a copy of *@lower, as it was then: what readers go on to
 * @flags_at: offset of the flags byte of each function whose overlay is on. For
 *	all others it is FIXUP_OVERLAY_NOWHERE, or PCI_VENDOR_ID while it is
 *	measured whether reads come to us: both are no place of a flags byte
 * @slot: the functions we know, by device number; written once
 * @next_free: links those that are about to be freed
 * @added: functions added; fixup_busops_lock
 * @on: functions whose overlay is on; fixup_busops_lock
 * @hooked: a read may come through @ops; holds a reference on this module.
 *	fixup_busops_lock
 * @doomed: to be freed unless it is used again; fixup_busops_lock
 * @reached: the probing task came through @ops; fixup_busops_lock
 */
struct fixup_bus {
	struct hlist_node node;
	struct pci_bus *bus;
	struct pci_ops ops;
	struct pci_ops *lower;
	struct pci_ops below;
	u8 flags_at[256];
	struct fixup_slot *slot[32];
	struct fixup_bus *next_free;
	unsigned int added;
	unsigned int on;
	bool hooked;
	bool doomed;
	bool reached;
};

/* Guards all of the above against all but the read path. */
static DEFINE_MUTEX(fixup_busops_lock);

/*
 * By bus number, which is unique within a segment: the look-up takes the same
 * time for any number of buses. Readers need no rcu_read_lock(): see the top
 * of the file.
 */
static struct hlist_head fixup_buses[256];

/*
 * The task that probes: its reads leave a mark in @reached, and are not changed.
 * fixup_busops_lock.
 */
static struct task_struct *fixup_prober;

static void fixup_reap_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(fixup_reaper, fixup_reap_work);

static struct fixup_bus *fixup_find(const struct pci_bus *bus)
{
	struct fixup_bus *fb;

	hlist_for_each_entry_rcu(fb, &fixup_buses[bus->number], node, true)
		if (fb->bus == bus)
			return fb;

	return NULL;
}

/*
 * The rest of fixup_read(), for a read over the flags byte. Takes @fb in place of
 * its bus, so that all fits into registers.
 */
static noinline int fixup_read_flags(struct fixup_bus *fb, unsigned int devfn,
				     int where, int size, u32 *val,
				     size_t index)
{
	u8 number = devfn;
	atomic_long_t *hits;
	u8 *flags;
	int ret;

	if (unlikely(READ_ONCE(fixup_prober) == current)) {
		fb->reached = true;
		return fb->below.read(fb->bus, devfn, where, size, val);
	}

	if (unlikely(!fixup_overlay_valid(where + (unsigned int)index)))
		return fb->below.read(fb->bus, devfn, where, size, val);

	hits = &fb->slot[number / 8]->hits[number % 8];
	flags = fixup_overlay_byte(val, index);
	/* Computed here, these two are all that is to be saved for later. */
	OPTIMIZER_HIDE_VAR(hits);
	OPTIMIZER_HIDE_VAR(flags);
	ret = fb->below.read(fb->bus, devfn, where, size, val);
	if (ret == PCIBIOS_SUCCESSFUL && fixup_overlay(flags))
		atomic_long_inc(hits);

	return ret;
}

/*
 * pci_ops.read of a bus that we stand in for: see the top of the file for
 * what may be done here. The flags byte's offset is loaded before the device
 * is read, so that a read that starts after the overlay was switched off is
 * never changed. Nearly all reads pass: nothing is to be saved for them.
 */
static int fixup_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	struct fixup_bus *fb = fixup_find(bus);
	unsigned int index;
	u8 flags_at;

	/* Somebody uses a copy of our ops on a bus that is not ours. */
	if (unlikely(!fb))
		return PCIBIOS_FUNC_NOT_SUPPORTED;

	/* Before the slot that it leads to, and before the device */
	flags_at = smp_load_acquire(&fb->flags_at[(u8)devfn]);
	index = fixup_overlay_index(flags_at, where);
	if (likely(index >= size))
		return fb->below.read(bus, devfn, where, size, val);

	return fixup_read_flags(fb, devfn, where, size, val, index);
}

/*
 * pci_ops.add_bus: a new bus inherits the ops of its parent, but it is not one
 * that we stand in for.
 */
static int fixup_add_bus(struct pci_bus *child)
{
	struct fixup_bus *fb = fixup_find(child->parent);

	if (!fb)
		return 0;

	if (child->ops == &fb->ops)
		pci_bus_set_ops(child, fb->lower);

	return fb->below.add_bus ? fb->below.add_bus(child) : 0;
}

/*
 * Wait for readers that may have loaded our ops, or a member of a chain of
 * fixup_buses. Tasks RCU waits for tasks that were preempted on their way, and
 * RCU for interrupts of an idle CPU, which Tasks RCU does not look at.
 */
static void fixup_wait_for_readers(void)
{
	synchronize_rcu_tasks();
	synchronize_rcu();
}

static struct fixup_slot *fixup_slot(struct pci_dev *pdev)
{
	struct fixup_bus *fb = fixup_find(pdev->bus);

	return fb ? fb->slot[PCI_SLOT(pdev->devfn)] : NULL;
}

/*
 * Read a register through whatever ops the bus has, on which our own change
 * nothing: that is the hardware view. To call lower->read() instead would be
 * to trust that the module it belongs to is still loaded. Does not wait while
 * config accesses are blocked, for the one who blocks them may want our lock.
 */
static int fixup_probe(struct fixup_bus *fb, unsigned int devfn, int where,
		       u16 *val)
{
	int ret;

	lockdep_assert_held(&fixup_busops_lock);

	fb->reached = false;
	WRITE_ONCE(fixup_prober, current);
	ret = pci_bus_read_config_word(fb->bus, devfn, where, val);
	WRITE_ONCE(fixup_prober, NULL);

	return pcibios_err_to_errno(ret);
}

/* Tell whether guests see what we make of a function that is switched on. */
static bool fixup_in_force(struct fixup_bus *fb, struct pci_dev *pdev)
{
	u16 val;

	fixup_probe(fb, pdev->devfn, pdev->pcie_cap + PCI_EXP_FLAGS, &val);
	return fb->reached;
}

/*
 * Tell whether reads come through our ops at all, by a register that no other
 * module answers itself. For a function of which guests see no change.
 */
static bool fixup_is_reached(struct fixup_bus *fb, unsigned int devfn)
{
	u8 flags_at = fb->flags_at[devfn];
	u16 val;

	WRITE_ONCE(fb->flags_at[devfn], PCI_VENDOR_ID);
	fixup_probe(fb, devfn, PCI_VENDOR_ID, &val);
	WRITE_ONCE(fb->flags_at[devfn], flags_at);

	return fb->reached;
}

/* Put our ops on top of those that the bus has. */
static int fixup_hook(struct fixup_bus *fb)
{
	struct pci_ops *top = READ_ONCE(fb->bus->ops);
	struct pci_ops *old;

	lockdep_assert_held(&fixup_busops_lock);

	if (!fb->hooked && !try_module_get(THIS_MODULE))
		return -ENODEV;

	if (top == &fb->ops)
		goto out;

	/* The address may be that of another module by now. */
	if (top != fb->lower || memcmp(top, &fb->below, sizeof(*top))) {
		/* A reader from our last stay must not see a change. */
		if (fb->lower)
			fixup_wait_for_readers();

		/* Whole: pci_generic_config_read() calls ops->map_bus(). */
		fb->below = *top;
		fb->ops = *top;
		fb->ops.read = fixup_read;
		fb->ops.add_bus = fixup_add_bus;
		fb->lower = top;
	}

	smp_wmb();	/* Readers reach *fb through bus->ops. */
	old = pci_bus_set_ops(fb->bus, &fb->ops);
	if (old != top) {
		/* Another module was faster: leave it in its place. */
		pci_bus_set_ops(fb->bus, old);
		if (!fb->hooked)
			module_put(THIS_MODULE);
		return -EAGAIN;
	}

out:
	fb->hooked = true;
	return 0;
}

/* Take our ops off the bus, if they are on top. */
static bool fixup_unhook(struct fixup_bus *fb)
{
	struct pci_ops *old;

	lockdep_assert_held(&fixup_busops_lock);

	if (READ_ONCE(fb->bus->ops) != &fb->ops)
		return false;

	old = pci_bus_set_ops(fb->bus, fb->lower);
	if (old != &fb->ops) {
		/* Another module was faster: it stays above us. */
		pci_bus_set_ops(fb->bus, old);
		return false;
	}

	return true;
}

/* No read comes through our ops any more. */
static void fixup_unhooked(struct fixup_bus *fb)
{
	lockdep_assert_held(&fixup_busops_lock);

	fb->hooked = false;
	module_put(THIS_MODULE);
}

static void fixup_overlay_off(struct fixup_bus *fb, struct pci_dev *pdev)
{
	u8 *flags_at = &fb->flags_at[pdev->devfn];

	lockdep_assert_held(&fixup_busops_lock);

	if (*flags_at == FIXUP_OVERLAY_NOWHERE)
		return;

	WRITE_ONCE(*flags_at, FIXUP_OVERLAY_NOWHERE);
	if (--fb->on || !fb->hooked)
		return;

	/* If reads do not reach us, a module below has dropped our ops. */
	if (fixup_unhook(fb) || !fixup_is_reached(fb, pdev->devfn)) {
		fixup_unhooked(fb);
	} else {
		pci_notice(pdev, "another module has put its ops above ours on bus %s; this module cannot be unloaded before that one\n",
			   dev_name(&fb->bus->dev));
		queue_delayed_work(system_long_wq, &fixup_reaper, HZ);
	}
}

static int fixup_overlay_on(struct fixup_bus *fb, struct pci_dev *pdev)
{
	u8 *flags_at = &fb->flags_at[pdev->devfn];
	int ret;

	lockdep_assert_held(&fixup_busops_lock);

	if (*flags_at == FIXUP_OVERLAY_NOWHERE) {
		/* Behind the slot, for fixup_read_flags() */
		smp_store_release(flags_at, pdev->pcie_cap + PCI_EXP_FLAGS);
		fb->on++;
	}

	if (fb->hooked && fixup_in_force(fb, pdev))
		return 0;

	/*
	 * Not there yet, or dropped by a module below us: unless it is one
	 * above that answers this register itself, and comes to us for others.
	 */
	if (fb->hooked && fixup_is_reached(fb, pdev->devfn))
		ret = -EIO;
	else
		ret = fixup_hook(fb);
	if (!ret && !fixup_in_force(fb, pdev))
		ret = -EIO;
	if (ret)
		fixup_overlay_off(fb, pdev);

	return ret;
}

/**
 * fixup_busops_add() - Prepare to change what guests read from a function
 * @pdev: an Endpoint or Legacy Endpoint; kept by the caller until
 *	fixup_busops_del()
 *
 * Allocates what the function's bus and the function need, so that switching
 * on and off needs no memory. The overlay is off at first.
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 *
 * Return: 0, also if the function was added before, or -ENOMEM.
 */
int fixup_busops_add(struct pci_dev *pdev)
{
	unsigned int fn = PCI_FUNC(pdev->devfn);
	struct fixup_bus *fb, *new_fb = NULL;
	struct fixup_slot **slot;
	int ret = -ENOMEM;

	might_sleep();
	mutex_lock(&fixup_busops_lock);

	fb = fixup_find(pdev->bus);
	if (!fb) {
		new_fb = kzalloc(sizeof(*new_fb), GFP_KERNEL);
		if (!new_fb)
			goto out;
		new_fb->bus = pdev->bus;
		memset(new_fb->flags_at, FIXUP_OVERLAY_NOWHERE,
		       sizeof(new_fb->flags_at));
		fb = new_fb;
	}

	slot = &fb->slot[PCI_SLOT(pdev->devfn)];
	if (!*slot) {
		struct fixup_slot *new_slot;

		new_slot = kzalloc(sizeof(*new_slot), GFP_KERNEL);
		if (!new_slot) {
			kfree(new_fb);
			goto out;
		}
		/* Readers look at it when they find the overlay on. */
		WRITE_ONCE(*slot, new_slot);
	}

	if (new_fb) {
		get_device(&new_fb->bus->dev);
		hlist_add_head_rcu(&new_fb->node,
				   &fixup_buses[new_fb->bus->number]);
	}

	if (!((*slot)->added & BIT(fn))) {
		(*slot)->added |= BIT(fn);
		atomic_long_set(&(*slot)->hits[fn], 0);
		fb->added++;
	}
	fb->doomed = false;	/* fixup_reap() may be waiting */
	ret = 0;

out:
	mutex_unlock(&fixup_busops_lock);
	return ret;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_add);

/**
 * fixup_busops_del() - Forget a function, with its overlay switched off
 * @pdev: a function that was added
 *
 * When this returns, no read that starts then is changed. Memory is freed
 * later, after a grace period.
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 */
void fixup_busops_del(struct pci_dev *pdev)
{
	struct fixup_bus *fb;

	might_sleep();
	mutex_lock(&fixup_busops_lock);

	fb = fixup_find(pdev->bus);
	fixup_overlay_off(fb, pdev);
	fb->slot[PCI_SLOT(pdev->devfn)]->added &= ~BIT(PCI_FUNC(pdev->devfn));
	if (!--fb->added)
		mod_delayed_work(system_long_wq, &fixup_reaper, 0);

	mutex_unlock(&fixup_busops_lock);
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_del);

/**
 * fixup_busops_has() - Tell whether a function was added
 * @pdev: any PCI function
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 *
 * Return: true between fixup_busops_add() and fixup_busops_del().
 */
bool fixup_busops_has(struct pci_dev *pdev)
{
	struct fixup_slot *slot;
	bool has;

	mutex_lock(&fixup_busops_lock);
	slot = fixup_slot(pdev);
	has = slot && slot->added & BIT(PCI_FUNC(pdev->devfn));
	mutex_unlock(&fixup_busops_lock);

	return has;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_has);

/**
 * fixup_busops_switch() - Switch the overlay of a function on or off
 * @pdev: a function that was added
 * @on: true for on
 *
 * To switch on what is on already measures whether the overlay is in force,
 * and mends it where a module below us has dropped our ops. To switch off
 * waits for no grace period; a read that starts after the return is not
 * changed.
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 *
 * Return: 0; -ENODEV if this module is being unloaded; -EAGAIN if another
 * module replaced the ops of the bus at the same moment; -EIO if reads do not
 * come to us, because another module above does not pass them on. On failure
 * the overlay is off. Switching off does not fail.
 */
int fixup_busops_switch(struct pci_dev *pdev, bool on)
{
	struct fixup_bus *fb;
	int ret = 0;

	might_sleep();
	mutex_lock(&fixup_busops_lock);

	fb = fixup_find(pdev->bus);
	if (on)
		ret = fixup_overlay_on(fb, pdev);
	else
		fixup_overlay_off(fb, pdev);

	mutex_unlock(&fixup_busops_lock);
	return ret;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_switch);

/**
 * fixup_busops_is_on() - Tell whether the overlay of a function is on
 * @pdev: a function that was added
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 *
 * Return: true if it was switched on. What guests see is to be measured: see
 * fixup_busops_guest_flags().
 */
bool fixup_busops_is_on(struct pci_dev *pdev)
{
	bool on;

	mutex_lock(&fixup_busops_lock);
	on = fixup_find(pdev->bus)->flags_at[pdev->devfn] != FIXUP_OVERLAY_NOWHERE;
	mutex_unlock(&fixup_busops_lock);

	return on;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_is_on);

/**
 * fixup_busops_hits() - Count the reads that were changed
 * @pdev: a function that was added
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 *
 * Return: number of reads answered with the changed type since the function
 * was added.
 */
unsigned long fixup_busops_hits(struct pci_dev *pdev)
{
	unsigned long hits;

	mutex_lock(&fixup_busops_lock);
	hits = atomic_long_read(&fixup_slot(pdev)->hits[PCI_FUNC(pdev->devfn)]);
	mutex_unlock(&fixup_busops_lock);

	return hits;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_hits);

/**
 * fixup_busops_guest_flags() - Read PCI_EXP_FLAGS as a guest would
 * @pdev: a function that was added
 * @flags: the register
 *
 * Context: Process context. May sleep, while config accesses to the device
 * are blocked.
 *
 * Return: 0, or the error of pci_user_read_config_word().
 */
int fixup_busops_guest_flags(struct pci_dev *pdev, u16 *flags)
{
	/* On the way that QEMU's reads take. */
	return pci_user_read_config_word(pdev, pdev->pcie_cap + PCI_EXP_FLAGS,
					 flags);
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_guest_flags);

/**
 * fixup_busops_hardware_flags() - Read PCI_EXP_FLAGS as the hardware has it
 * @pdev: a function that was added
 * @flags: the register
 *
 * Context: Process context. May sleep. Takes fixup_busops_lock.
 *
 * Return: 0, or the error of the read. A device that is gone reads all ones.
 */
int fixup_busops_hardware_flags(struct pci_dev *pdev, u16 *flags)
{
	int ret;

	mutex_lock(&fixup_busops_lock);
	ret = fixup_probe(fixup_find(pdev->bus), pdev->devfn,
			  pdev->pcie_cap + PCI_EXP_FLAGS, flags);
	mutex_unlock(&fixup_busops_lock);

	return ret;
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_hardware_flags);

static void fixup_free(struct fixup_bus *fb)
{
	int i;

	put_device(&fb->bus->dev);
	for (i = 0; i < ARRAY_SIZE(fb->slot); i++)
		kfree(fb->slot[i]);
	kfree(fb);
}

/*
 * Tell whether a bus that we have left, at least a grace period ago, can be
 * forgotten: reads do not come to us. A bus that was removed is not read.
 */
static bool fixup_is_free(struct fixup_bus *fb)
{
	return !fb->lower || !device_is_registered(&fb->bus->dev) ||
	       !fixup_is_reached(fb, 0);
}

/*
 * Leave the buses that a module above us kept us from leaving, and free those
 * that no function needs. With @last, nothing may lead to our code after the
 * return. Returns true if something is left to be done later.
 */
static bool fixup_reap(bool last)
{
	struct fixup_bus *fb, *free = NULL;
	bool doomed = false, later = false;
	struct hlist_node *tmp;
	int i;

	mutex_lock(&fixup_busops_lock);
	for (i = 0; i < ARRAY_SIZE(fixup_buses); i++) {
		hlist_for_each_entry(fb, &fixup_buses[i], node) {
			if (fb->on)
				continue;
			/*
			 * Also if we had left: aer_inject, above us, may have
			 * put us back at the end of a read of its own.
			 */
			if (fixup_unhook(fb) && fb->hooked)
				fixup_unhooked(fb);
			if (fb->hooked && !last) {
				later = true;
			} else if (!fb->added) {
				fb->doomed = true;
				doomed = true;
			}
		}
	}
	mutex_unlock(&fixup_busops_lock);

	if (!doomed)
		return later;

	fixup_wait_for_readers();

	/*
	 * A new bus inherits ops and has its add_bus() called some sleeps later,
	 * so no flavour of RCU waits for it; but buses are added and removed
	 * with this lock held. It is taken first: under it, devices are bound
	 * and unbound, and come to us.
	 */
	pci_lock_rescan_remove();
	mutex_lock(&fixup_busops_lock);
	for (i = 0; i < ARRAY_SIZE(fixup_buses); i++) {
		hlist_for_each_entry_safe(fb, tmp, &fixup_buses[i], node) {
			if (!fb->doomed)
				continue;
			if (fixup_is_free(fb)) {
				hlist_del_rcu(&fb->node);
				fb->next_free = free;
				free = fb;
			} else if (!last) {
				later = true;
			} else {
				/*
				 * Another module holds on to our ops. Make
				 * them a mere copy of those below, and give up
				 * the memory.
				 */
				fb->ops = fb->below;
				dev_warn(&fb->bus->dev, "another module still uses our ops; their memory is not freed\n");
			}
		}
	}
	mutex_unlock(&fixup_busops_lock);
	pci_unlock_rescan_remove();

	/* Readers on other buses may be standing on those just removed. */
	fixup_wait_for_readers();

	while (free) {
		fb = free;
		free = fb->next_free;
		fixup_free(fb);
	}

	return later;
}

static void fixup_reap_work(struct work_struct *work)
{
	if (fixup_reap(false))
		queue_delayed_work(system_long_wq, &fixup_reaper, HZ);
}

/**
 * fixup_busops_exit() - Wait until nothing leads to this module any more
 *
 * All functions must have been removed with fixup_busops_del(), and none may
 * be added again.
 *
 * Context: Process context. Sleeps for some grace periods. Takes
 * pci_lock_rescan_remove(), so it must not be held.
 */
void fixup_busops_exit(void)
{
	cancel_delayed_work_sync(&fixup_reaper);
	fixup_reap(true);
}
EXPORT_SYMBOL_FOR_KUNIT(fixup_busops_exit);

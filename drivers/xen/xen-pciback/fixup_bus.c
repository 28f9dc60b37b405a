// SPDX-License-Identifier: GPL-2.0
/*
 * Standing in for the ops of a bus. Both ways on which a guest reads the config
 * space of an assigned device meet in bus->ops->read(). When the first function
 * of a bus is switched on, our ops replace those of the bus. Their read() passes
 * each read on to the host bridge's ops and applies the overlay to the answer.
 *
 *   - Below us are always the host bridge's own ops. A bus with other ops is
 *     refused. So a read goes from us to the bridge and never round. These ops
 *     stay while the bus is there, and may be gone after it: we keep a copy.
 *   - A bus is taken once, and left only when this module goes. Switching off
 *     only clears the flags byte's offset: it waits for nothing.
 *
 * The read path may be called with any locks held and interrupts off, and be
 * preempted after the load of bus->ops: x86 reads config space without a lock.
 * It takes none, and reaches nothing that is freed before the module goes.
 */

#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hashtable.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "fixup_bus.h"
#include "fixup_overlay.h"

/*
 * A bus number of a domain. The next bus of that number uses it again, unless the
 * host bridge has other ops then: what readers call does not change below them.
 */
struct fixup_bus {
	struct hlist_node node;		/* in fixup_buses */
	int domain;
	struct pci_ops ops;		/* replace those of the bus */
	struct pci_ops lower;		/* a copy of the host bridge's */
	struct pci_ops *bridge_ops;	/* these; may be gone with the bus */
	struct pci_bus *bus;		/* has had our ops, counted; or NULL */
	struct xen_pcibk_fixup_fn fn[256];
};

/* By bus number; the newest of a domain comes first. Entries are only added. */
static DEFINE_HASHTABLE(fixup_buses, 8);

/* Not held across config reads that wait, nor while a sysfs directory goes. */
DEFINE_MUTEX(xen_pcibk_fixup_lock);

/* The host bridge's own ops for a bus, as pci_alloc_child_bus() chooses them */
static struct pci_ops *fixup_bridge_ops(struct pci_bus *bus)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(bus);

	return bridge->child_ops && !pci_is_root_bus(bus) ? bridge->child_ops : bridge->ops;
}

/* For a bus that we have not taken: others may have copied our ops. */
static noinline int fixup_read_bridge(struct pci_bus *bus, unsigned int devfn,
				      int where, int size, u32 *val)
{
	return fixup_bridge_ops(bus)->read(bus, devfn, where, size, val);
}

/*
 * For a read that covers the flags byte. Its offset is loaded before the device is
 * read: a read that starts after the function was switched off is not changed.
 */
static noinline int fixup_read_flags(struct pci_bus *bus, unsigned int devfn,
				     int where, int size, u32 *val,
				     struct fixup_bus *fb)
{
	unsigned int index = fixup_index(READ_ONCE(fb->fn[(u8)devfn].flags_end), where);
	int ret = fb->lower.read(bus, devfn, where, size, val);

	if (ret == PCIBIOS_SUCCESSFUL && index < size && fixup_overlay(val, index))
		atomic_inc(&fb->fn[(u8)devfn].hits);
	return ret;
}

/* pci_ops.read: see the top of the file. Nearly all reads pass. */
static int fixup_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	struct fixup_bus *fb;

	hlist_for_each_entry_rcu(fb, &fixup_buses[bus->number], node, true)
		if (smp_load_acquire(&fb->bus) == bus) /* pairs with fixup_take() */
			break;

	if (unlikely(!fb))
		return fixup_read_bridge(bus, devfn, where, size, val);
	if (likely(fixup_index(READ_ONCE(fb->fn[(u8)devfn].flags_end), where) >= size))
		return fb->lower.read(bus, devfn, where, size, val);

	return fixup_read_flags(bus, devfn, where, size, val, fb);
}

/* pci_ops.add_bus: a new bus has inherited our ops, but is not taken. */
static int fixup_add_bus(struct pci_bus *child)
{
	pci_bus_set_ops(child, fixup_bridge_ops(child));
	return child->ops->add_bus ? child->ops->add_bus(child) : 0;
}

/**
 * xen_pcibk_fixup_find() - Find what is known of a function
 * @pdev: any PCI function
 *
 * Context: Any.
 * Return: it, or NULL if there is nothing.
 */
struct xen_pcibk_fixup_fn *xen_pcibk_fixup_find(struct pci_dev *pdev)
{
	struct fixup_bus *fb;

	hlist_for_each_entry_rcu(fb, &fixup_buses[pdev->bus->number], node, true)
		if (fb->domain == pci_domain_nr(pdev->bus))
			return &fb->fn[pdev->devfn];
	return NULL;
}

/**
 * xen_pcibk_fixup_record() - Find what is known of a function, or begin a record
 * @pdev: a function that is bound
 *
 * Context: Process context, xen_pcibk_fixup_lock held. May sleep.
 * Return: what is known, or NULL if out of memory.
 */
struct xen_pcibk_fixup_fn *xen_pcibk_fixup_record(struct pci_dev *pdev)
{
	struct pci_ops *bridge_ops = fixup_bridge_ops(pdev->bus);
	struct xen_pcibk_fixup_fn *fn = xen_pcibk_fixup_find(pdev);
	struct fixup_bus *fb, *old;
	int i;

	lockdep_assert_held(&xen_pcibk_fixup_lock);

	old = fn ? container_of(fn, struct fixup_bus, fn[pdev->devfn]) : NULL;
	if (old && old->bridge_ops == bridge_ops &&
	    !memcmp(&old->lower, bridge_ops, sizeof(*bridge_ops)))
		return fn;

	fb = kzalloc(sizeof(*fb), GFP_KERNEL);
	if (!fb)
		return NULL;

	fb->domain = pci_domain_nr(pdev->bus);
	fb->bridge_ops = bridge_ops;
	fb->lower = *bridge_ops;
	/* Whole: pci_generic_config_read() calls bus->ops->map_bus(). */
	fb->ops = *bridge_ops;
	fb->ops.read = fixup_read;
	fb->ops.add_bus = fixup_add_bus;
	for (i = 0; old && i < ARRAY_SIZE(fb->fn); i++)
		fb->fn[i].written = old->fn[i].written;
	/* Pairs with the address dependency in xen_pcibk_fixup_find(). */
	hlist_add_head_rcu(&fb->node, &fixup_buses[pdev->bus->number]);
	return &fb->fn[pdev->devfn];
}

/*
 * Replace the ops of a bus by ours if they are the bridge's, or a plain copy that
 * this module has left behind when it was last unloaded. Unlike pci_bus_set_ops(),
 * cmpxchg() never replaces ops that another module has just put there. It is a
 * full barrier: a reader that sees our ops sees their contents.
 */
static void fixup_take(struct fixup_bus *fb, struct pci_bus *bus)
{
	struct pci_ops *top;

	/* Another module's ops can be looked at: free_module() waits for RCU. */
	rcu_read_lock();
	top = READ_ONCE(bus->ops);
	if (memcmp(top, &fb->lower, sizeof(*top)))
		top = NULL;	/* as no bus has it: nothing is replaced */
	rcu_read_unlock();

	if (fb->bus && fb->bus != bus) {
		/* The bus that had this number before was removed. */
		cmpxchg(&fb->bus->ops, &fb->ops, fb->bridge_ops);
		put_device(&fb->bus->dev);
		WRITE_ONCE(fb->bus, NULL);
	}
	if (cmpxchg(&bus->ops, top, &fb->ops) == top && !fb->bus) {
		get_device(&bus->dev);
		/* Until then readers ask the bridge. Pairs with fixup_read(). */
		smp_store_release(&fb->bus, bus);
	}
}

/**
 * xen_pcibk_fixup_off() - Switch a function off
 * @pdev: a function that was recorded
 *
 * Waits for nothing; a read that starts after the return is not changed.
 *
 * Context: Process context, xen_pcibk_fixup_lock held.
 */
void xen_pcibk_fixup_off(struct pci_dev *pdev)
{
	struct xen_pcibk_fixup_fn *fn = xen_pcibk_fixup_find(pdev);

	lockdep_assert_held(&xen_pcibk_fixup_lock);

	if (fn->flags_end)
		module_put(THIS_MODULE);
	WRITE_ONCE(fn->flags_end, 0);
}

/**
 * xen_pcibk_fixup_on() - Switch a function on, and measure that it is in force
 * @pdev: a function that was recorded
 *
 * Takes the bus, also if another module has dropped our ops. On failure all is
 * as it was, and the log says why. What is on holds a reference on this module.
 *
 * Context: Process context, xen_pcibk_fixup_lock held. May sleep.
 * Return: 0; -EBUSY if another module has replaced the ops of the bus; -EIO if
 * reads do not come to us; -ENODEV if this module is being unloaded.
 */
int xen_pcibk_fixup_on(struct pci_dev *pdev)
{
	struct xen_pcibk_fixup_fn *fn = xen_pcibk_fixup_find(pdev);
	struct fixup_bus *fb = container_of(fn, struct fixup_bus, fn[pdev->devfn]);
	bool was_on = fn->flags_end;
	struct pci_ops *top;
	u16 flags, type;
	int ret = 0;

	lockdep_assert_held(&xen_pcibk_fixup_lock);

	if (!was_on && !try_module_get(THIS_MODULE))
		return -ENODEV;

	WRITE_ONCE(fn->flags_end, pdev->pcie_cap + PCI_EXP_FLAGS + 1);
	fixup_take(fb, pdev->bus);

	/*
	 * This does not wait while config access is blocked: whoever blocks it
	 * may need our lock. A device that does not answer then shows neither
	 * type, and is switched on only if our ops are on top.
	 */
	pci_bus_read_config_word(pdev->bus, pdev->devfn, pdev->pcie_cap + PCI_EXP_FLAGS, &flags);
	type = FIELD_GET(PCI_EXP_FLAGS_TYPE, flags);

	rcu_read_lock();	/* as in fixup_take() */
	top = READ_ONCE(pdev->bus->ops);
	if (type != PCI_EXP_TYPE_RC_END &&
	    (top != &fb->ops || fixup_is_endpoint_type(type))) {
		ret = top == &fb->ops || top == fb->bridge_ops ? -EIO : -EBUSY;
		pci_err(pdev, "not shown as an RCiEP: reads of bus %s go to %ps; unload the module that replaced its ops, then write 1 to rciep again\n",
			dev_name(&pdev->bus->dev), top->read);
	}
	rcu_read_unlock();

	if (!was_on && ret)
		xen_pcibk_fixup_off(pdev);
	else if (!was_on)
		pci_info(pdev, "PCI_EXP_FLAGS is %#06x, guests read %#06x\n",
			 pdev->pcie_flags_reg, flags);

	return ret;
}

/**
 * xen_pcibk_fixup_leave() - Give all buses back, and wait for readers
 *
 * Nothing leads to code of this module after the return. Ops that another
 * module still holds are left in memory; they lead to the bridge.
 *
 * Context: Process context, all functions off for good. Waits for RCU grace
 * periods. Takes pci_lock_rescan_remove().
 */
void xen_pcibk_fixup_leave(void)
{
	struct hlist_node *next;
	struct fixup_bus *fb;
	int i;

	/* Under it, each new bus that inherits ops also gets its add_bus(). */
	pci_lock_rescan_remove();
	hash_for_each(fixup_buses, i, fb, node) {
		WRITE_ONCE(fb->ops.read, fb->lower.read);
		WRITE_ONCE(fb->ops.add_bus, fb->lower.add_bus);
		if (fb->bus)
			cmpxchg(&fb->bus->ops, &fb->ops, fb->bridge_ops);
	}
	pci_unlock_rescan_remove();

	/* Tasks RCU waits for preempted readers, RCU for interrupts in idle CPUs. */
	BUILD_BUG_ON(IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_TASKS_RCU));
	synchronize_rcu_tasks();
	synchronize_rcu();

	hash_for_each_safe(fixup_buses, i, next, fb, node) {
		struct pci_bus *bus = fb->bus;

		hash_del(&fb->node);
		if (!bus || READ_ONCE(bus->ops) == fb->bridge_ops) {
			kfree(fb);
		} else {
			dev_warn(&bus->dev, "another module may still hold the ops of this module: their memory is not freed\n");
			kmemleak_ignore(fb);
		}
		put_device(bus ? &bus->dev : NULL);
	}
}

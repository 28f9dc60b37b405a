// SPDX-License-Identifier: GPL-2.0
/*
 * Standing in for the ops of a bus. Both ways on which a guest reads the config
 * space of an assigned device meet in bus->ops->read(). When the first function
 * of a bus is switched on, our ops replace those of the bus. Their read() passes
 * each read on to the host bridge's ops and applies the overlay to the answer.
 *
 *   - What is below us are the host bridge's own ops, always. A bus with other
 *     ops is refused. So a read goes from us to the bridge and never round, and
 *     what we call cannot go away while the bus is there.
 *   - A bus is taken once, and left only when this module goes. Switching off
 *     is to forget where the flags byte is: it waits for nothing.
 *
 * The read path may be called with any locks held and interrupts off, and be
 * preempted after the load of bus->ops: x86 reads config space without a lock.
 * It takes none, and reaches nothing that is freed before the module goes.
 */

#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "fixup_bus.h"
#include "fixup_overlay.h"

/* A bus number of a domain; the next bus of that number uses it again. */
struct fixup_bus {
	struct hlist_node node;		/* in fixup_buses */
	int domain;
	struct pci_ops ops;		/* replace those of the bus */
	struct pci_ops *lower;		/* the host bridge's */
	struct pci_bus *bus;		/* taken last, counted; or NULL */
	struct xen_pcibk_fixup_fn fn[256];
};

/* By bus number, which is unique in a domain. Entries are only added. */
static struct hlist_head fixup_buses[256];

/* Not held across config reads that wait, nor while a sysfs directory goes. */
DEFINE_MUTEX(xen_pcibk_fixup_lock);

static struct fixup_bus *fixup_find_bus(struct pci_bus *bus)
{
	struct fixup_bus *fb;

	hlist_for_each_entry_rcu(fb, &fixup_buses[bus->number], node, true)
		if (fb->domain == pci_domain_nr(bus))
			return fb;

	return NULL;
}

static int fixup_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val);

/* The host bridge's own ops for a bus, as pci_alloc_child_bus() chooses them */
static struct pci_ops *fixup_bridge_ops(struct pci_bus *bus)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(bus);
	struct pci_ops *ops = !pci_is_root_bus(bus) && bridge->child_ops ?
			      bridge->child_ops : bridge->ops;

	/* ibmphp makes a host bridge with the ops that it finds on a bus. */
	if (ops->read == fixup_read)
		ops = container_of(ops, struct fixup_bus, ops)->lower;

	return ops;
}

/* For a bus that we have not taken: others may have copied our ops. */
static noinline int fixup_read_bridge(struct pci_bus *bus, unsigned int devfn,
				      int where, int size, u32 *val)
{
	return fixup_bridge_ops(bus)->read(bus, devfn, where, size, val);
}

/* For a read that covers the flags byte */
static noinline int fixup_read_flags(struct fixup_bus *fb, unsigned int devfn,
				     int where, int size, u32 *val,
				     unsigned int index)
{
	int ret = fb->lower->read(READ_ONCE(fb->bus), devfn, where, size, val);

	if (ret == PCIBIOS_SUCCESSFUL && fixup_overlay(val, index))
		atomic_long_inc(&fb->fn[(u8)devfn].hits);

	return ret;
}

/*
 * pci_ops.read: see the top of the file for what may be done here. Where the
 * flags byte is, is loaded before the device is read: a read that starts after
 * the function was switched off is not changed. Nearly all reads pass.
 */
static int fixup_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	struct fixup_bus *fb;
	unsigned int index;

	hlist_for_each_entry_rcu(fb, &fixup_buses[bus->number], node, true)
		if (smp_load_acquire(&fb->bus) == bus) /* pairs with fixup_take() */
			break;

	if (unlikely(!fb))
		return fixup_read_bridge(bus, devfn, where, size, val);

	index = fixup_index(READ_ONCE(fb->fn[(u8)devfn].flags_end), where);
	if (likely(index >= size))
		return fb->lower->read(bus, devfn, where, size, val);

	return fixup_read_flags(fb, devfn, where, size, val, index);
}

/* pci_ops.add_bus: a new bus has inherited our ops, but is not taken. */
static int fixup_add_bus(struct pci_bus *child)
{
	struct pci_ops *lower = fixup_bridge_ops(child);

	if (child->ops->add_bus == fixup_add_bus)
		pci_bus_set_ops(child, lower);

	return lower->add_bus ? lower->add_bus(child) : 0;
}

/**
 * xen_pcibk_fixup_find() - Find what is known of a function
 * @pdev: any PCI function
 * @make: make it if there is nothing yet
 *
 * Context: Any. With @make, process context with xen_pcibk_fixup_lock held; may
 * sleep.
 *
 * Return: it, or NULL if there is nothing, or with @make if out of memory.
 */
struct xen_pcibk_fixup_fn *xen_pcibk_fixup_find(struct pci_dev *pdev, bool make)
{
	struct fixup_bus *fb = fixup_find_bus(pdev->bus);

	if (!fb && make) {
		lockdep_assert_held(&xen_pcibk_fixup_lock);

		fb = kzalloc(sizeof(*fb), GFP_KERNEL);
		if (!fb)
			return NULL;
		fb->domain = pci_domain_nr(pdev->bus);
		/* Pairs with the address dependency in fixup_find_bus(). */
		hlist_add_head_rcu(&fb->node, &fixup_buses[pdev->bus->number]);
	}

	return fb ? &fb->fn[pdev->devfn] : NULL;
}

/*
 * Replace the ops of a bus by ours if they are the bridge's, or a plain copy,
 * which this module may have left behind when it was last unloaded. Unlike
 * pci_bus_set_ops(), cmpxchg() never replaces what another module has put there
 * just now. It is a full barrier: who finds our ops finds what is in them.
 */
static void fixup_take(struct fixup_bus *fb, struct pci_bus *bus)
{
	struct pci_ops *top = READ_ONCE(bus->ops);

	if (fb->bus != bus) {
		/* The bus that had this number before was removed. */
		if (fb->bus) {
			cmpxchg(&fb->bus->ops, &fb->ops, fb->lower);
			put_device(&fb->bus->dev);
		}
		fb->lower = fixup_bridge_ops(bus);
		/* Whole: pci_generic_config_read() calls bus->ops->map_bus(). */
		fb->ops = *fb->lower;
		fb->ops.read = fixup_read;
		fb->ops.add_bus = fixup_add_bus;
		get_device(&bus->dev);
		/* Pairs with the acquire in fixup_read(). */
		smp_store_release(&fb->bus, bus);
	}

	if (!memcmp(top, fb->lower, sizeof(*top)))
		cmpxchg(&bus->ops, top, &fb->ops);
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
	struct xen_pcibk_fixup_fn *fn = xen_pcibk_fixup_find(pdev, false);

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
 *
 * Return: 0; -EBUSY if another module has replaced the ops of the bus; -EIO if
 * reads do not come to us; -ENODEV if this module is being unloaded.
 */
int xen_pcibk_fixup_on(struct pci_dev *pdev)
{
	struct fixup_bus *fb = fixup_find_bus(pdev->bus);
	struct xen_pcibk_fixup_fn *fn = &fb->fn[pdev->devfn];
	bool was_on = fn->flags_end;
	struct pci_ops *top;
	u16 flags, type;

	lockdep_assert_held(&xen_pcibk_fixup_lock);

	if (!was_on && !try_module_get(THIS_MODULE))
		return -ENODEV;

	WRITE_ONCE(fn->flags_end, pdev->pcie_cap + PCI_EXP_FLAGS + 1);
	fixup_take(fb, pdev->bus);

	/*
	 * Through whatever ops the bus has, and without waiting while config
	 * access is blocked: who blocks it may want our lock. A device that does
	 * not answer then has another type; that our ops are on top has to do.
	 */
	pci_bus_read_config_word(pdev->bus, pdev->devfn,
				 pdev->pcie_cap + PCI_EXP_FLAGS, &flags);
	type = FIELD_GET(PCI_EXP_FLAGS_TYPE, flags);
	top = READ_ONCE(pdev->bus->ops);
	if (type == PCI_EXP_TYPE_RC_END ||
	    (top == &fb->ops && !fixup_is_endpoint_type(type))) {
		if (!was_on)
			pci_info(pdev, "PCI_EXP_FLAGS is %#06x, guests read %#06x\n",
				 pdev->pcie_flags_reg, flags);
		return 0;
	}

	if (!was_on)
		xen_pcibk_fixup_off(pdev);
	pci_err(pdev, "not shown as an RCiEP: reads of bus %s go to %ps; unload the module that replaced its ops, then write 1 to rciep again\n",
		dev_name(&pdev->bus->dev), top->read);
	return top == &fb->ops || top == fb->lower ? -EIO : -EBUSY;
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
	for (i = 0; i < ARRAY_SIZE(fixup_buses); i++) {
		hlist_for_each_entry(fb, &fixup_buses[i], node) {
			if (!fb->bus)
				continue;
			WRITE_ONCE(fb->ops.read, fb->lower->read);
			WRITE_ONCE(fb->ops.add_bus, fb->lower->add_bus);
			cmpxchg(&fb->bus->ops, &fb->ops, fb->lower);
		}
	}
	pci_unlock_rescan_remove();

	/* Tasks RCU waits for preempted readers, RCU for interrupts in idle CPUs. */
	BUILD_BUG_ON(IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_TASKS_RCU));
	synchronize_rcu_tasks();
	synchronize_rcu();

	for (i = 0; i < ARRAY_SIZE(fixup_buses); i++) {
		hlist_for_each_entry_safe(fb, next, &fixup_buses[i], node) {
			struct pci_bus *bus = fb->bus;

			hlist_del(&fb->node);
			if (!bus || READ_ONCE(bus->ops) == fb->lower) {
				kfree(fb);
			} else {
				dev_warn(&bus->dev, "another module may still hold the ops of this module: their memory is not freed\n");
				kmemleak_ignore(fb);
			}
			put_device(bus ? &bus->dev : NULL);
		}
	}
}

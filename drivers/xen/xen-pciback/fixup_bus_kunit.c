// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests: standing in for the ops of real struct pci_bus below the simulated
 * host bridge, beside other modules that do the same, and while readers run.
 */

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/kthread.h>

#include "fixup_bus.h"
#include "fixup_kunit.h"
#include "fixup_kunit_bridge.h"

/* Another module's ops, and those that it has found on the bus */
static struct pci_ops *other_saved;

static enum other_way {
	OTHER_PASSES,	/* reads on to those that it has found */
	OTHER_SWAPS,	/* and puts these back meanwhile, as aer_inject does */
	OTHER_RESTORES,	/* puts them back for good, and reads from the bridge itself */
} other_way;

static int other_read(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 *val)
{
	struct pci_ops *mine = bus->ops;
	int ret;

	if (other_way != OTHER_PASSES)
		bus->ops = other_saved;
	if (other_way == OTHER_RESTORES)
		return fake_read(bus, devfn, where, size, val);
	ret = other_saved->read(bus, devfn, where, size, val);
	if (other_way == OTHER_SWAPS)
		bus->ops = mine;
	return ret;
}

static struct pci_ops other_ops = {
	.read = other_read,
	.write = sim_write,
};

static void other_comes(struct pci_dev *pdev, enum other_way way)
{
	other_way = way;
	other_saved = pci_bus_set_ops(pdev->bus, &other_ops);
}

static void other_goes(struct pci_dev *pdev)
{
	pci_bus_set_ops(pdev->bus, other_saved);
}

static void bus_on_and_off(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	struct pci_ops *ours;

	KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
	fake_bind(test, pdev);
	KUNIT_EXPECT_TRUE(test, is_attached(test, pdev));
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);

	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "1"), 0);
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0092);
	KUNIT_EXPECT_STREQ(test, show(pdev, "hardware_flags"), "0x0002\n");
	expect_on(test, pdev, true);

	/* The bus is not left, and the other members are those of the bridge. */
	ours = pdev->bus->ops;
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, ours);
	KUNIT_EXPECT_PTR_NE(test, ours, &fake_ops);
	KUNIT_EXPECT_PTR_EQ(test, ours->write, fake_ops.write);
	KUNIT_EXPECT_PTR_EQ(test, ours->map_bus, fake_ops.map_bus);
	expect_on(test, pdev, false);
	KUNIT_EXPECT_TRUE(test, is_attached(test, pdev));
	fake_unbind(pdev);
	KUNIT_EXPECT_FALSE(test, is_attached(test, pdev));
}

static void bus_twice(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	switch_on(test, pdev);
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0092);
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_ASSERT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0002);

	/* Other values change nothing. */
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "2"), -EINVAL);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "2"), -EINVAL);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
}

static void bus_legacy_and_last(struct kunit *test)
{
	switch_on(test, fake.legacy);
	KUNIT_EXPECT_STREQ(test, show(fake.legacy, "hardware_flags"), "0x0012\n");
	expect_on(test, fake.legacy, true);

	switch_on(test, fake.last);
	expect_on(test, fake.last, true);
}

static void bus_neighbours(struct kunit *test)
{
	switch_on(test, fake.endpoint);
	expect_on(test, fake.legacy, false);
	expect_on(test, fake.last, false);
	expect_on(test, fake.rciep, false);
	KUNIT_EXPECT_PTR_EQ(test, fake.other_bus->bus->ops, &fake_ops);
	KUNIT_EXPECT_PTR_EQ(test, fake.root->ops, &fake_ops);
}

/* Three functions on a bus and one on another, switched off in any order. */
static void bus_any_order(struct kunit *test)
{
	int order, i;

	for (order = 0; order < 24; order++) {
		struct pci_dev *pdevs[] = {
			fake.endpoint, fake.legacy, fake.last, fake.other_bus
		};
		int n = order, left = ARRAY_SIZE(pdevs);

		for (i = 0; i < left; i++)
			switch_on(test, pdevs[i]);

		while (left) {
			swap(pdevs[n % left], pdevs[left - 1]);
			n /= left--;
			if (order % 2)
				fake_unbind(pdevs[left]);
			else
				write_rciep(pdevs[left], "0");
			for (i = 0; i < ARRAY_SIZE(pdevs); i++)
				expect_on(test, pdevs[i], i < left);
		}
	}
}

static void bus_hits(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	unsigned int before;
	u32 val;

	switch_on(test, pdev);
	switch_on(test, fake.legacy);
	before = hits_of(pdev);
	read_raw(pdev, 0x40, 4, &val);
	read_raw(pdev, 0x42, 1, &val);
	KUNIT_EXPECT_EQ(test, hits_of(pdev), before + 2);
	read_raw(pdev, 0x43, 1, &val);
	read_raw(pdev, 0, 4, &val);
	read_raw(fake.legacy, 0x62, 1, &val);
	KUNIT_EXPECT_EQ(test, hits_of(pdev), before + 2);

	/* Counted anew since it was bound last: once by switching on */
	fake_bind(test, pdev);
	KUNIT_EXPECT_EQ(test, hits_of(pdev), 1);
}

static void bus_failing_reads(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	unsigned int before;
	u32 val = 0;

	switch_on(test, pdev);
	before = hits_of(pdev);
	fake.status = PCIBIOS_DEVICE_NOT_FOUND;
	KUNIT_EXPECT_EQ(test, read_raw(pdev, 0x42, 2, &val), PCIBIOS_DEVICE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, val, 0xffffffff);
	KUNIT_EXPECT_EQ(test, hits_of(pdev), before);

	/* A value that the bridge leaves behind as it fails is not changed. */
	fake.fills_in = true;
	KUNIT_EXPECT_EQ(test, read_raw(pdev, 0x42, 2, &val), PCIBIOS_DEVICE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, val, 0x0002);
	fake.fills_in = false;
	KUNIT_EXPECT_STREQ(test, show(pdev, "guest_flags"), "");

	/* A device that fails can be switched off, and on. */
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
	fake.status = 0;
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0092);
}

/* The type that is read counts, not the one that once was. */
static void bus_exchanged_device(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	u8 *flags = &sim_config[1][pdev->devfn][0x42];
	unsigned int before;
	int type;

	switch_on(test, pdev);
	for (type = 0; type < 16; type++) {
		*flags = type << 4 | 2;
		before = hits_of(pdev);
		KUNIT_EXPECT_EQ(test, flags_of(pdev),
				type < 2 ? 0x92 : type << 4 | 2);
		KUNIT_EXPECT_EQ(test, hits_of(pdev), before + (type < 2));
	}
	memset(sim_config[1][pdev->devfn], 0xff, 256);
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0xffff);
}

static void bus_malformed_lists(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(fake_dev(test, 1, PCI_DEVFN(7, 0))));
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(fake_dev(test, 1, PCI_DEVFN(8, 0))));
}

static void bus_new_child(struct kunit *test)
{
	struct pci_bus *child;

	switch_on(test, fake.endpoint);
	fake.add_bus_calls = 0;

	/* As SR-IOV does for functions beyond the bus. */
	pci_lock_rescan_remove();
	child = pci_add_new_bus(fake.endpoint->bus, NULL, 0x77);
	pci_unlock_rescan_remove();
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_PTR_EQ(test, child->ops, &fake_ops);
	KUNIT_EXPECT_EQ(test, fake.add_bus_calls, 1);
	fake.add_bus_status = -ENOMEM;
	KUNIT_EXPECT_EQ(test, fake.endpoint->bus->ops->add_bus(child), -ENOMEM);

	pci_lock_rescan_remove();
	pci_remove_bus(child);
	pci_unlock_rescan_remove();
	KUNIT_EXPECT_EQ(test, flags_of(fake.endpoint), 0x0092);
}

/* A host bridge may have other ops for all but its root bus. */
static void bus_with_child_ops(struct kunit *test)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(fake.root->bridge);
	struct pci_bus *bus = fake.endpoint->bus;

	bridge->child_ops = &other_ops;
	other_comes(fake.endpoint, OTHER_PASSES);
	switch_on(test, fake.endpoint);
	switch_on(test, fake.on_root);
	expect_on(test, fake.endpoint, true);
	expect_on(test, fake.on_root, true);
	KUNIT_EXPECT_PTR_EQ(test, bus->ops->map_bus, NULL);
	KUNIT_EXPECT_PTR_EQ(test, fake.root->ops->map_bus, fake_ops.map_bus);

	/* These have no add_bus(). */
	KUNIT_EXPECT_EQ(test, bus->ops->add_bus(bus), 0);
	KUNIT_EXPECT_PTR_EQ(test, bus->ops, &other_ops);

	fake_unbind(fake.endpoint);
	fake_unbind(fake.on_root);
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_PTR_EQ(test, bus->ops, &other_ops);
	KUNIT_EXPECT_PTR_EQ(test, fake.root->ops, &fake_ops);
}

/* VFs come and go on a bus of their own while that of their PF is taken. */
static void bus_of_vfs(struct kunit *test)
{
	struct pci_dev *pf = fake.other_bus, *vf;
	int i, ret;

	switch_on(test, pf);
	for (i = 0; i < 3; i++) {
		/* As the file sriov_numvfs does */
		pci_lock_rescan_remove();
		ret = pci_enable_sriov(pf, 2);
		pci_unlock_rescan_remove();
		KUNIT_ASSERT_EQ(test, ret, 0);
		vf = fake_dev(test, 3, PCI_DEVFN(0, 1));
		KUNIT_EXPECT_PTR_EQ(test, vf->bus->ops, &fake_ops);
		expect_on(test, vf, false);
		switch_on(test, vf);
		expect_on(test, vf, true);
		fake_unbind(vf);
		pci_lock_rescan_remove();
		pci_disable_sriov(pf);
		pci_unlock_rescan_remove();
		KUNIT_EXPECT_EQ(test, flags_of(pf), 0x0091);
	}
}

/* The bus of a function that is on is removed, and one of that number found. */
static void bus_comes_back(struct kunit *test)
{
	struct pci_bus *old = fake.endpoint->bus;
	int i;

	switch_on(test, fake.endpoint);
	for (i = 0; i < 3; i++) {
		get_device(&old->dev);
		fake_replug(test);
		KUNIT_EXPECT_PTR_NE(test, fake.endpoint->bus, old);
		KUNIT_EXPECT_PTR_EQ(test, fake.endpoint->bus->ops, &fake_ops);
		expect_on(test, fake.endpoint, false);

		/* The last write is remembered; the old bus is given back. */
		fake_bind(test, fake.endpoint);
		expect_on(test, fake.endpoint, true);
		KUNIT_EXPECT_PTR_EQ(test, old->ops, &fake_ops);
		KUNIT_EXPECT_EQ(test, kref_read(&old->dev.kobj.kref), 1);
		put_device(&old->dev);
		old = fake.endpoint->bus;
	}
}

/* A bus is removed while a function on it is on. */
static void bus_removed_while_on(struct kunit *test)
{
	struct pci_dev *old = pci_dev_get(fake.endpoint);

	switch_on(test, old);
	expect_on(test, old, true);
	fake.binds_all = true;
	pci_lock_rescan_remove();
	pci_stop_and_remove_bus_device(old->bus->self);
	KUNIT_EXPECT_FALSE(test, is_attached(test, old));
	KUNIT_EXPECT_EQ(test, xen_pcibk_fixup_find(old)->flags_end, 0);
	pci_rescan_bus(fake.root);
	pci_unlock_rescan_remove();
	pci_dev_put(old);
	fake_find(test);

	/* The next device there is switched on as it is bound. */
	KUNIT_EXPECT_TRUE(test, is_attached(test, fake.endpoint));
	expect_on(test, fake.endpoint, true);
	expect_on(test, fake.legacy, false);
	fake_unbind(fake.endpoint);
	KUNIT_EXPECT_FALSE(test, is_attached(test, fake.endpoint));
	expect_on(test, fake.endpoint, false);
}

/* A host bridge in another domain, whose ops are freed when it goes */
struct bridge {
	struct pci_sysdata sysdata;
	struct pci_ops ops;
	struct pci_bus *root;
	struct pci_dev *pdev;		/* 1:00.0, counted */
};

static void bridge_scan(struct kunit *test, struct bridge *bridge)
{
	bridge->root = sim_scan(&bridge->sysdata, SIM_DOMAIN + 1, &bridge->ops);
	KUNIT_ASSERT_NOT_NULL(test, bridge->root);
	bridge->pdev = pci_get_domain_bus_and_slot(SIM_DOMAIN + 1, 1, 0);
	KUNIT_ASSERT_NOT_NULL(test, bridge->pdev);
}

static struct bridge *bridge_found(struct kunit *test, struct pci_ops *ops)
{
	struct bridge *bridge = kzalloc(sizeof(*bridge), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bridge);
	bridge->ops = *ops;
	bridge_scan(test, bridge);
	return bridge;
}

static void bridge_gone(struct bridge *bridge)
{
	sim_remove(bridge->root);
	pci_dev_put(bridge->pdev);
	memset(bridge, POISON_FREE, sizeof(*bridge));
	kfree(bridge);
}

/* A bus of the same number, below another host bridge */
static void bus_of_another_domain(struct kunit *test)
{
	struct bridge *bridge = bridge_found(test, &fake_ops);
	struct pci_dev *pdev = bridge->pdev;

	switch_on(test, fake.endpoint);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &bridge->ops);
	expect_on(test, pdev, false);
	fake_bind(test, pdev);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(fake.endpoint, "0"), 0);
	expect_on(test, pdev, true);
	expect_on(test, fake.endpoint, false);
	bridge_gone(bridge);
}

/* The driver of a host bridge goes, and its ops with it. Then fake_exit() unloads ours. */
static void bus_bridge_driver_gone(struct kunit *test)
{
	struct bridge *bridge = bridge_found(test, &fake_ops);

	switch_on(test, bridge->pdev);
	bridge_gone(bridge);
}

static int read_flags(void *data)
{
	struct pci_dev *pdev = data;
	u32 val;

	read_raw(pdev, pdev->pcie_cap + PCI_EXP_FLAGS, 2, &val);
	return val;
}

/* A reader of the flags that stays in fake_read() until fake.is_read is cleared */
static struct task_struct *reader_inside(struct kunit *test, struct pci_dev *pdev,
					 unsigned int max_ms)
{
	struct task_struct *reader;
	bool is_read;

	WRITE_ONCE(fake.slow, max_ms);
	reader = beside_start(test, read_flags, pdev);
	read_poll_timeout(READ_ONCE, is_read, is_read, 20000, 10000000, false, fake.is_read);
	KUNIT_EXPECT_TRUE(test, is_read);
	WRITE_ONCE(fake.slow, 0);
	return reader;
}

/*
 * A bus number is used again, by a bus below a bridge with other ops, while a reader
 * of the old bus is inside: it goes on to call the old bridge's ops.
 */
static void bus_number_used_again(struct kunit *test)
{
	struct bridge *old = bridge_found(test, &fake_ops), *new;
	struct pci_bus *old_bus = old->pdev->bus;
	struct pci_ops new_ops = fake_ops;
	struct task_struct *reader;

	switch_on(test, old->pdev);
	reader = reader_inside(test, old->pdev, 20000);

	sim_remove(old->root);
	/* Linux 7.3 reads config space while it removes a device. */
	fake.mapped = NULL;
	new_ops.map_bus = NULL;
	new = bridge_found(test, &new_ops);
	/* The last write is remembered. */
	fake_bind(test, new->pdev);
	expect_on(test, new->pdev, true);
	KUNIT_EXPECT_PTR_EQ(test, fake.mapped, NULL);
	KUNIT_EXPECT_PTR_EQ(test, new->pdev->bus->ops->map_bus, NULL);

	KUNIT_EXPECT_TRUE(test, READ_ONCE(fake.is_read));
	WRITE_ONCE(fake.is_read, false);
	KUNIT_EXPECT_EQ(test, beside_result(reader), 0x0092);
	KUNIT_EXPECT_PTR_EQ(test, fake.mapped, old_bus);
	pci_dev_put(old->pdev);
	kfree(old);
	bridge_gone(new);
}

/* Equal ops at another address, which the bus gets back; then others at the same */
static void bus_number_used_with_like_ops(struct kunit *test)
{
	struct bridge *old = bridge_found(test, &fake_ops), *new;

	switch_on(test, old->pdev);
	sim_remove(old->root);
	new = bridge_found(test, &fake_ops);
	fake_bind(test, new->pdev);
	expect_on(test, new->pdev, true);
	fake_unbind(new->pdev);
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_PTR_EQ(test, new->pdev->bus->ops, &new->ops);
	pci_dev_put(old->pdev);
	kfree(old);

	switch_on(test, new->pdev);
	sim_remove(new->root);
	pci_dev_put(new->pdev);
	new->ops.map_bus = NULL;
	bridge_scan(test, new);
	fake.mapped = NULL;
	fake_bind(test, new->pdev);
	expect_on(test, new->pdev, true);
	KUNIT_EXPECT_PTR_EQ(test, fake.mapped, NULL);
	bridge_gone(new);
}

/* Others that copy our ops, as a quirk of x86 does, get the bridge's answers. */
static void bus_with_copied_ops(struct kunit *test)
{
	struct pci_bus *bus = fake.other_bus->bus;

	switch_on(test, fake.endpoint);
	pci_bus_set_ops(bus, fake.endpoint->bus->ops);
	expect_on(test, fake.other_bus, false);
	fake.add_bus_calls = 0;
	KUNIT_EXPECT_EQ(test, bus->ops->add_bus(bus), 0);
	KUNIT_EXPECT_EQ(test, fake.add_bus_calls, 1);
	KUNIT_EXPECT_PTR_EQ(test, bus->ops, &fake_ops);
}

static void bus_other_above(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	enum other_way way;

	for (way = OTHER_PASSES; way <= OTHER_SWAPS; way++) {
		switch_on(test, pdev);
		other_comes(pdev, way);
		KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0092);

		/* Switched below it, without a change of anybody's ops */
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
		KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0002);
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
		KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0092);
		KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
		fake_unbind(pdev);
		expect_on(test, pdev, false);
		other_goes(pdev);
		expect_on(test, pdev, false);
	}
}

/* The log tells once that a function was switched on, and why one was not. */
static void bus_log(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	switch_on(test, pdev);
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, log_count("PCI_EXP_FLAGS is 0x0002, guests read 0x0092"), 1);
	KUNIT_EXPECT_EQ(test, log_count("not shown"), 0);

	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	pci_bus_set_ops(pdev->bus, &fake_ops);
	other_comes(pdev, OTHER_PASSES);
	log_start();
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_EQ(test, log_count("reads of bus 4b55:01 go to other_read"), 1);
	KUNIT_EXPECT_EQ(test, log_count("guests read"), 0);
	pci_bus_set_ops(pdev->bus, &fake_ops);
}

static void bus_other_below(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	/* Refused, and nothing is remembered */
	other_comes(pdev, OTHER_PASSES);
	fake_bind(test, pdev);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
	expect_on(test, pdev, false);
	fake_bind(test, pdev);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));

	/* It goes, and the bus can be taken. */
	other_goes(pdev);
	switch_on(test, pdev);
	expect_on(test, pdev, true);
}

/* A bus that was refused has never had our ops: nothing is left behind. */
static void bus_refused_and_left(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	unsigned int refs = kref_read(&pdev->bus->dev.kobj.kref);

	fake_bind(test, pdev);
	other_comes(pdev, OTHER_PASSES);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_EQ(test, kref_read(&pdev->bus->dev.kobj.kref), refs);
	driver_unload(test);
	KUNIT_EXPECT_EQ(test, log_count("another module may still hold the ops"), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
}

static int bus_write(void *pdev)
{
	return write_rciep(pdev, "1");
}

/* Config access is blocked, as it is for the length of a reset: writes do not wait. */
static void bus_config_access_blocked(struct kunit *test)
{
	struct task_struct *writer, *reader;

	fake_bind(test, fake.endpoint);
	fake_bind(test, fake.legacy);
	pci_cfg_access_lock(fake.endpoint);
	writer = beside_start(test, bus_write, fake.endpoint);
	KUNIT_EXPECT_TRUE(test, beside_ends(writer, 5000));

	/* A read of guest_flags waits, and keeps nobody waiting. */
	reader = beside_start(test, flags_of, fake.endpoint);
	KUNIT_EXPECT_FALSE(test, beside_ends(reader, 500));
	KUNIT_EXPECT_TRUE(test, mutex_trylock(&xen_pcibk_fixup_lock));
	mutex_unlock(&xen_pcibk_fixup_lock);
	KUNIT_EXPECT_EQ(test, write_rciep(fake.legacy, "1"), 0);
	pci_cfg_access_unlock(fake.endpoint);

	KUNIT_EXPECT_EQ(test, beside_result(writer), 0);
	KUNIT_EXPECT_EQ(test, beside_result(reader), 0x0092);
	expect_on(test, fake.endpoint, true);
}

/* Another module puts back the ops that it found before us: guest_flags shows it. */
static void bus_dropped(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	switch_on(test, pdev);
	pci_bus_set_ops(pdev->bus, &fake_ops);
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0002);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, flags_of(pdev), 0x0092);

	/* A failed write of 1 leaves a function on. */
	pci_bus_set_ops(pdev->bus, &fake_ops);
	other_comes(pdev, OTHER_PASSES);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_TRUE(test, is_on(pdev));
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	pci_bus_set_ops(pdev->bus, &fake_ops);
}

/* Another module puts ops back during the very read that measures. */
static void bus_not_in_force(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	switch_on(test, pdev);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	pci_bus_set_ops(pdev->bus, &fake_ops);
	other_comes(pdev, OTHER_RESTORES);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EIO);
	expect_on(test, pdev, false);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);

	/* That ours are on top again is not enough: the read has shown an endpoint. */
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	other_comes(pdev, OTHER_RESTORES);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EIO);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, other_saved);
}

/* A silent device is switched on only if our ops are on top. */
static void bus_device_gone(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;

	fake_bind(test, pdev);
	fake.status = PCIBIOS_DEVICE_NOT_FOUND;
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "0"), 0);
	other_comes(pdev, OTHER_PASSES);
	KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), -EBUSY);
	other_goes(pdev);
	fake.status = 0;
}

/*
 * The module goes while another holds our ops: they become the bridge's. Loaded
 * again, it takes the bus from the ops that it left behind.
 */
static void bus_left_behind(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	struct pci_ops *left_behind;

	switch_on(test, pdev);
	fake_unbind(pdev);
	other_comes(pdev, OTHER_SWAPS);
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_EQ(test, log_count("another module may still hold the ops"), 1);
	left_behind = other_saved;
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &other_ops);
	KUNIT_EXPECT_EQ(test, memcmp(left_behind, &fake_ops, sizeof(fake_ops)), 0);
	expect_on(test, pdev, false);

	pci_bus_set_ops(pdev->bus, left_behind);
	fake_bind(test, pdev);
	KUNIT_EXPECT_FALSE(test, is_on(pdev));
	switch_on(test, pdev);
	expect_on(test, pdev, true);

	/* The bus gets the bridge's own ops back. */
	fake_unbind(pdev);
	log_start();
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_EQ(test, log_count("another module may still hold the ops"), 0);
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);
}

/*
 * The module goes while a reader is inside, where it may be preempted: plain RCU does not
 * know of it. Nothing may be freed before it has left: it goes on to count a hit.
 */
static void bus_grace_period(struct kunit *test)
{
	struct pci_dev *pdev = fake.endpoint;
	struct task_struct *reader;

	switch_on(test, pdev);
	reader = reader_inside(test, pdev, 1000);
	fake_unbind(pdev);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(fake.is_read));
	xen_pcibk_fixup_leave();
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fake.is_read));
	KUNIT_EXPECT_PTR_EQ(test, pdev->bus->ops, &fake_ops);

	/* It began while the overlay was on. */
	KUNIT_EXPECT_EQ(test, beside_result(reader), 0x0092);
}

static unsigned int toggles = 10000;
module_param(toggles, uint, 0444);
MODULE_PARM_DESC(toggles, "Times that the overlay is switched while it is read");

/* Odd while the overlay may be on */
static unsigned int toggle_count;

struct toggle_reader {
	struct task_struct *task;
	unsigned long reads, illegal, late;
};

static void toggle_read(struct toggle_reader *reader, struct pci_dev *pdev)
{
	int size = 1 << reader->reads % 3;
	int where = size == 4 ? 0x40 : 0x42;
	unsigned int before, after;
	u32 val;

	/* Loaded before the value, and after it */
	before = smp_load_acquire(&toggle_count);
	read_raw(pdev, where, size, &val);
	smp_rmb();	/* the value is there */
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
		pdev = pci_get_domain_bus_and_slot(SIM_DOMAIN, 1, 0);
		for (i = 0; pdev && i < 256; i++)
			toggle_read(reader, pdev);
		pci_dev_put(pdev);
		/* Grace periods want a reader that sleeps now and then. */
		usleep_range(50, 100);
	}

	return 0;
}

/*
 * Readers on every CPU while the overlay is switched: each value is one of the two that are
 * legal, and a read that starts after switching off is the hardware's. Now and then the
 * function is unbound, or removed with its bus and found again.
 */
static void bus_readers_and_toggles(struct kunit *test)
{
	struct toggle_reader *readers;
	unsigned int i, cpu;
	unsigned long reads = 0;

	readers = kunit_kcalloc(test, nr_cpu_ids, sizeof(*readers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, readers);
	toggle_count = 0;
	for_each_online_cpu(cpu) {
		readers[cpu].task = kthread_run_on_cpu(toggle_reader, &readers[cpu], cpu,
						       "toggle_reader/%u");
		KUNIT_EXPECT_FALSE(test, IS_ERR(readers[cpu].task));
	}

	/* The readers have to be stopped: a failure ends the loop, not the case. */
	for (i = 0; test->status == KUNIT_SUCCESS; i++) {
		struct pci_dev *pdev = fake.endpoint;

		reads = 0;
		for_each_online_cpu(cpu)
			reads += READ_ONCE(readers[cpu].reads);
		if (i >= toggles && reads >= 10UL * toggles)
			break;

		WRITE_ONCE(toggle_count, toggle_count + 1);
		smp_mb();	/* odd before it is on */
		if (!is_attached(test, pdev))
			fake_bind(test, pdev);
		KUNIT_EXPECT_EQ(test, write_rciep(pdev, "1"), 0);
		KUNIT_EXPECT_EQ(test, read_flags(pdev), 0x0092);
		if (i % 10)
			write_rciep(pdev, "0");
		else
			fake_unbind(pdev);
		/* Even when it is off, for toggle_read() */
		smp_store_release(&toggle_count, toggle_count + 1);
		KUNIT_EXPECT_EQ(test, read_flags(pdev), 0x0002);

		if (i % 500 == 499)
			fake_replug(test);
	}

	for_each_online_cpu(cpu) {
		if (IS_ERR_OR_NULL(readers[cpu].task))
			continue;
		kthread_stop(readers[cpu].task);
		KUNIT_EXPECT_EQ(test, readers[cpu].illegal, 0);
		KUNIT_EXPECT_EQ(test, readers[cpu].late, 0);
	}
	kunit_info(test, "%u toggles, %lu reads\n", i, reads);
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
	KUNIT_CASE(bus_removed_while_on),
	KUNIT_CASE(bus_bridge_driver_gone),
	KUNIT_CASE(bus_of_another_domain),
	KUNIT_CASE(bus_number_used_again),
	KUNIT_CASE(bus_number_used_with_like_ops),
	KUNIT_CASE(bus_with_copied_ops),
	KUNIT_CASE(bus_other_above),
	KUNIT_CASE(bus_log),
	KUNIT_CASE(bus_other_below),
	KUNIT_CASE(bus_refused_and_left),
	KUNIT_CASE(bus_config_access_blocked),
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
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = bus_cases,
};

kunit_test_suite(bus_suite);

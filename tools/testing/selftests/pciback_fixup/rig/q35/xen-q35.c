// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine q35 for an HVM guest of Xen, in QEMU 7.2 to 10.0. It must fit Xen's parts,
 * which are for i440FX: hvmloader, which allows only a PIIX3 in slot 1, its ACPI tables,
 * which are those of a PIIX4, and the wiring of INTx.
 */
#include "qemu/osdep.h"
#include "qemu/range.h"
#include "hw/boards.h"
#include "hw/i386/pc.h"
#include "hw/pci-host/q35.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/i386/xen-q35.h"
#ifdef OLD_NAMES
#include "hw/i386/ich9.h"
#include "hw/xen/xen_common.h"
#include "sysemu/reset.h"
#include "sysemu/sysemu.h"
#define HOTPLUG_RESET(s) acpi_pcihp_reset(s, false)
#else
#include "hw/southbridge/ich9.h"
#include "hw/xen/xen_native.h"
#include "system/reset.h"
#include "system/system.h"
#define HOTPLUG_RESET(s) acpi_pcihp_reset(s)
#endif
#include "hw/xen/xen-x86.h"

/* Addresses in the ACPI tables: hvmloader's, and ours for extended config space */
#define PM1_BASE        0xb000
#define GPE0_BASE       0xafe0
#define PCI_HOTPLUG     0xae00
#define ECAM_BASE       0xb0000000

MemoryRegion *xen_q35_ram;
static MemoryRegion gpe0;
static PCIDevice *mch, *lpc;
static ICH9LPCPMRegs *pm;
static DeviceListener *listener;
static void (*root_port_write)(PCIDevice *d, uint32_t at, uint32_t value, int size);

/*
 * Xen addresses a function by its BDF, which QEMU's part for Xen records as the function is
 * realized. Below a root port the guest sets the bus number later, and more than once. Until
 * then it is 0, which is another bus.
 */
bool xen_q35_has_bdf(DeviceListener *of_xen, DeviceState *dev)
{
    PCIDevice *d = (PCIDevice *)object_dynamic_cast(OBJECT(dev), TYPE_PCI_DEVICE);

    listener = of_xen;          /* for below_port() */
    return d && (pci_bus_is_root(pci_get_bus(d)) || pci_dev_bus_num(d));
}

static void below_port(PCIBus *bus, PCIDevice *d, void *is_there)
{
    (is_there ? listener->realize : listener->unrealize)(listener, DEVICE(d));
}

static void root_port_config_write(PCIDevice *d, uint32_t at, uint32_t value, int size)
{
    PCIBus *below = pci_bridge_get_sec_bus(PCI_BRIDGE(d));
    bool renumbers = ranges_overlap(at, size, PCI_SECONDARY_BUS, 1);

    if (renumbers) {
        pci_for_each_device_under_bus(below, below_port, NULL);
    }
    root_port_write(d, at, value, size);
    if (renumbers) {
        pci_for_each_device_under_bus(below, below_port, d);
    }
}

/* Before the CPUs are created: Xen's part counts them. */
void xen_q35_start(MachineState *machine)
{
    PCIDeviceClass *port = PCI_DEVICE_CLASS(object_class_by_name("pcie-root-port"));

    xen_hvm_init_pc(PC_MACHINE(machine), &xen_q35_ram);
    PC_MACHINE(machine)->vmport = ON_OFF_AUTO_OFF;
    root_port_write = port->config_write;
    port->config_write = root_port_config_write;
}

/* The firmware's part, after the devices' own resets */
static void chipset_reset(void *opaque)
{
    lpc->config_write(lpc, ICH9_LPC_PMBASE, PM1_BASE, 4);
    lpc->config_write(lpc, ICH9_LPC_ACPI_CTRL, ICH9_LPC_ACPI_CTRL_ACPI_EN, 1);
    /* Not if the guest has memory there */
    if (X86_MACHINE(qdev_get_machine())->below_4g_mem_size <= ECAM_BASE) {
        mch->config_write(mch, MCH_HOST_BRIDGE_PCIEXBAR, ECAM_BASE | 1, 4);
    }
    HOTPLUG_RESET(&pm->acpi_pci_hotplug);
}

/*
 * Now the resets of all devices are registered, and the root ports exist. libxl plugs cards
 * into bus 0, where ICH9 has no hot-plug. The tables read the register of plugged devices
 * more than once: it must keep its value, as PIIX4's does.
 */
static void chipset_done(Notifier *notifier, void *opaque)
{
    qemu_register_reset(chipset_reset, NULL);
#ifdef OLD_NAMES
    HOTPLUG_RESET(&pm->acpi_pci_hotplug);
    pm->acpi_pci_hotplug.legacy_piix = true;
    pm->use_acpi_hotplug_bridge = false;
#else
    pm->acpi_pci_hotplug.use_acpi_root_pci_hotplug = true;
    HOTPLUG_RESET(&pm->acpi_pci_hotplug);
    pm->acpi_pci_hotplug.use_acpi_hotplug_bridge = false;
#endif
}

/* After the chipset is created, before devices without an address take their slots */
void xen_q35_chipset(MachineState *machine, PCIBus *bus)
{
    static Notifier done = { .notify = chipset_done };

    mch = bus->devices[0];
    lpc = bus->devices[PCI_DEVFN(ICH9_LPC_DEV, ICH9_LPC_FUNC)];
    pm = &ICH9_LPC_DEVICE(lpc)->pm;
    bus->slot_reserved_mask |= 1 << 1;
#ifdef OLD_NAMES
    pci_bus_irqs(bus, xen_piix3_set_irq, xen_pci_slot_get_pirq, NULL, 32 * PCI_NUM_PINS);
#else
    pci_bus_irqs(bus, xen_intx_set_irq, NULL, 32 * PCI_NUM_PINS);
    pci_bus_map_irqs(bus, xen_pci_slot_get_pirq);
#endif
    pci_bus_set_route_irq_fn(bus, NULL);

    /* Its allocation and its saved state have 16 bytes. */
    pm->acpi_regs.gpe.len = 4;
    memory_region_init_alias(&gpe0, OBJECT(lpc), "xen-gpe0", &pm->io_gpe, 0, 4);
    memory_region_add_subregion(pci_address_space_io(lpc), GPE0_BASE, &gpe0);
    memory_region_set_address(&pm->acpi_pci_hotplug.io, PCI_HOTPLUG);
    qemu_add_machine_init_done_notifier(&done);

    pc_system_flash_cleanup_unused(PC_MACHINE(machine));
    if (machine->kernel_filename) {
        xen_load_linux(PC_MACHINE(machine));
    }
}

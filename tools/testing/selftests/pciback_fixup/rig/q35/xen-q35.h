/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For QEMU's sources that call xen-q35.c */
#include "hw/qdev-core.h"
#if __has_include("system/xen.h")
#include "system/xen.h"
#else
#include "sysemu/xen.h"
#define OLD_NAMES
#endif

extern MemoryRegion *xen_q35_ram;
void xen_q35_start(MachineState *machine);
void xen_q35_chipset(MachineState *machine, PCIBus *bus);
bool xen_q35_has_bdf(DeviceListener *of_xen, DeviceState *dev);

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest should see: the overlay on the PCI Express Capabilities
 * register. Pure, for any context. The words used in this driver:
 *   hardware view   a config space read as the device answers it
 *   guest view      the same read as QEMU or pcifront gets it
 *   overlay         what turns the hardware view into the guest view
 *   flags byte      the low byte of PCI_EXP_FLAGS (PCI Express Base
 *                   Specification, 7.5.3.2): Device/Port Type in bits 7:4
 *
 * Windows rejects a PCI Express (Legacy) Endpoint on bus 0 that has no port
 * above it, and accepts a Root Complex Integrated Endpoint (RCiEP) there.
 */
#ifndef __XEN_PCIBACK_FIXUP_OVERLAY_H__
#define __XEN_PCIBACK_FIXUP_OVERLAY_H__

#include <linux/bitfield.h>
#include <linux/pci_regs.h>

/* Whether a Device/Port Type is one that the overlay changes */
static inline bool fixup_is_endpoint_type(unsigned int type)
{
	return type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END;
}

/**
 * fixup_index() - Find the flags byte in a read
 * @flags_end: config space offset after the flags byte; 0: the overlay is off
 * @where: config space offset of the read, 0 to 4095
 *
 * Return: its position, from 0; not less than the size of a read without it.
 */
static inline unsigned int fixup_index(u8 flags_end, int where)
{
	/* Off, and a read that starts after the byte: a very large number */
	return (unsigned int)flags_end - 1 - (unsigned int)where;
}

/**
 * fixup_overlay() - Turn the hardware view of a read into the guest view
 * @val: the value that was read, of 1, 2 or 4 bytes
 * @index: position of the flags byte in it, 0 to 3
 *
 * Judges by what was read, so a device that is gone (all ones, type 15) or was
 * exchanged is not misreported.
 *
 * Return: true if @val was changed.
 */
static inline bool fixup_overlay(u32 *val, unsigned int index)
{
	unsigned int shift = 8 * index;	/* config space is little-endian */

	if (!fixup_is_endpoint_type(FIELD_GET(PCI_EXP_FLAGS_TYPE, *val >> shift)))
		return false;

	/* Type 9 has all bits of types 0 and 1. */
	*val |= FIELD_PREP((u32)PCI_EXP_FLAGS_TYPE, PCI_EXP_TYPE_RC_END) << shift;
	return true;
}

#endif /* __XEN_PCIBACK_FIXUP_OVERLAY_H__ */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest should see: the overlay on the PCI Express Capabilities
 * register, as pure arithmetic.
 *
 * The words used in this driver:
 *
 *   hardware view   a config space read as the device answers it
 *   guest view      the same read as QEMU or pcifront gets it
 *   overlay         what makes the guest view out of the hardware view
 *   flags byte      the low byte of PCI_EXP_FLAGS, at the offset of the PCI
 *                   Express capability plus 2:
 *
 *       7     4 3       0
 *      +-------+---------+
 *      | type  | version |     type: Device/Port Type, PCI Express Base
 *      +-------+---------+     Specification, section 7.5.3.2
 *
 * Windows refuses a PCI Express (Legacy) Endpoint on bus 0 that has no port
 * above it, and accepts a Root Complex Integrated Endpoint (RCiEP) there.
 */
#ifndef __XEN_PCIBACK_FIXUP_OVERLAY_H__
#define __XEN_PCIBACK_FIXUP_OVERLAY_H__

#include <linux/bitfield.h>
#include <linux/pci_regs.h>
#include <linux/types.h>

/**
 * fixup_overlay_type() - Tell whether a Device/Port Type is one to change
 * @type: Device/Port Type, 0 to 15
 *
 * Context: Any; pure.
 *
 * Return: true for an Endpoint or a Legacy Endpoint, false for all else.
 */
static inline bool fixup_overlay_type(unsigned int type)
{
	return type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END;
}

/**
 * fixup_overlay_covers() - Tell whether a read includes the flags byte
 * @flags_at: config space offset of the flags byte, 0 if there is none
 * @where: config space offset of the read, 0 to 4095
 * @size: bytes read: 1, 2 or 4
 *
 * Context: Any; pure.
 *
 * Return: true if the byte at @flags_at is one of those read.
 */
static inline bool fixup_overlay_covers(u8 flags_at, int where, int size)
{
	/* A read that starts behind the byte wraps to a very large number. */
	return flags_at &&
	       (unsigned int)flags_at - (unsigned int)where < (unsigned int)size;
}

/**
 * fixup_overlay() - Make the guest view of a read out of the hardware view
 * @flags_at: config space offset of the flags byte, 0 if there is none
 * @where: config space offset of the read, 0 to 4095
 * @size: bytes read: 1, 2 or 4
 * @val: what the device answered; the caller has checked that it did
 *
 * Goes by the type in @val and not by a cached one: a device that is gone
 * (all ones, type 15) or that was exchanged is never misreported.
 *
 * Context: Any; pure.
 *
 * Return: @val, with the Device/Port Type replaced by RCiEP if the read
 * covers it and it says Endpoint or Legacy Endpoint.
 */
static inline u32 fixup_overlay(u8 flags_at, int where, int size, u32 val)
{
	unsigned int shift;

	if (!fixup_overlay_covers(flags_at, where, size))
		return val;

	shift = 8 * (flags_at - where);
	if (!fixup_overlay_type(FIELD_GET(PCI_EXP_FLAGS_TYPE, val >> shift)))
		return val;

	val &= ~((u32)PCI_EXP_FLAGS_TYPE << shift);
	return val | (u32)FIELD_PREP(PCI_EXP_FLAGS_TYPE,
				     PCI_EXP_TYPE_RC_END) << shift;
}

#endif /* __XEN_PCIBACK_FIXUP_OVERLAY_H__ */

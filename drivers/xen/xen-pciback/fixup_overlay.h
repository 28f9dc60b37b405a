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
#include <linux/build_bug.h>
#include <linux/kconfig.h>
#include <linux/pci_regs.h>
#include <linux/types.h>

/*
 * In place of the offset of a flags byte: there is none. The last capability is
 * at 0xfc, and its flags byte at 0xfe.
 */
#define FIXUP_OVERLAY_NOWHERE	0xff

/* An RCiEP's type has the bits of the other two: to set them is all there is to do. */
static_assert((PCI_EXP_TYPE_RC_END | PCI_EXP_TYPE_ENDPOINT |
	       PCI_EXP_TYPE_LEG_END) == PCI_EXP_TYPE_RC_END);

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
 * fixup_overlay_index() - Find the byte of config space in a read
 * @at: config space offset of the byte, 0 to 255
 * @where: config space offset of the read, 0 to 4095
 *
 * Context: Any; pure.
 *
 * Return: which of the bytes read it is, from 0; if that is not less than the
 * size of the read, none of them.
 */
static inline unsigned int fixup_overlay_index(u8 at, int where)
{
	/* A read that starts behind the byte wraps to a very large number. */
	return (unsigned int)at - (unsigned int)where;
}

/**
 * fixup_overlay_valid() - Tell whether an offset can be that of a flags byte
 * @flags_at: config space offset, 0 to 255
 *
 * Context: Any; pure.
 *
 * Return: true behind the header and before FIXUP_OVERLAY_NOWHERE.
 */
static inline bool fixup_overlay_valid(unsigned int flags_at)
{
	return flags_at >= PCI_STD_HEADER_SIZEOF &&
	       flags_at < FIXUP_OVERLAY_NOWHERE;
}

/**
 * fixup_overlay() - Make the guest view of the flags byte out of the hardware view
 * @flags: the flags byte, as the device answered it
 *
 * Replaces an Endpoint's or a Legacy Endpoint's type by RCiEP. Goes by the type
 * that was read and not by a cached one: a device that is gone (all ones, type
 * 15) or that was exchanged is never misreported.
 *
 * Context: Any; pure.
 *
 * Return: true if @flags was changed.
 */
static inline bool fixup_overlay(u8 *flags)
{
	if (!fixup_overlay_type(FIELD_GET(PCI_EXP_FLAGS_TYPE, *flags)))
		return false;

	*flags |= FIELD_PREP(PCI_EXP_FLAGS_TYPE, PCI_EXP_TYPE_RC_END);
	return true;
}

/**
 * fixup_overlay_byte() - Get at a byte of config space in the value of a read
 * @val: the value, in the CPU's byte order
 * @index: which byte, from fixup_overlay_index()
 *
 * Context: Any; pure.
 *
 * Return: where the byte is.
 */
static inline u8 *fixup_overlay_byte(u32 *val, size_t index)
{
	/* Config space is little-endian, and so are Xen's machines. */
	BUILD_BUG_ON(IS_ENABLED(CONFIG_CPU_BIG_ENDIAN));

	return (u8 *)val + index;
}

#endif /* __XEN_PCIBACK_FIXUP_OVERLAY_H__ */

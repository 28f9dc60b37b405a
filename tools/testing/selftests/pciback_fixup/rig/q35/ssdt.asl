// SPDX-License-Identifier: GPL-2.0
// Linux uses extended config space only in a window that is reserved like this.
DefinitionBlock ("", "SSDT", 2, "FIXUP", "Q35ECAM", 1) {
    Device (\_SB.ECAM) {
        Name (_HID, EisaId ("PNP0C02"))
        Name (_CRS, ResourceTemplate () { Memory32Fixed (ReadOnly, 0xB0000000, 0x10000000) })
    }
}

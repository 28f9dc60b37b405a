#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Add xen-q35.c to the QEMU in a folder, and the calls to it.

A pattern must match once in the files of its entry; otherwise this QEMU is not supported.
"""

import pathlib
import re
import shutil
import sys

HEADER = '#include "hw/i386/xen-q35.h"\n'
Q35 = ["hw/i386/pc_q35.c"]

# Purpose, files, pattern, replacement
PLACES = [
    ("Xen's start, before the CPUs", Q35, r"pc_machine_init_sgx_epc\(",
     r"if (xen_enabled())\n        xen_q35_start(machine);\n    \g<0>"),
    ("memory, which Xen has filled", Q35, r"pc_memory_init\(",
     r"if (!xen_enabled())\n        \g<0>"),
    ("memory as the chipset knows it", Q35, r"OBJECT\((ram_memory|machine->ram)\)",
     r"OBJECT(xen_enabled() ? xen_q35_ram : \1)"),
    ("the chipset as Xen expects it", Q35, r"pc_vga_init\(\w+, (\S+)\);",
     r"if (xen_enabled())\n        xen_q35_chipset(machine, \1);\n    \g<0>"),
    *[(f"a function that {comes}", ["hw/i386/xen/xen-hvm.c", "hw/xen/xen-hvm-common.c"],
       rf"(xen_device_{call}\([^}}]*?)object_dynamic_cast\(OBJECT\(dev\), \w+\)",
       r"\1xen_q35_has_bdf(listener, dev)")
      for comes, call in [("comes", "realize"), ("goes", "unrealize")]],
    # QEMU 10 looks for function 0 of the card's slot, which it takes for 31 before this.
    ("the slot that a card is given", ["hw/pci/pci.c"],
     r"found: ;", r"\g<0>\n        pci_dev->devfn = devfn;"),
    ("a card's extended config space", ["hw/xen/xen_pt.c"],
     r"\(addr > 0xFF\)", r"(addr >= pci_config_size(d))"),
    ("what is compiled", ["hw/i386/xen/meson.build"],
     r"\Z", "i386_ss.add(when: 'CONFIG_XEN', if_true: files('xen-q35.c'))\n"),
]

source, ours = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
for what, names, there, new in PLACES:
    files = {file: file.read_text() for name in names if (file := source / name).exists()}
    found = [file for file, text in files.items() for _ in re.finditer(there, text)]
    if len(found) != 1:
        sys.exit(f"error: the change does not fit this QEMU: {len(found)} places instead of "
                 f"one for {what}, in {' or '.join(names)}: {there}")
    text = re.sub(there, new, files[found[0]])
    if "xen_q35" in new and HEADER not in text:
        text = text.replace('#include "qemu/osdep.h"\n', '#include "qemu/osdep.h"\n' + HEADER)
    found[0].write_text(text)
shutil.copy(ours / "xen-q35.c", source / "hw/i386/xen")
shutil.copy(ours / "xen-q35.h", source / "include/hw/i386")

# SPDX-License-Identifier: GPL-2.0
project = "xen-pciback-fixup"
highlight_language = "none"

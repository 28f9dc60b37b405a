# SPDX-License-Identifier: GPL-2.0
# Print kmemleak's reports, without those of xen-pciback's configuration fields: Linux 6.12
# leaks them when a device is unbound, as pcistub_device_release() drops the pointer to them
# first.
function show() { if (report && report !~ /xen_pcibk_config_/) printf "# %s", report }
/^unreferenced object/ { show(); report = "" }
{ report = report $0 "\n# " }
END { show() }

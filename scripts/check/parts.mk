# SPDX-License-Identifier: GPL-2.0
# The parts of make check, the long ones first: check.sh runs two at a time.
check := lint guests demo dom0-debug dom0-6.12 dom0-6.1 persist kunit cost fuzz gates
check-all := $(check) stubdomain packages in-tree rpm command
check-stress := kunit-long dom0-long-6.12 dom0-long-debug fuzz-long

check: $(check)
check-all: $(check-all)
check-stress: $(check-stress)
names:
	@echo $($(SET))

here := $(dir $(lastword $(MAKEFILE_LIST)))
top := $(here)../..
rig := $(top)/tools/testing/selftests/pciback_fixup/rig
boot := $(rig)/boot.sh
part = @$(here)part.sh $@ env

lint fuzz gates in-tree:
	$(part) $(here)$@.sh
fuzz: export SECONDS_OF_FUZZ = 20
demo:
	$(part) $(boot) 6.12 four-guests
guests:
	$(part) GUEST_SERIES="6.12 6.1" $(boot) 6.12 device-matrix
dom0-long-6.12 dom0-long-debug: dom0-long-%:
	$(part) CPUS=2 $(boot) $* selftests-long
dom0-6.1 dom0-6.12 dom0-debug: dom0-%:
	$(part) CPUS=2 $(boot) $* selftests
stubdomain:
	$(part) $(boot) 6.12 stubdomain
# A reboot of dom0 keeps what it wrote to its disk: QEMU goes on.
persist:
	$(part) MORE_ARGS="-action reboot=reset" $(boot) 6.12 persist
kunit:
	$(part) $(here)kunit.sh
kunit-long:
	$(part) TOGGLES=100000 $(here)kunit.sh
fuzz-long:
	$(part) $(here)fuzz.sh
cost:
	$(part) $(here)bench.sh --short
packages:
	$(part) $(top)/packaging/test-deb.sh
rpm:
	$(part) $(top)/packaging/test-rpm.sh
command:
	$(part) bash -c '. $(rig)/lib.sh && \
		need bash-completion pci.ids python3 gcc make pkg-config \
			libpci-dev libkmod-dev libsmartcols-dev libxen-dev && \
		make -s -C $(top)/tools/pciback-fixup test'

.PHONY: check check-all check-stress names $(check-all) $(check-stress)

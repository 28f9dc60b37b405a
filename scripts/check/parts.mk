# SPDX-License-Identifier: GPL-2.0
here := $(dir $(lastword $(MAKEFILE_LIST)))
top := $(here)../..
rig := $(top)/tools/testing/selftests/pciback_fixup/rig

# dom0-SERIES are the tests in a dom0 with each kernel series that the stack has. Parts
# that end with -STACK are of another stack than the one that is tested in all ways.
SERIES := $(shell $(rig)/stack.sh series)
OTHERS := $(shell $(rig)/stack.sh others)
other = $(OTHERS:%=$(1)-%)

# The parts of make check. check.sh runs two at a time: the dom0s with two CPUs are spread
# over the list, for two of them beside each other take as long as one after the other.
check := dom0-debug guests dom0-$(firstword $(SERIES)) demo lint persist \
	$(patsubst %,dom0-%,$(wordlist 2,9,$(SERIES))) kunit cost fuzz gates
check-all := $(check) $(foreach stack,$(OTHERS),dom0-$(stack) guests-$(stack)) kunit-newest \
	stubdomain many-guests q35 packages packages-trixie in-tree rpm source command
check-stress := kunit-long dom0-long-latest dom0-long-debug fuzz-long

check: $(check)
check-all: $(check-all)
check-stress: $(check-stress)
names:
	@echo $($(SET))

boot := $(rig)/boot.sh
part = @$(here)part.sh $@ env

lint fuzz gates in-tree:
	$(part) $(here)$@.sh
fuzz: export SECONDS_OF_FUZZ = 20
demo:
	$(part) $(boot) latest four-guests
guests:
	$(part) GUEST_SERIES="$(SERIES)" $(boot) latest device-matrix
$(call other,guests): guests-%:
	$(part) STACK=$* GUEST_SERIES=latest $(boot) latest device-matrix
$(call other,dom0): dom0-%:
	$(part) STACK=$* CPUS=2 $(boot) latest selftests
dom0-long-latest dom0-long-debug: dom0-long-%:
	$(part) CPUS=2 $(boot) $* selftests-long
$(SERIES:%=dom0-%) dom0-debug: dom0-%:
	$(part) CPUS=2 $(boot) $* selftests
stubdomain many-guests q35:
	$(part) $(boot) latest $@
# A reboot of dom0 keeps what it wrote to its disk: QEMU goes on.
persist:
	$(part) MORE_ARGS="-action reboot=reset" $(boot) latest persist
kunit:
	$(part) $(here)kunit.sh
kunit-newest:
	$(part) STACK=newest $(here)kunit.sh
kunit-long:
	$(part) TOGGLES=100000 $(here)kunit.sh
fuzz-long:
	$(part) $(here)fuzz.sh
cost:
	$(part) $(here)bench.sh --tap
packages:
	$(part) $(top)/packaging/test-deb.sh bookworm
packages-trixie:
	$(part) $(top)/packaging/test-deb.sh trixie
rpm source:
	$(part) $(top)/packaging/test-$@.sh
command:
	$(part) bash -c '. $(rig)/lib.sh && \
		need bash-completion pci.ids python3 gcc make pkg-config \
			libpci-dev libkmod-dev libsmartcols-dev libxen-dev && \
		make -s -C $(top)/tools/pciback-fixup test'

.PHONY: check check-all check-stress names $(check-all) $(check-stress)

# SPDX-License-Identifier: GPL-2.0
here := $(dir $(lastword $(MAKEFILE_LIST)))
top := $(here)../..
rig := $(top)/tools/testing/selftests/pciback_fixup/rig

# The parts dom0-SERIES run the tests in a dom0 with each kernel series of the stack. A part
# that ends with -STACK is of another stack.
SERIES := $(shell $(rig)/stack.sh series)
OTHERS := $(shell $(rig)/stack.sh others)
other = $(OTHERS:%=$(1)-%)

# The parts of make check. check.sh runs two at a time. The dom0s with two CPUs and threads
# are spread over the list: running two of them in parallel gains nothing.
check := dom0-debug guests dom0-$(firstword $(SERIES)) demo lint persist \
	$(patsubst %,dom0-%,$(wordlist 2,9,$(SERIES))) kunit cost fuzz test
check-all := $(check) $(foreach stack,$(OTHERS),dom0-$(stack) guests-$(stack)) kunit-newest \
	stubdomain many-guests q35 packages packages-trixie in-tree rpm source
check-stress := kunit-long dom0-long-latest dom0-long-debug fuzz-long

check: $(check)
check-all: $(check-all)
check-stress: $(check-stress)
names:
	@echo $($(SET))

boot := $(rig)/boot.sh
part = @$(here)part.sh $@ env

lint in-tree fuzz fuzz-long kunit kunit-long kunit-newest:
	$(part) $(here)$(patsubst %-newest,%,$(@:-long=)).sh
fuzz: export SECONDS_OF_FUZZ = 20
kunit-long: export TOGGLES = 100000
kunit-newest: export STACK = newest
demo:
	$(part) $(boot) latest four-guests
guests:
	$(part) GUEST_SERIES="$(SERIES)" $(boot) latest device-matrix
$(call other,guests): guests-%:
	$(part) STACK=$* GUEST_SERIES=latest $(boot) latest device-matrix
$(call other,dom0): dom0-%:
	$(part) STACK=$* CPUS=2 THREAD=single $(boot) latest selftests
dom0-long-latest dom0-long-debug: dom0-long-%:
	$(part) CPUS=2 $(boot) $* selftests-long
$(SERIES:%=dom0-%) dom0-debug: dom0-%:
	$(part) CPUS=2 $(boot) $* selftests
stubdomain many-guests q35:
	$(part) $(boot) latest $@
# QEMU goes on when dom0 reboots, and keeps what dom0 wrote to its disk.
persist:
	$(part) MORE_ARGS="-action reboot=reset" $(boot) latest persist
cost:
	$(part) $(here)cost/bench.sh --tap
packages:
	$(part) $(top)/packaging/test-deb.sh bookworm
packages-trixie:
	$(part) $(top)/packaging/test-deb.sh trixie
rpm source:
	$(part) $(top)/packaging/test-$@.sh
test:
	$(part) bash -c '. $(rig)/lib.sh && need bash-completion pci.ids python3 gcc make pkg-config \
		libpci-dev libkmod-dev libsmartcols-dev libxen-dev && $(here)test.sh'

.PHONY: check check-all check-stress names $(check-all) $(check-stress)

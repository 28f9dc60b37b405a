# SPDX-License-Identifier: GPL-2.0
# xen-pciback-fixup: see README.md. "make help" lists the targets.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

MODULE := $(CURDIR)/drivers/xen/xen-pciback
COMMAND := tools/pciback-fixup
SELFTESTS := tools/testing/selftests/pciback_fixup
RIG := $(SELFTESTS)/rig
CHECKS := scripts/check
AUDITS := scripts/audit

# Where install puts the module below /lib/modules/VERSION; depmod prefers it to others.
MODULE_DIR := updates
DEPMOD = PATH=$$PATH:/sbin:/usr/sbin depmod -b "$(DESTDIR)/"
# The kernel that the module was built for, which KDIR= may have named.
BUILT_FOR = $$(PATH=$$PATH:/sbin:/usr/sbin modinfo -F vermagic \
	$(MODULE)/xen-pciback-fixup.ko | cut -d ' ' -f 1)

# The module needs a compiler and the kernel's headers only.
LIBRARIES := libkmod libpci smartcols xenstore
has_libraries := $(shell pkg-config --exists $(LIBRARIES) 2>/dev/null && echo yes)

all: module $(if $(has_libraries),command,no-command) ## build the module and the command (the default)

include packaging/Makefile.packaging

headers:
	@test -e $(KDIR)/Makefile || { \
		echo "no kernel to build for at $(KDIR):" \
		     "install the package linux-headers-$(KVER), or give KDIR=" >&2; \
		exit 1; }

module: headers ## build the module for the running kernel, or for KDIR=
	@$(MAKE) -C $(KDIR) M=$(MODULE) modules || { \
		echo "error: the module was not built for Linux" \
		     "$$(cat $(KDIR)/include/config/kernel.release); it was tested with" \
		     "6.1 to 7.3: for a later one, look for a newer release" >&2; \
		exit 1; }

command: ## build the command pciback-fixup
	$(MAKE) -C $(COMMAND)

no-command:
	@echo "note: without the command pciback-fixup, which needs pkg-config and" \
		"the libraries $(LIBRARIES): see README.md, Install" >&2

install: install-module $(if $(has_libraries),install-command,no-command) ## install both (as root)

install-module: module ## install the module for that kernel
	$(MAKE) -C $(KDIR) M=$(MODULE) INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_DIR=$(MODULE_DIR) modules_install
	$(DEPMOD) "$(BUILT_FOR)"

install-command: ## install the command, its manual and completion below PREFIX=
	$(MAKE) -C $(COMMAND) install

uninstall: uninstall-module uninstall-command ## remove what install put there

uninstall-module: MODULES = $(DESTDIR)/lib/modules/$(KVER)
uninstall-module: ## remove the module of the running kernel, or of KVER=
	$(RM) $(foreach end,ko ko.gz ko.xz ko.zst,$(MODULES)/$(MODULE_DIR)/xen-pciback-fixup.$(end))
	test ! -d "$(MODULES)" || $(DEPMOD) "$(KVER)"

uninstall-command: ## remove the command, its manual and completion
	$(MAKE) -C $(COMMAND) uninstall

demo: ## show in QEMU what four guests on a real Xen host see
	@$(RIG)/demo.sh

demo-stubdomain: ## the same for an HVM guest whose QEMU runs in a stubdomain, as in Qubes
	@$(RIG)/demo.sh stubdomain

demo-q35: ## the same for guests with the chipset Q35, behind a QEMU that is built for it
	@$(RIG)/demo.sh q35-guests

device-model-q35: ## build that QEMU, from the source package of Debian's own, into build/q35
	@bash -c '. $(RIG)/boot.sh && device_model'

shell: ## the same machine, to try things by hand
	@$(RIG)/boot.sh latest shell

test: ## the tests that need neither root nor a machine: under a minute
	@$(CHECKS)/test.sh

check: ## run all tests of the module
	@$(CHECKS)/check.sh check

check-all: ## the same, on the other stacks, of the packages and in the kernel's tree: about an hour at first
	@$(CHECKS)/check.sh check-all

check-stress: ## the long forms of the tests that look for faults: over an hour
	@$(CHECKS)/check.sh check-stress

check-in-tree: ## build in the kernel's own tree, and as a series of patches
	@$(CHECKS)/in-tree.sh

# A kernel's source, for targets that need one
ksrc = @test -n "$(KSRC)" || { \
	echo "$@ needs a kernel source tree: make $@ KSRC=/path/to/linux" >&2; exit 1; }

in-tree: ## put all of it into the kernel source tree KSRC=
	$(ksrc)
	scripts/in-tree.sh $(KSRC)

patches: ## write it as a series of patches for KSRC= into build/patches
	$(ksrc)
	scripts/patches.sh $(KSRC) build/patches

lint: ## build for all kernel flavours, run the kernel's checkers
	@$(CHECKS)/lint.sh

kunit: ## run the KUnit suites only
	@$(CHECKS)/kunit.sh

kcsan: ## run them in a kernel that looks for data races
	@$(CHECKS)/kunit.sh kcsan

mutants: ## mutate the module in many small ways: does a test notice each? About an hour
	@$(AUDITS)/mutants.sh

coverage: ## which lines and branches of the module do tests run? HTML in build/coverage
	@$(AUDITS)/coverage.sh

bench: ## count what the module costs; the table is kept in build/bench/cost.txt
	@$(CHECKS)/cost/bench.sh

fuzz: ## fuzz the parser of device lists, for ten minutes
	@$(CHECKS)/fuzz.sh

stacks: ## make the guide's table of stacks from the last run of check-all
	@$(CHECKS)/stacks.sh

# Without KDIR, for the kernel that it was built for may be gone.
clean: ## remove what was built for the module and the command
	find $(MODULE) \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '*.cmd' -o -name '*.o.d' -o -name modules.order \
		-o -name Module.symvers \) -delete
	$(MAKE) -C $(COMMAND) clean

distclean: ## remove all that the rig has fetched and built as well
	rm -rf build 2>/dev/null || sudo rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  KVER=  a kernel's version, in place of the running one's: $(KVER)"
	@echo "  KDIR=  its headers or build folder: $(KDIR)"
	@echo "  DESTDIR= and PREFIX=  where to install"
	@echo "  STACK=  what demo, shell, check, kunit and bench are made of: bookworm, trixie,"
	@echo "          newest (the newest kernel in Debian); by default this machine's release"

.PHONY: all headers module command no-command install install-module install-command \
	uninstall uninstall-module uninstall-command demo demo-stubdomain demo-q35 \
	device-model-q35 shell test check check-all check-stress check-in-tree in-tree \
	patches lint kunit kcsan mutants coverage bench fuzz stacks \
	clean distclean help

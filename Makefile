# SPDX-License-Identifier: GPL-2.0
# xen-pciback-fixup: see README.md. "make help" lists the targets.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

MODULE := $(CURDIR)/drivers/xen/xen-pciback
COMMAND := tools/pciback-fixup
RIG := tools/testing/selftests/pciback_fixup/rig
CHECKS := scripts/check

# install puts the module there, below /lib/modules/VERSION. depmod prefers this folder.
MODULE_DIR := updates
DEPMOD = PATH=$$PATH:/sbin:/usr/sbin depmod -b "$(DESTDIR)/"
# The kernel that the module was built for: KDIR= may have named it.
BUILT_FOR = $$(PATH=$$PATH:/sbin:/usr/sbin modinfo -F vermagic \
	$(MODULE)/xen-pciback-fixup.ko | cut -d ' ' -f 1)

# Only the command needs libraries.
LIBRARIES := libkmod libpci smartcols xenstore
has_libraries := $(shell pkg-config --exists $(LIBRARIES) 2>/dev/null && echo yes)

all: module $(if $(has_libraries),command,no-command) ## build the module and the command (the default)

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

install: install-module $(if $(has_libraries),install-command,no-command) ## install the module and the command (as root)

install-module: module ## install the module for the kernel that it was built for
	$(MAKE) -C $(KDIR) M=$(MODULE) INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_DIR=$(MODULE_DIR) modules_install
	$(DEPMOD) "$(BUILT_FOR)"

install-command: ## install the command, its manual and completion below PREFIX=
	$(MAKE) -C $(COMMAND) install

uninstall: uninstall-module uninstall-command ## remove what install has installed

uninstall-module: ## remove the module of the running kernel, or of KVER=
	$(RM) $(DESTDIR)/lib/modules/$(KVER)/$(MODULE_DIR)/xen-pciback-fixup.ko*
	test ! -d "$(DESTDIR)/lib/modules/$(KVER)" || $(DEPMOD) "$(KVER)"

uninstall-command: ## remove the command, its manual and completion
	$(MAKE) -C $(COMMAND) uninstall

demo: ## show in QEMU what four guests on a real Xen host see
	@$(RIG)/demo.sh

demo-stubdomain: ## the same for an HVM guest with QEMU in a stubdomain, as in Qubes
	@$(RIG)/demo.sh stubdomain

demo-q35: ## the same for guests with the chipset Q35, with a QEMU built for it
	@$(RIG)/demo.sh q35-guests

device-model-q35: ## build that QEMU from Debian's source package, in build/q35
	@bash -c '. $(RIG)/boot.sh && device_model'

shell: ## a shell in the dom0 of such a host
	@$(RIG)/boot.sh latest shell

# Targets that run the script of their name
test: ## the tests that need neither root nor a machine: under a minute
lint: ## build for all kernel flavours, and run the kernel's checkers
kunit: ## run only the KUnit suites
fuzz: ## fuzz the parser of device lists, for ten minutes
stacks: ## write the guide's table of stacks from the last run of check-all
test lint kunit fuzz stacks:
	@$(CHECKS)/$@.sh

mutants: ## make many small changes to the module: does a test fail for each? Hours
coverage: ## the lines and branches of the module that tests run, as HTML in build/coverage
mutants coverage:
	@scripts/audit/$@.sh

dkms-install: ## install the module with DKMS, also for later kernels (as root)
deb: ## build the Debian packages in build/deb
rpm: ## build the RPM packages in build/rpm
dkms-install deb rpm:
	@KVER='$(KVER)' packaging/$@.sh

check: ## run all tests of the module
check-all: ## check, and the other stacks, the packages and the kernel's tree: an hour at first
check-stress: ## the long versions of tests with races and injected faults: over an hour
check check-all check-stress:
	@$(CHECKS)/check.sh $@

in-tree: ## add the driver, its tests and documents to the kernel source tree KSRC=
patches: ## write them as a series of patches for KSRC= to build/patches
in-tree patches:
	@test -n "$(KSRC)" || { \
		echo "$@ needs a kernel source tree: make $@ KSRC=/path/to/linux" >&2; exit 1; }
	scripts/$@.sh $(KSRC)

kcsan: ## run the KUnit suites in a kernel with KCSAN, which looks for data races
	@$(CHECKS)/kunit.sh kcsan

bench: ## measure the cost of the module; the table is in build/bench/cost.txt
	@$(CHECKS)/cost/bench.sh

# dkms-install.sh and the RPM spec give VERSION=. debian/rules has debhelper do this.
dkms-source: SOURCE = $(DESTDIR)/usr/src/xen-pciback-fixup-$(VERSION)
dkms-source:
	install -D -m 644 -t $(SOURCE) $(MODULE)/Makefile* $(MODULE)/fixup_*.[ch]
	sed 's/#MODULE_VERSION#/$(VERSION)/' dkms.conf >$(SOURCE)/dkms.conf

# Without KDIR: the kernel that the module was built for may be gone.
clean: ## remove the built files of the module and the command
	find $(MODULE) \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '*.cmd' -o -name '*.o.d' -o -name modules.order \
		-o -name Module.symvers \) -delete
	$(MAKE) -C $(COMMAND) clean

distclean: ## remove build/, which has everything that the rig fetched and built
	rm -rf build 2>/dev/null || sudo rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  KVER=  the kernel's version, by default the running kernel's: $(KVER)"
	@echo "  KDIR=  its headers or build folder: $(KDIR)"
	@echo "  DESTDIR= and PREFIX=  where to install"
	@echo "  STACK=  the Debian for demo, shell, check, kunit and bench: bookworm, trixie or"
	@echo "          newest (the newest kernel in Debian); by default this machine's release"

.PHONY: all headers module command no-command install install-module install-command \
	uninstall uninstall-module uninstall-command demo demo-stubdomain demo-q35 \
	device-model-q35 shell test lint kunit fuzz stacks mutants coverage dkms-install deb rpm \
	check check-all check-stress in-tree patches kcsan bench dkms-source clean distclean help

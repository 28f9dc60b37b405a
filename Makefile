# SPDX-License-Identifier: GPL-2.0
# xen-pciback-fixup: see README.md. "make help" lists the targets.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

MODULE := $(CURDIR)/drivers/xen/xen-pciback
SELFTESTS := tools/testing/selftests/pciback_fixup
RIG := $(SELFTESTS)/qemu

all: module ## build the module (the default)

include packaging/Makefile.packaging

module: ## build the module for the running kernel, or for KDIR=
	@test -d $(KDIR) || { \
		echo "no kernel to build for at $(KDIR):" \
		     "install the package linux-headers-$(KVER), or give KDIR=" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(MODULE) W=1 modules

install: module ## install it for that kernel (as root), see README.md
	$(MAKE) -C $(KDIR) M=$(MODULE) modules_install

demo: ## show in QEMU what four guests on a real Xen host see
	@$(RIG)/demo.sh

shell: ## the same machine, to try things by hand
	@$(RIG)/shell.sh

check: ## run all tests: 11 minutes, 21 the first time (two cores)
	@$(RIG)/check.sh

check-all: ## the same, and the tests of the packages and in the kernel's tree
	@$(RIG)/check.sh --all

check-stress: ## the long forms of the tests that look for faults: over an hour
	@$(RIG)/check-stress.sh

check-in-tree: ## build in the kernel's own tree, and as a series of patches
	@$(RIG)/intree.sh

in-tree: ## put all of it into the kernel source tree KSRC=
	scripts/in-tree.sh $(KSRC)

patches: ## write it as a series of patches for KSRC= into build/patches
	scripts/patches.sh $(KSRC) build/patches

lint: ## build for all kernel flavours, run the kernel's checkers
	@$(RIG)/lint.sh

kunit: ## run the KUnit suites only
	@$(RIG)/kunit.sh

kcsan: ## run them in a kernel that looks for data races
	@$(RIG)/kunit.sh kcsan

bench: ## count what the module costs; table and picture in build/bench
	@$(RIG)/bench.sh

fuzz: ## fuzz the parser of device lists, for ten minutes
	@$(RIG)/fuzz.sh

clean: ## remove what "make module" built
	$(MAKE) -C $(KDIR) M=$(MODULE) clean

distclean: ## remove all that the rig has fetched and built as well
	rm -rf build 2>/dev/null || sudo rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all module install demo shell check check-all check-stress \
	check-in-tree in-tree patches lint kunit kcsan bench fuzz clean distclean help

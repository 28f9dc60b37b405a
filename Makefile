# SPDX-License-Identifier: GPL-2.0
# xen-pciback-fixup: see README.md. "make help" lists the targets.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

MODULE := $(CURDIR)/drivers/xen/xen-pciback

all: module ## build the module (the default)

module: ## build the module for the running kernel, or for KDIR=
	@test -d $(KDIR) || { \
		echo "no kernel to build for at $(KDIR):" \
		     "install the package linux-headers-$(KVER), or give KDIR=" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(MODULE) W=1 modules

install: module ## install it for that kernel (as root), see README.md
	$(MAKE) -C $(KDIR) M=$(MODULE) modules_install

clean: ## remove what "make module" built
	$(MAKE) -C $(KDIR) M=$(MODULE) clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all module install clean help
